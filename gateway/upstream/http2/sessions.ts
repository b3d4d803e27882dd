import type { Socket } from 'node:net';
import type { UpstreamTls } from '../../definitions/api.ts';
import { type Address, openSocket } from '../connect.ts';
import type { ResolvedUpstreamOptions } from '../options.ts';
import { Http2Session, type SessionOwner } from './session.ts';

/** Rejects a request for a session when the upstream turned out to speak HTTP/1.1 only. */
export class NotHttp2 extends Error {
  readonly socket: Socket;
  constructor(socket: Socket) {
    super('the upstream speaks HTTP/1.1');
    this.socket = socket;
  }
}

interface Waiter {
  resolve(session: Http2Session): void;
  reject(error: unknown): void;
}

/** The sessions with one HTTP/2 origin: streams go to the one with most room, and a new one is opened when all are full. */
export class Http2Sessions implements SessionOwner {
  private readonly address: Address;
  private readonly tls: UpstreamTls;
  private readonly options: ResolvedUpstreamOptions;
  private readonly sessions = new Set<Http2Session>();
  /** Retired ones that still have streams. */
  private readonly leaving = new Set<Http2Session>();
  private waiters: Waiter[] = [];
  private connecting = false;
  private closed = false;

  constructor(address: Address, tls: UpstreamTls, options: ResolvedUpstreamOptions) {
    this.address = address;
    this.tls = tls;
    this.options = options;
  }

  /**
   * A session with a place reserved on it. Whoever takes it opens a stream at once, or releases it.
   * @throws {NotHttp2} the connection to speak HTTP/1.1 on is in it.
   */
  acquire(): Promise<Http2Session> {
    if (this.closed) return Promise.reject(closing());
    const session = this.roomiest();
    if (session !== undefined) return Promise.resolve(session.reserve());
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
      this.grow();
    });
  }

  streamFreed(): void {
    while (this.waiters.length > 0) {
      const session = this.roomiest();
      if (session === undefined) {
        this.grow();
        return;
      }
      this.waiters.shift()?.resolve(session.reserve());
    }
  }

  sessionRetired(session: Http2Session): void {
    this.sessions.delete(session);
    if (!session.session.destroyed) {
      this.leaving.add(session);
      session.session.once('close', () => this.leaving.delete(session));
    }
    if (this.waiters.length > 0) this.grow();
  }

  destroy(): void {
    this.closed = true;
    this.rejectWaiters(closing());
    for (const session of [...this.sessions, ...this.leaving]) session.destroy();
  }

  private roomiest(): Http2Session | undefined {
    let best: Http2Session | undefined;
    let room = 0;
    for (const session of this.sessions) {
      if (session.room > room) {
        best = session;
        room = session.room;
      }
    }
    return best;
  }

  private grow(): void {
    if (this.connecting || this.closed || this.sessions.size >= this.options.sessions) return;
    this.connecting = true;
    openSocket(this.address, this.tls, this.options.connectTimeoutMs).then(
      ({ socket, http2 }) => {
        this.connecting = false;
        if (this.closed) socket.destroy();
        else if (http2) this.add(socket);
        else this.rejectWaiters(new NotHttp2(socket));
      },
      (error: unknown) => {
        this.connecting = false;
        if (this.sessions.size === 0) this.rejectWaiters(error);
      },
    );
  }

  private add(socket: Socket): void {
    const { scheme, host, port } = this.address;
    const origin = `${scheme === 'https' ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.sessions.add(new Http2Session(origin, socket, this.options, this));
    this.streamFreed();
  }

  private rejectWaiters(error: unknown): void {
    const { waiters } = this;
    this.waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }
}

function closing(): Error {
  return new Error('the gateway is closing');
}
