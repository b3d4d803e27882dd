import { createServer as createHttp1, type Server } from 'node:http';
import { createServer as createHttp2, type Http2Server } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { Cancellation } from '../../../contract/cancellation.ts';
import { HeaderList } from '../../../contract/header-list.ts';
import type { ClientRequest, ClientResponse } from '../../../gateway/exchange.ts';
import {
  createUpstream,
  type ResponseSteps,
  type Upstream,
  UpstreamError,
  type UpstreamOptions,
  type UpstreamRequest,
  type UpstreamResult,
} from '../../../gateway/upstream/index.ts';

/** What a test changes of a request on its way, and of the response. */
export interface FrontOptions {
  readonly upstream?: UpstreamOptions;
  readonly to?: Partial<UpstreamRequest>;
  readonly steps?: Partial<ResponseSteps>;
}

/** A little gateway: listeners for HTTP/1.1 and h2c that do nothing but forward. */
export interface Front {
  readonly port: number;
  readonly http2Port: number;
  readonly upstream: Upstream;
  /** How each `forward` ended, in order. */
  readonly results: (UpstreamResult | UpstreamError)[];
  /** Resolves with the next `forward` that ends. */
  readonly nextResult: () => Promise<UpstreamResult | UpstreamError>;
}

const hopless = new Set(['Host', ':Method', ':method', ':path', ':scheme', ':authority']);

/** Run `use` behind a front whose requests go to `origin`. */
export async function withFront(
  origin: string,
  options: FrontOptions,
  use: (front: Front) => Promise<void>,
): Promise<void> {
  const upstream = createUpstream({ drainTimeoutMs: 200, ...options.upstream });
  const results: (UpstreamResult | UpstreamError)[] = [];
  let waiting: ((result: UpstreamResult | UpstreamError) => void)[] = [];
  const finished = (result: UpstreamResult | UpstreamError) => {
    results.push(result);
    const told = waiting;
    waiting = [];
    for (const tell of told) tell(result);
  };

  const toUpstream = (request: ClientRequest): UpstreamRequest => ({
    method: request.method ?? 'GET',
    origin,
    target: request.url ?? '/',
    host: request.headers.host ?? String(request.headers[':authority'] ?? 'front'),
    headers: HeaderList.fromRaw(request.rawHeaders, hopless).raw(),
    body: undefined,
    timeoutMs: 5000,
    tls: { insecureSkipVerify: true },
    cancellation: new Cancellation(),
    ...options.to,
  });
  const serve = async (request: ClientRequest, response: ClientResponse): Promise<void> => {
    try {
      finished(await upstream.forward(request, response, toUpstream(request), { maxBodyBytes: 1e6, ...options.steps }));
    } catch (error) {
      const failure =
        error instanceof UpstreamError ? error : new UpstreamError('FAILED', String(error), { cause: error });
      response.statusCode = 500;
      response.setHeader('x-reason', failure.reason);
      response.end(failure.message);
      finished(failure);
    }
  };
  const handle = (request: ClientRequest, response: ClientResponse) => void serve(request, response);

  const http1 = createHttp1(handle);
  http1.on('upgrade', (request, socket, head) => void upstream.upgrade(request, socket, head, toUpstream(request)));
  const http2 = createHttp2(handle);
  const closeAll = [trackSockets(http1), trackSockets(http2)];
  try {
    await use({
      port: await listen(http1),
      http2Port: await listen(http2),
      upstream,
      results,
      nextResult: () => new Promise((resolve) => waiting.push(resolve)),
    });
  } finally {
    for (const close of closeAll) close();
    await upstream.close();
  }
}

/** Listen on a free port of the loopback. */
export function listen(server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
}): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** Returns how to close the server with all its connections. */
export function trackSockets(server: Server | Http2Server | import('node:net').Server): () => void {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  return () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
}
