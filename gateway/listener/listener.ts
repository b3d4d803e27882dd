import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import type { Address, Limits, Listener as ListenerRule, ListenerTls } from '../configuration/index.ts';
import type { ClientRequest, ClientResponse } from '../exchange.ts';

export interface ListenerOptions {
  readonly listener: ListenerRule;
  readonly limits: ListenerLimits;
}

export type ListenerLimits = Pick<
  Limits,
  | 'maxConcurrentStreams'
  | 'maxHeaderBytes'
  | 'headersTimeoutMs'
  | 'receiveTimeoutMs'
  | 'keepAliveTimeoutMs'
  | 'idleTimeoutMs'
  | 'maxConnections'
>;

export interface ListenerHandlers {
  request(request: ClientRequest, response: ClientResponse): void;
  upgrade(request: http.IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface Listener {
  /** `host:port` that it listens on. */
  readonly address: string;
  readonly port: number;
  /** Stop accepting, let requests in flight end for `drainMs`, then cut what is left. */
  close(drainMs: number): Promise<void>;
}

/**
 * Resets that a client may cause on one HTTP/2 connection: a burst, and then this many a second. Node's default of 33 a second cuts
 * off browsers and load tools that cancel much; a rapid-reset flood (CVE-2023-44487) is far above it.
 */
const streamResets = { burst: 1000, perSecond: 200 };

/** Open a listener. @throws when the address is taken or the certificate is none. */
export async function openListener(options: ListenerOptions, handlers: ListenerHandlers): Promise<Listener> {
  const { limits, listener } = options;
  const h1Options: http.ServerOptions = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: finite(limits.headersTimeoutMs),
    requestTimeout: finite(limits.receiveTimeoutMs),
    keepAliveTimeout: listener.keepAlive ? finite(limits.keepAliveTimeoutMs) : 1,
    noDelay: true,
  };
  const h2Options = {
    settings: {
      maxConcurrentStreams: limits.maxConcurrentStreams,
      maxHeaderListSize: limits.maxHeaderBytes,
      enableConnectProtocol: false,
    },
    maxSessionInvalidFrames: 100,
    maxSessionMemory: 16,
    streamResetBurst: streamResets.burst,
    streamResetRate: streamResets.perSecond,
  };
  const sockets = new Set<net.Socket>();
  const sessions = new Set<http2.ServerHttp2Session>();
  const h1 = http.createServer(h1Options, handlers.request);
  h1.on('upgrade', handlers.upgrade);
  // Node watches over a server's connections, for slow heads and for closing, from the event on; this one listens behind another.
  if (listener.http2 || listener.tls !== undefined) h1.emit('listening');
  if (!listener.keepAlive) h1.maxRequestsPerSocket = 1;
  const front = listener.tls === undefined ? plainFront() : secureFront(listener.tls);
  if (Number.isFinite(limits.maxConnections)) front.maxConnections = limits.maxConnections;
  front.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const bound = await listen(front, listener.address);

  function plainFront(): net.Server {
    if (!listener.http2) return h1;
    const h2 = http2.createServer(h2Options, handlers.request);
    watchSessions(h2);
    return net.createServer({ noDelay: true }, (socket) => sniff(socket, h1, h2, finite(limits.headersTimeoutMs)));
  }

  function secureFront(rule: ListenerTls): net.Server {
    const contexts = new Map(
      rule.serverNames.map(({ name, cert, key }) => [name, tls.createSecureContext({ cert, key })]),
    );
    const secure: tls.TlsOptions = {
      cert: rule.cert,
      key: rule.key,
      minVersion: rule.minVersion,
      maxVersion: rule.maxVersion,
      requestCert: rule.ca !== undefined || rule.requestClientCertificate,
      rejectUnauthorized: rule.ca !== undefined,
      ...(rule.ca !== undefined && { ca: rule.ca }),
      ...(rule.ciphers !== undefined && { ciphers: rule.ciphers }),
      ...(contexts.size > 0 && { SNICallback: (name, done) => done(null, contexts.get(name)) }),
    };
    if (!listener.http2) {
      return tls.createServer({ ...secure, ALPNProtocols: ['http/1.1'] }, (socket) => h1.emit('connection', socket));
    }
    const h2s = http2.createSecureServer({ ...h1Options, ...h2Options, ...secure, allowHTTP1: true }, handlers.request);
    h2s.on('upgrade', handlers.upgrade);
    watchSessions(h2s);
    return h2s;
  }

  function watchSessions(server: http2.Http2Server | http2.Http2SecureServer): void {
    server.on('session', (session: http2.ServerHttp2Session) => {
      sessions.add(session);
      session.once('close', () => sessions.delete(session));
    });
    server.on('sessionError', () => {});
  }

  return {
    ...bound,
    close: async (drainMs) => {
      const closed = new Promise<void>((resolve) => front.close(() => resolve()));
      for (const session of sessions) session.close();
      h1.closeIdleConnections();
      const idle = setInterval(() => h1.closeIdleConnections(), 50);
      const cut = setTimeout(() => {
        for (const session of sessions) session.destroy();
        for (const socket of sockets) socket.destroy();
      }, drainMs);
      await closed;
      h1.close();
      clearInterval(idle);
      clearTimeout(cut);
    },
  };
}

/** First bytes of an HTTP/2 connection (RFC 9113 §3.4); three letters tell it from every HTTP/1.1 method. */
const preface = 'PRI';

/** Give a plain connection to the server that speaks its protocol. */
function sniff(socket: net.Socket, h1: http.Server, h2: http2.Http2Server, timeoutMs: number): void {
  let first = '';
  const chunks: Buffer[] = [];
  const giveUp = (): void => {
    socket.destroy();
  };
  const look = (chunk: Buffer): void => {
    chunks.push(chunk);
    first += chunk.toString('latin1', 0, preface.length);
    if (first.length < preface.length && preface.startsWith(first)) return;
    socket.pause();
    socket.off('data', look);
    socket.off('error', giveUp);
    socket.setTimeout(0, giveUp);
    socket.off('timeout', giveUp);
    socket.unshift(chunks.length === 1 ? chunk : Buffer.concat(chunks));
    if (first.startsWith(preface)) {
      // HTTP/2 sessions take what is buffered, if nobody else does.
      h2.emit('connection', socket);
    } else {
      h1.emit('connection', socket);
      socket.resume();
    }
  };
  socket.on('error', giveUp);
  socket.setTimeout(timeoutMs, giveUp);
  socket.on('data', look);
}

/** Node takes 0 for "no limit". */
function finite(ms: number): number {
  return Number.isFinite(ms) ? ms : 0;
}

async function listen(server: net.Server, address: Address): Promise<{ address: string; port: number }> {
  const target = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...target, backlog: 4096 }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') return { address: `unix:${bound ?? ''}`, port: 0 };
  return {
    address: bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`,
    port: bound.port,
  };
}
