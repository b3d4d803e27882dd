/** The moments at which the last requests of one rate were let through, oldest first, in a ring that grows up to the limit. */
export class SlidingWindow {
  private times = new Float64Array(8);
  private first = 0;
  private count = 0;

  /** Let through at `nowMs`, if fewer than `limit` were in the last `perMs`. */
  admit(nowMs: number, limit: number, perMs: number): boolean {
    this.forget(nowMs - perMs);
    if (this.count >= limit) return false;
    if (this.count === this.times.length) this.grow();
    this.times[(this.first + this.count) % this.times.length] = nowMs;
    this.count++;
    return true;
  }

  get size(): number {
    return this.count;
  }

  /** When the oldest was let through; `nowMs` when there is none. */
  oldest(nowMs: number): number {
    return this.count === 0 ? nowMs : (this.times[this.first] as number);
  }

  private forget(untilMs: number): void {
    while (this.count > 0 && (this.times[this.first] as number) <= untilMs) {
      this.first = (this.first + 1) % this.times.length;
      this.count--;
    }
    if (this.count === 0 && this.times.length > keptWhenEmpty) this.times = new Float64Array(8);
  }

  private grow(): void {
    const grown = new Float64Array(this.times.length * 2);
    for (let i = 0; i < this.count; i++) grown[i] = this.times[(this.first + i) % this.times.length] as number;
    this.times = grown;
    this.first = 0;
  }
}

/** A ring that a burst made larger than this is let go when it has emptied. */
const keptWhenEmpty = 1024;
