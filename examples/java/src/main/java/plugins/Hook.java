package plugins;

/** Edits a call; what it leaves alone stays as it is. */
@FunctionalInterface
interface Hook {
  void run(coprocess.CoprocessObject.Object.Builder call);
}
