import { type ClientHttp2Session, type ClientHttp2Stream, type ClientSessionRequestOptions, connect } from 'node:http2';
import type { Socket } from 'node:net';
import type { ResolvedUpstreamOptions } from '../options.ts';

/** Who keeps the sessions. */
export interface SessionOwner {
  /** A stream is over: there is room for another. */
  streamFreed(): void;
  /** It takes no new streams any more; those it has go on. */
  sessionRetired(session: Http2Session): void;
}

/** Bytes of a response that wait here for a slow client, per stream; undici's default as well. */
const streamWindowBytes = 262_144;
/** For all streams of a session together. Node hands it back as data arrives, so that one slow client does not hold up the others. */
const sessionWindowBytes = 1_048_576;
const maxHeadBytes = 65_536;

/** One connection to an HTTP/2 upstream: counts its streams, and lets go of it when it is dead, idle or told to. */
export class Http2Session {
  readonly session: ClientHttp2Session;
  private readonly owner: SessionOwner;
  private readonly options: ResolvedUpstreamOptions;
  private readonly pinger: NodeJS.Timeout;
  private idleTimer: NodeJS.Timeout | undefined;
  private limit: number;
  private streams = 0;
  private retired = false;
  private pinging = false;

  constructor(origin: string, socket: Socket, options: ResolvedUpstreamOptions, owner: SessionOwner) {
    this.owner = owner;
    this.options = options;
    this.limit = options.streamsPerSession;
    const settings = { enablePush: false, initialWindowSize: streamWindowBytes, maxHeaderListSize: maxHeadBytes };
    // Node would refuse to send a header twice of which it thinks that one is enough; its types do not know the switch here.
    const lenient = { strictSingleValueFields: false };
    this.session = connect(origin, { createConnection: () => socket, settings, ...lenient });
    this.session.once('connect', () => this.session.setLocalWindowSize(sessionWindowBytes));
    this.session.on('remoteSettings', ({ maxConcurrentStreams }) => {
      this.limit = Math.min(options.streamsPerSession, maxConcurrentStreams ?? options.streamsPerSession);
      owner.streamFreed();
    });
    this.session.on('goaway', () => this.retire());
    this.session.on('close', () => this.retire());
    // Its streams fail with it, and they tell.
    this.session.on('error', () => this.retire());
    this.pinger = setInterval(() => this.ping(), options.pingIntervalMs);
    this.pinger.unref();
    this.idle();
  }

  /** Streams that it could still take. */
  get room(): number {
    return this.retired ? 0 : this.limit - this.streams;
  }

  /** Take a place for one stream, until `release`. */
  reserve(): this {
    this.streams += 1;
    clearTimeout(this.idleTimer);
    return this;
  }

  /** Open the stream that a place was reserved for; the place is given back when it closes. */
  open(entries: readonly string[], options: ClientSessionRequestOptions): ClientHttp2Stream {
    const stream = this.session.request(entries, options);
    stream.once('close', () => this.release());
    return stream;
  }

  release(): void {
    this.streams -= 1;
    if (this.streams === 0) this.idle();
    this.owner.streamFreed();
  }

  /** Let the streams it has finish, and take no more. */
  retire(): void {
    if (this.retired) return;
    this.retired = true;
    clearInterval(this.pinger);
    clearTimeout(this.idleTimer);
    if (!this.session.closed) this.session.close();
    this.owner.sessionRetired(this);
  }

  destroy(): void {
    this.session.destroy();
    this.retire();
  }

  private idle(): void {
    if (this.retired) return;
    this.idleTimer = setTimeout(() => this.retire(), this.options.idleSessionMs);
    this.idleTimer.unref();
  }

  /** Whether the other side still answers. A silent one is given up, and its streams fail, instead of waiting for TCP to notice. */
  private ping(): void {
    if (this.streams === 0) return;
    if (this.pinging) {
      this.session.destroy(new Error(`the upstream answered no ping within ${this.options.pingIntervalMs} ms`));
      return;
    }
    this.pinging = this.session.ping(() => {
      this.pinging = false;
    });
  }
}
