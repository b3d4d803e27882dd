/** A guest whose process can be ended when nobody needs it: the next call starts it again. */
export interface RestingGuest {
  /** When it was used last, on the clock of `performance.now()`; undefined while it works. */
  readonly idleSinceMs: number | undefined;
  rest(): void;
}

/**
 * Keeps the number of processes down: a thousand APIs may have guests, and few of them are used at a time. Beyond the limit the one that has
 * been idle longest is ended. Those at work are never ended, so there may be more for a while.
 */
export class WarmGuests {
  private readonly max: number;
  private readonly running = new Set<RestingGuest>();

  constructor(max: number) {
    this.max = max;
  }

  /** A guest has a process now. */
  started(guest: RestingGuest): void {
    this.running.add(guest);
    if (this.running.size <= this.max) return;
    let idlest: RestingGuest | undefined;
    for (const other of this.running) {
      if (other === guest || other.idleSinceMs === undefined) continue;
      if (idlest?.idleSinceMs === undefined || other.idleSinceMs < idlest.idleSinceMs) idlest = other;
    }
    idlest?.rest();
  }

  /** A guest has none any more. */
  stopped(guest: RestingGuest): void {
    this.running.delete(guest);
  }
}
