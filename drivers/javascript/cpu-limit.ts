/** V8 cannot be told to count anything but the time that passes, and the CPU time of an isolate is that too in isolated-vm 7. */

/** A script that used less of its limit than this, as a fraction, did not come to it: the machine was doing something else. */
const starvedBelow = 0.75;
/** Tries in all of a script whose time passed while the machine did something else. */
const maxTries = 4;
/** A further try gets at most so many times the time of the one before. */
const maxStretch = 4;

/** Whether V8 ended what ran. */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Script execution timed out');
}

/** CPU time of this thread so far. The kernel may count it in ticks of up to 4 ms. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * Do work that is ended when it has used so much CPU time. Work that was ended too early, because the machine did something else
 * meanwhile, is done again with as much more time as it lacked; it must be such that a try that was ended left nothing.
 *
 * @param untilMs when nobody waits for it any longer, as `Date.now()` tells time: no try goes on beyond.
 * @param beforeMs what `threadCpuMs` says now
 * @param work gets the time that may pass, and throws V8's error when it does; also, whether an error that it met will have it tried again.
 */
export function withinCpu<T>(
  limitMs: number,
  untilMs: number,
  beforeMs: number,
  work: (timeoutMs: number, isStarved: (error: unknown) => boolean) => T,
): T {
  let timeoutMs = limitMs;
  let triedMs = beforeMs;
  for (let tries = 1; ; tries++) {
    const usedMs = (): number => threadCpuMs() - triedMs;
    const isStarved = (error: unknown): boolean =>
      isTimeout(error) && tries < maxTries && usedMs() < limitMs * starvedBelow && Date.now() < untilMs;
    try {
      return work(Math.max(1, Math.ceil(timeoutMs)), isStarved);
    } catch (error) {
      if (!isStarved(error)) throw error;
      const stretch = Math.min(maxStretch, limitMs / Math.max(usedMs(), 1));
      timeoutMs = Math.min(timeoutMs * stretch, untilMs - Date.now());
      triedMs = threadCpuMs();
    }
  }
}
