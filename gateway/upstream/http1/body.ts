import { EventEmitter } from 'node:events';

/** Who sends the body on its way. */
export interface BodyOwner {
  /** The upstream takes more. */
  bodyDrained(): void;
}

/**
 * A client's body on its way upstream: http2-proxy writes to it, undici reads from it. Undici takes for a stream what has `pipe` and
 * `on`; this is all it needs of one, without the two buffers of a real one.
 */
export class ClientBody extends EventEmitter {
  destroyed = false;
  /** Undici takes more; otherwise wait for `bodyDrained`. */
  flowing = false;
  private readonly owner: BodyOwner;
  /** Parts that came before undici had a connection, or in the turn in which it asked to wait. */
  private readonly queue: Buffer[] = [];
  private ending = false;
  /** It was asked to flow, and does so once undici is done with asking. */
  private starting = false;

  constructor(owner: BodyOwner) {
    super();
    this.owner = owner;
  }

  write(chunk: Buffer): void {
    if (this.destroyed) return;
    if (this.flowing && !this.starting) this.emit('data', chunk);
    else this.queue.push(chunk);
  }

  end(): void {
    this.ending = true;
    if (this.flowing && !this.starting) this.emit('end');
  }

  // What undici calls:

  pause(): void {
    this.flowing = false;
  }

  /** Undici listens to its socket only after it has called this: a body that ended within would leave these listeners there for good. */
  resume(): void {
    if (this.flowing || this.destroyed) return;
    this.flowing = true;
    if (this.starting) return;
    this.starting = true;
    queueMicrotask(this.start);
  }

  private readonly start = (): void => {
    this.starting = false;
    if (!this.flowing || this.destroyed) return;
    while (this.flowing && this.queue.length > 0) this.emit('data', this.queue.shift());
    if (!this.flowing || this.destroyed) return;
    if (this.ending) this.emit('end');
    else this.owner.bodyDrained();
  };

  /** The request is over. What the client still sends is dropped. */
  destroy(): void {
    this.destroyed = true;
    this.flowing = true;
    this.queue.length = 0;
  }

  pipe(): never {
    throw new Error('a client body is read by its events only');
  }
}
