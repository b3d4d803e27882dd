import { sliceCount } from '../rate-slices.ts';

/** Requests let through, counted per slice of the window: for large limits (see rate-slices.ts). */
export class SlicedWindow {
  /** One more than make up the window: the oldest one is half out of it. */
  private readonly slices = new Float64Array(sliceCount + 1);
  private sliceMs = 0;
  /** Number of the slice that time has come to, from the clock's zero. */
  private current = 0;
  private total = 0;

  admit(nowMs: number, limit: number, perMs: number): boolean {
    this.advance(nowMs, perMs / sliceCount);
    if (this.total >= limit) return false;
    const at = this.current % this.slices.length;
    this.slices[at] = (this.slices[at] as number) + 1;
    this.total++;
    return true;
  }

  get size(): number {
    return this.total;
  }

  /** When the oldest slice that counts something began. */
  oldest(nowMs: number): number {
    for (let age = sliceCount; age >= 0; age--) {
      const slice = this.current - age;
      if (slice >= 0 && this.slices[slice % this.slices.length] !== 0) return (slice + 1) * this.sliceMs;
    }
    return nowMs;
  }

  private advance(nowMs: number, sliceMs: number): void {
    const now = Math.floor(nowMs / sliceMs);
    // Another length of window, or an old one that is over: begin anew.
    if (sliceMs !== this.sliceMs || now - this.current > sliceCount) {
      this.slices.fill(0);
      this.total = 0;
      this.sliceMs = sliceMs;
      this.current = now;
    }
    while (this.current < now) {
      this.current++;
      const at = this.current % this.slices.length;
      this.total -= this.slices[at] as number;
      this.slices[at] = 0;
    }
  }
}
