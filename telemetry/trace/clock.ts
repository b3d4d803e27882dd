import { performance } from 'node:perf_hooks';
import type { HrTime } from '@opentelemetry/api';

/** Further apart than this, in milliseconds, the wall clock was set since the last look. `Date.now()` itself is up to 1 ms behind. */
const toleranceMs = 2;

/**
 * Span times. The SDK's own begin at whole milliseconds, which is longer than most hooks run; these are readings of the monotonic clock,
 * moved to wall time by an offset that is the same for all spans of a trace.
 */
export class SpanClock {
  /** Wall time less monotonic time, in two parts: in one number there would be no room for nanoseconds. */
  private offsetSeconds = 0;
  private offsetMs = 0;

  /** Now, on the clock of `performance.now()`. Looks whether the wall clock was set; called once per request. */
  begin(): number {
    const nowMs = performance.now();
    const wallMs = Date.now();
    if (Math.abs(this.offsetSeconds * 1000 + this.offsetMs + nowMs - wallMs) > toleranceMs) {
      const startedMs = performance.timeOrigin + nowMs;
      this.offset(Math.abs(startedMs - wallMs) > toleranceMs ? wallMs - nowMs : performance.timeOrigin);
    }
    return nowMs;
  }

  /** A reading of `performance.now()` as seconds and nanoseconds since 1970. */
  time(monotonicMs: number): HrTime {
    const ms = this.offsetMs + monotonicMs;
    const seconds = Math.floor(ms / 1000);
    return [this.offsetSeconds + seconds, Math.floor((ms - seconds * 1000) * 1e6)];
  }

  private offset(ms: number): void {
    this.offsetSeconds = Math.floor(ms / 1000);
    this.offsetMs = ms - this.offsetSeconds * 1000;
  }
}
