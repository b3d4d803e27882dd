/** A job that runs once at a time. Who asks while it runs shares the one run that begins after it, with all others who do. */
export function coalesced<Result>(job: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<unknown> | undefined;
  let next: Promise<Result> | undefined;

  function start(): Promise<Result> {
    const run = job();
    running = run
      .catch(() => {})
      .then(() => {
        running = undefined;
      });
    return run;
  }

  return () => {
    if (running === undefined) return start();
    next ??= running.then(() => {
      next = undefined;
      return start();
    });
    return next;
  };
}
