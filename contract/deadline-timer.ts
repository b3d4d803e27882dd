/**
 * One timer for many deadlines. A timer per call would cost more than the call's own bookkeeping, and nearly all calls end long before
 * their deadline: so it is armed for the earliest one it was told of, and looks round when that has come.
 */
export class DeadlineTimer {
  private readonly onDue: (nowMs: number) => number;
  private readonly graceMs: number;
  private timer: NodeJS.Timeout | undefined;
  private dueMs = Number.POSITIVE_INFINITY;
  private held: boolean;

  /**
   * `onDue` deals with all that was due at `nowMs`, and returns the next deadline, or infinity. It is asked `graceMs` after a deadline,
   * and not twice within that time; `held` timers keep the process alive.
   */
  constructor(onDue: (nowMs: number) => number, { graceMs = 0, held = false } = {}) {
    this.onDue = onDue;
    this.graceMs = graceMs;
    this.held = held;
  }

  /** Look round at this time, on the clock of `performance.now()`, at the latest. */
  watch(deadlineMs: number): void {
    if (deadlineMs >= this.dueMs) return;
    this.dueMs = deadlineMs;
    clearTimeout(this.timer);
    const waitMs = Math.min(Math.max(0, Math.ceil(deadlineMs - performance.now())) + this.graceMs, longestTimerMs);
    this.timer = setTimeout(() => {
      this.dueMs = Number.POSITIVE_INFINITY;
      this.watch(this.onDue(performance.now() - this.graceMs));
    }, waitMs);
    if (!this.held) this.timer.unref();
  }

  /** Whether the timer keeps this process alive. */
  hold(held: boolean): void {
    this.held = held;
    if (held) this.timer?.ref();
    else this.timer?.unref();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.dueMs = Number.NEGATIVE_INFINITY;
  }
}

/** What `setTimeout` takes: a signed 32-bit number of milliseconds. */
const longestTimerMs = 2 ** 31 - 1;
