/** Between two beats, in milliseconds. */
const beatMs = 500;
/** When Redis answers and we have not heard anything for this long, we listen anew: at a cluster, with luck, at another node. */
const deafMs = 3000;
/** Without an answer, or without hearing our own beat, for this long, we call it dead. */
const silenceMs = 1500;

export interface Heart {
  /** Publish a beat; resolves when Redis took it. */
  beat(): Promise<unknown>;
  /** Called when {@link Pulse.alive} turned true. */
  onLife(): void;
  /** Called when {@link Pulse.alive} turned false. */
  onDeath(): void;
  /** Called when {@link Pulse.hearing} turned true. */
  onHearing(): void;
  /** Called when Redis answers, but what is published does not arrive. */
  onDeafness(): void;
  /** Called at every check. */
  onCheck(): void;
}

/**
 * Tells whether Redis answers, and whether what gateways publish arrives here: we publish a beat twice a second, and listen for it. So
 * one thing proves the whole way of an invalidation, be it a single server, sentinels or a cluster.
 */
export class Pulse {
  alive = false;
  hearing = false;
  private answeredAtMs = Number.NEGATIVE_INFINITY;
  private heardAtMs = Number.NEGATIVE_INFINITY;
  /** When we began to listen last. */
  private listeningSinceMs = performance.now();
  private readonly heart: Heart;
  private readonly timer: NodeJS.Timeout;
  private readonly checker: NodeJS.Timeout;

  constructor(heart: Heart) {
    this.heart = heart;
    this.timer = setInterval(() => this.beat(), beatMs).unref();
    this.checker = setInterval(() => this.checkSoon(), checkMs).unref();
  }

  /** Beat now, out of turn: a connection was made. */
  beat(): void {
    this.heart.beat().then(
      () => this.answered(),
      () => {},
    );
  }

  /** Our beat arrived. What was published was also taken, though its answer may still be on its way. */
  heard(): void {
    this.answered();
    this.heardAtMs = performance.now();
    if (this.hearing) return;
    this.hearing = true;
    this.heart.onHearing();
  }

  private answered(): void {
    this.answeredAtMs = performance.now();
    if (this.alive) return;
    this.alive = true;
    this.heart.onLife();
  }

  /** The connection that listens is gone. */
  deaf(): void {
    this.hearing = false;
  }

  /** The connection for commands is gone. */
  dead(): void {
    if (!this.alive) return;
    this.alive = false;
    this.heart.onDeath();
  }

  stop(): void {
    clearInterval(this.timer);
    clearInterval(this.checker);
  }

  // After the sockets were read: when the process itself stood still, the answers are there already.
  private checkSoon(): void {
    setImmediate(() => {
      this.heart.onCheck();
      const nowMs = performance.now();
      if (nowMs - this.answeredAtMs > silenceMs) this.dead();
      if (nowMs - this.heardAtMs > silenceMs) this.deaf();
      if (this.alive && !this.hearing && nowMs - Math.max(this.heardAtMs, this.listeningSinceMs) > deafMs) {
        this.listeningSinceMs = nowMs;
        this.heart.onDeafness();
      }
    });
  }
}

const checkMs = 50;
