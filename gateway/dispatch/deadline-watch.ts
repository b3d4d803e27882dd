import { performance } from 'node:perf_hooks';

/**
 * One timer for the deadlines of many calls. Nearly every call ends long before its deadline, so nothing is kept per call: the owner
 * is asked to look through its open calls when the earliest deadline it has named is over.
 */
export class DeadlineWatch {
  private readonly expire: (nowMs: number) => number;
  private earliestMs = Number.POSITIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;

  /** `expire` ends the calls whose deadline is before `nowMs`, and returns the earliest deadline of those that are left. */
  constructor(expire: (nowMs: number) => number) {
    this.expire = expire;
  }

  /** Have `expire` called once this moment, on the clock of `performance.now()`, is over. */
  add(deadlineMs: number): void {
    if (deadlineMs >= this.earliestMs) return;
    this.earliestMs = deadlineMs;
    clearTimeout(this.timer);
    this.arm();
  }

  close(): void {
    clearTimeout(this.timer);
    this.earliestMs = Number.NEGATIVE_INFINITY;
  }

  private arm(): void {
    const waitMs = Math.max(this.earliestMs + graceMs - performance.now(), graceMs);
    this.timer = setTimeout(() => {
      this.earliestMs = this.expire(performance.now() - graceMs);
      if (this.earliestMs !== Number.POSITIVE_INFINITY) this.arm();
    }, waitMs);
  }
}

/**
 * How long after a deadline it is enforced, in milliseconds: the driver's own report of the same timeout, which knows more, may still
 * be on its way. It is also the shortest time between two looks, so that many deadlines close together cost one look.
 */
const graceMs = 10;
