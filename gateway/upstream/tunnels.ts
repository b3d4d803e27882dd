import {
  type IncomingMessage,
  type ClientRequest as NodeRequest,
  request as requestHttp,
  STATUS_CODES,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Duplex } from 'node:stream';
import proxy from 'http2-proxy';
import { canonicalName } from '../../contract/canonical.ts';
import type { ClientRequest } from '../exchange.ts';
import { type Address, parseOrigin, serverName, tlsChecks } from './connect.ts';
import { toUpstreamError } from './failure.ts';
import { http1Head, originForm } from './request-head.ts';
import { ResponseHead } from './response-head.ts';
import { UpstreamError, type UpstreamErrorReason, type UpstreamRequest } from './upstream.ts';

/** Connections that left HTTP behind: WebSockets, from the client through http2-proxy to an HTTP/1.1 upstream. */
export class Tunnels {
  private readonly sockets = new Set<Duplex>();
  private closed = false;

  /** Resolves when the tunnel is over, or the client has been told why there is none. Never rejects. */
  async open(request: ClientRequest, socket: Duplex, head: Buffer, to: UpstreamRequest): Promise<void> {
    const tunnel = new Tunnel(request, socket, to);
    this.sockets.add(socket);
    const stopListening = to.cancellation?.onCancel(() => socket.destroy());
    try {
      if (this.closed) throw new UpstreamError('UNREACHABLE', 'the gateway is closing');
      await tunnel.run(head);
    } catch (error) {
      if (!tunnel.answered && socket.writable) refuse(socket, tunnel.errorOf(error));
    } finally {
      stopListening?.();
      this.sockets.delete(socket);
      if (socket.writableFinished || tunnel.answered) socket.destroy();
    }
  }

  close(): void {
    this.closed = true;
    for (const socket of this.sockets) socket.destroy();
  }
}

/** One upgrade. For http2-proxy it stands in for the client's request, whose headers were made ready before. */
class Tunnel {
  readonly aborted = false;
  readonly method = 'GET';
  readonly url = '/';
  readonly httpVersion = '1.1';
  readonly headers = { upgrade: 'websocket' };
  readonly socket = {};
  /** The client has heard from the upstream. */
  answered = false;
  private connected = false;
  private readonly client: Duplex;
  private readonly to: UpstreamRequest;
  private readonly protocol: string;

  constructor(request: ClientRequest, client: Duplex, to: UpstreamRequest) {
    this.client = client;
    this.to = to;
    this.protocol = request.headers.upgrade ?? 'websocket';
  }

  on(): this {
    return this;
  }

  off(): this {
    return this;
  }

  resume(): void {}

  async run(head: Buffer): Promise<void> {
    const address = parseOrigin(this.to.origin);
    if (address.scheme === 'h2c') throw new Error('an upstream that speaks HTTP/2 only takes no upgrade');
    if (this.to.method !== 'GET') throw new Error(`an upgrade is asked for by GET, not by ${this.to.method}`);
    await ws(this, this.client, head, {
      onReq: () => this.request(address),
      onRes: (_, __, response) => this.refusedByUpstream(response),
    });
  }

  /** What http2-proxy, or Node below it, means. */
  errorOf(error: unknown): UpstreamError {
    // It gives its own timeout a status, and the code that the system has for connections that time out.
    const { statusCode } = error as { statusCode?: number };
    if (statusCode === 504) {
      return new UpstreamError('TIMED_OUT', `the upstream sent no response within ${this.to.timeoutMs} ms`, {
        cause: error,
      });
    }
    return toUpstreamError(error, this.connected);
  }

  private request({ scheme, host, port }: Address): NodeRequest {
    const { to } = this;
    const headers = http1Head({ ...to, method: 'HEAD' }, undefined).entries;
    headers.push('Connection', 'Upgrade', 'Upgrade', this.protocol);
    const options = { host, port, path: originForm(to.target), headers, agent: false as const, timeout: to.timeoutMs };
    const name = serverName(host);
    const request =
      scheme === 'https'
        ? requestHttps({ ...options, ...tlsChecks(to.tls), ...(name === undefined ? {} : { servername: name }) })
        : requestHttp(options);
    request.once('upgrade', () => {
      this.answered = true;
    });
    request.once('finish', () => {
      this.connected = true;
    });
    return request;
  }

  /** The upstream's own answer, as far as the upgraded connection can still carry one: it is the last. */
  private refusedByUpstream(response: IncomingMessage): void {
    this.answered = true;
    const lines: string[] = [];
    for (const [i, text] of response.rawHeaders.entries()) lines.push(i % 2 === 0 ? canonicalName(text) : text);
    const status = response.statusCode ?? 502;
    const { entries } = new ResponseHead(status, lines, false, false);
    this.client.write(headText(status, entries), 'latin1');
    response.pipe(this.client);
  }
}

/** What the client is told, as for any other request (spec/platform-contract, proxy failures). */
const refusals: Partial<Record<UpstreamErrorReason, readonly [number, string]>> = {
  NO_SUCH_HOST: [500, 'Upstream host lookup failed'],
  TIMED_OUT: [504, 'Upstream service reached hard timeout.'],
};

function refuse(socket: Duplex, { reason }: UpstreamError): void {
  const [status, message] = refusals[reason] ?? [500, 'There was a problem proxying the request'];
  const body = `{\n    "error": "${message}"\n}`;
  const entries = ['Content-Type', 'application/json', 'Content-Length', String(body.length)];
  socket.end(headText(status, entries) + body, 'latin1');
}

function headText(status: number, entries: readonly string[]): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (let i = 0; i + 1 < entries.length; i += 2) text += `${entries[i]}: ${entries[i + 1]}\r\n`;
  return `${text}Connection: close\r\n\r\n`;
}

// Its types know only Node's own requests.
const ws = proxy.ws as unknown as (
  request: Tunnel,
  socket: Duplex,
  head: Buffer,
  options: {
    onReq: () => NodeRequest;
    onRes: (request: unknown, socket: unknown, response: IncomingMessage) => void;
  },
) => Promise<void>;
