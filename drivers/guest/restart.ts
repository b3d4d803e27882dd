/** A process that lived so long was well: its death is not held against the next. */
export const stableAfterMs = 5000;

/**
 * How long to wait before the next start. The first death of a process that had served costs no pause; after that, and when it did not
 * even start, pauses grow from 100 ms to 1 s: a crash loop must not eat the machine, and a cured one should be whole within a second.
 */
export function restartDelayMs(failuresBefore: number, hadServed: boolean): number {
  if (failuresBefore === 0 && hadServed) return 0;
  const doublings = hadServed ? failuresBefore - 1 : failuresBefore;
  return Math.min(100 * 2 ** doublings, 1000);
}
