import { StoreUnavailable } from '../store.ts';

interface Waiting {
  readonly reject: (error: StoreUnavailable) => void;
  readonly endsAtMs: number;
}

/**
 * Ends waits that last too long. All last equally long, so they end in the order in which they began and one timer serves them all:
 * a timer per command costs more than the command's own bookkeeping.
 */
export class Deadlines {
  private readonly waiting = new Set<Waiting>();
  private readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  /** The promise's outcome; or a rejection, once the time is over or {@link rejectAll} is called. */
  guard<T>(promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const entry: Waiting = { reject, endsAtMs: performance.now() + this.timeoutMs };
      this.waiting.add(entry);
      promise.then(
        (value) => {
          this.waiting.delete(entry);
          resolve(value);
        },
        (error: unknown) => {
          this.waiting.delete(entry);
          reject(new StoreUnavailable('Redis did not answer', { cause: error }));
        },
      );
    });
  }

  /** To be called often: end the waits whose time is over. */
  check(): void {
    const nowMs = performance.now();
    for (const entry of this.waiting) {
      if (entry.endsAtMs > nowMs) return;
      this.waiting.delete(entry);
      entry.reject(new StoreUnavailable(`Redis did not answer within ${this.timeoutMs} ms`));
    }
  }

  rejectAll(reason: string): void {
    for (const entry of this.waiting) entry.reject(new StoreUnavailable(reason));
    this.waiting.clear();
  }
}
