/**
 * What is under way, by number: a `Map` for things that come and go thousands of times a second.
 *
 * A `Map` of such things is rebuilt all the time, and V8 keeps each former table, with all that was in it then, linked to the next one.
 * As soon as one of them has grown old, whatever went through the Map since is held until the next full collection, and each scavenge
 * copies it (with 64 calls in flight: 13 ms instead of 1). This table is built anew only when it grows, and lets go of what is taken out.
 */
export class CallTable<Value> {
  /** Open addressing with linear probing; the length is a power of two. 0 stands for a free place. */
  private ids: number[] = Array(initialPlaces).fill(0);
  private held: (Value | undefined)[] = Array(initialPlaces).fill(undefined);
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(id: number): Value | undefined {
    return this.held[this.placeOf(id)];
  }

  has(id: number): boolean {
    return this.ids[this.placeOf(id)] === id;
  }

  /** `id` is a positive integer; numbers that follow one another are found fastest. */
  set(id: number, value: Value): void {
    let place = this.placeOf(id);
    if (this.ids[place] !== id) {
      if (2 * ++this.count > this.ids.length) {
        this.grow();
        place = this.placeOf(id);
      }
      this.ids[place] = id;
    }
    this.held[place] = value;
  }

  /** Take it out, and return it if it was there. */
  take(id: number): Value | undefined {
    let free = this.placeOf(id);
    if (this.ids[free] !== id) return undefined;
    const value = this.held[free];
    this.count -= 1;
    // Who was put further on because this place was taken moves up, so that no search ends too early.
    const mask = this.ids.length - 1;
    for (let next = (free + 1) & mask; this.ids[next] !== 0; next = (next + 1) & mask) {
      const home = (this.ids[next] as number) & mask;
      if (((next - home) & mask) < ((next - free) & mask)) continue;
      this.ids[free] = this.ids[next] as number;
      this.held[free] = this.held[next];
      free = next;
    }
    this.ids[free] = 0;
    this.held[free] = undefined;
    return value;
  }

  /** All values as of now, in no order. */
  values(): Value[] {
    const values: Value[] = [];
    for (const [place, id] of this.ids.entries()) if (id !== 0) values.push(this.held[place] as Value);
    return values;
  }

  clear(): void {
    this.ids.fill(0);
    this.held.fill(undefined);
    this.count = 0;
  }

  /** Where this number is, or would be put. */
  private placeOf(id: number): number {
    const { ids } = this;
    const mask = ids.length - 1;
    let place = id & mask;
    for (let at = ids[place]; at !== id && at !== 0; at = ids[place]) place = (place + 1) & mask;
    return place;
  }

  private grow(): void {
    const { ids, held } = this;
    this.ids = Array(ids.length * 2).fill(0);
    this.held = Array(ids.length * 2).fill(undefined);
    for (const [place, id] of ids.entries()) {
      if (id === 0) continue;
      const to = this.placeOf(id);
      this.ids[to] = id;
      this.held[to] = held[place];
    }
  }
}

/** Twice as many as are usually in flight. */
const initialPlaces = 256;
