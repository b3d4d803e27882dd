/** The proxies that `proxy.ts` measures, one per process: `proxies.ts VARIANT UPSTREAM-PORT`. */
import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import proxy from 'http2-proxy';
import { type Dispatcher, Pool } from 'undici';
import { Cancellation } from '../contract/cancellation.ts';
import { HeaderList } from '../contract/header-list.ts';
import { createUpstream } from '../gateway/upstream/index.ts';

const [variant = 'ours', port = ''] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;

/** http2-proxy as its readme has it. */
function bare(): RequestListener {
  return (request, response) => {
    const done = proxy.web(request, response, { hostname: '127.0.0.1', port: Number(port) });
    (done as Promise<void>).catch(() => response.destroy());
  };
}

/** The least that stands for a `ClientRequest`, with undici behind it; requests with a body are not measured here. */
class Shim extends EventEmitter implements Dispatcher.DispatchHandler {
  readonly socket = { connecting: false };
  readonly method: string;
  private readonly pool: Pool;
  private readonly options: { path: string; headers: Record<string, string> };
  private readonly response: ServerResponse;
  private controller: Dispatcher.DispatchController | undefined;

  constructor(
    pool: Pool,
    options: { method: string; path: string; headers: Record<string, string> },
    to: ServerResponse,
  ) {
    super();
    this.pool = pool;
    this.method = options.method;
    this.options = options;
    this.response = to;
  }

  end(): void {
    const { path, headers } = this.options;
    this.pool.dispatch({ path, method: this.method, headers }, this);
  }

  abort(): void {
    this.controller?.abort(new Error('aborted'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
  }

  onResponseStart(_: unknown, statusCode: number, headers: object): void {
    const answer = Object.assign(new EventEmitter(), { statusCode, headers, destroy: () => {} });
    this.emit('response', answer);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.response.write(chunk)) return;
    controller.pause();
    this.response.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    this.controller = undefined;
    this.response.end();
  }

  onResponseError(_: unknown, error: Error): void {
    this.emit('error', error);
  }
}

function shim(): RequestListener {
  const pool = new Pool(origin, { connections: 1024, pipelining: 1, allowH2: false });
  return (request, response) => {
    const options = {
      onReq: (_: unknown, to: ConstructorParameters<typeof Shim>[1]) => new Shim(pool, to, response),
      onRes: (_: unknown, __: unknown, from: ServerResponse & { headers: Record<string, string> }) =>
        response.writeHead(from.statusCode, from.headers),
    };
    web(request, response, options).catch(() => response.destroy());
  };
}

function ours(): RequestListener {
  const upstream = createUpstream();
  const steps = { maxBodyBytes: 1 << 20 };
  const tls = { insecureSkipVerify: false };
  const skip = new Set(['Host']);
  const serve = (request: IncomingMessage, response: ServerResponse) =>
    upstream.forward(
      request,
      response,
      {
        method: request.method ?? 'GET',
        origin,
        target: request.url ?? '/',
        host: `127.0.0.1:${port}`,
        headers: HeaderList.fromRaw(request.rawHeaders, skip).raw(),
        body: undefined,
        timeoutMs: 30_000,
        tls,
        cancellation: new Cancellation(),
      },
      steps,
    );
  return (request, response) => void serve(request, response).catch(() => response.destroy());
}

const listeners: Record<string, () => RequestListener> = { bare, shim, ours };
const server = createServer(listeners[variant]?.());
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));

let startedAt: NodeJS.CpuUsage | undefined;
process.on('message', (message) => {
  if (message === 'measuring') {
    startedAt = process.cpuUsage();
    return;
  }
  const { user, system } = process.cpuUsage(startedAt);
  process.send?.(user + system);
});
process.on('disconnect', () => process.exit(0));

// Its types know only Node's own requests.
function web(request: IncomingMessage, response: ServerResponse, options: object): Promise<void> {
  return (proxy.web as unknown as (...all: unknown[]) => Promise<void>)(request, response, options);
}
