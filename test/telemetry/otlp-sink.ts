import { createServer, type Server as HttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedHandleCall } from '@grpc/grpc-js';
import { decodeExport, type SunkSpan } from './otlp-decode.ts';

export type { SunkSpan } from './otlp-decode.ts';

/** An OTLP collector that keeps what it gets, over gRPC and over HTTP. */
export interface OtlpSink {
  /** `http://127.0.0.1:port`, for gRPC. */
  readonly grpcEndpoint: string;
  /** `http://127.0.0.1:port`, for HTTP: spans go to /v1/traces. */
  readonly httpEndpoint: string;
  /** All that came so far. */
  readonly spans: readonly SunkSpan[];
  /** Headers (or metadata) of each export, in order. */
  readonly exports: readonly ExportRequest[];
  /** Wait until `count` spans are there, or those that `enough` wants. @throws {Error} after `timeoutMs`, naming what came. */
  waitFor(enough: number | ((spans: readonly SunkSpan[]) => boolean), timeoutMs?: number): Promise<readonly SunkSpan[]>;
}

export interface ExportRequest {
  readonly protocol: 'grpc' | 'http';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** PEM texts. */
export interface SinkTls {
  readonly cert: string;
  readonly key: string;
}

type Take = (bytes: Buffer, request: ExportRequest) => void;

/** Open a sink, use it, close it. With `tls`, both of its endpoints are https. */
export async function withOtlpSink(use: (sink: OtlpSink) => Promise<void>, tls?: SinkTls): Promise<void> {
  const spans: SunkSpan[] = [];
  const exports: ExportRequest[] = [];
  const waiting = new Set<() => void>();
  const take: Take = (bytes, request) => {
    spans.push(...decodeExport(bytes));
    exports.push(request);
    for (const look of waiting) look();
  };
  const grpc = await openGrpc(take, tls);
  const http = await openHttp(take, tls);
  const scheme = tls === undefined ? 'http' : 'https';
  try {
    await use({
      grpcEndpoint: `${scheme}://127.0.0.1:${grpc.port}`,
      httpEndpoint: `${scheme}://127.0.0.1:${(http.address() as AddressInfo).port}`,
      spans,
      exports,
      waitFor: (enough, timeoutMs = 10_000) => waitFor(spans, waiting, enough, timeoutMs),
    });
  } finally {
    grpc.server.forceShutdown();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  }
}

function waitFor(
  spans: readonly SunkSpan[],
  waiting: Set<() => void>,
  enough: Parameters<OtlpSink['waitFor']>[0],
  timeoutMs: number,
): Promise<readonly SunkSpan[]> {
  const isEnough = typeof enough === 'number' ? () => spans.length >= enough : () => enough(spans);
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (!isEnough()) return;
      waiting.delete(look);
      clearTimeout(timer);
      resolve(spans);
    };
    const timer = setTimeout(() => {
      waiting.delete(look);
      const names = spans.map((span) => `${span.service}: ${span.name}`);
      reject(new Error(`after ${timeoutMs} ms these spans had come: ${names.join(', ') || 'none'}`));
    }, timeoutMs);
    waiting.add(look);
    look();
  });
}

const grpcPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const identity = (bytes: Buffer): Buffer => bytes;

/** `TraceService`, with messages as bytes. */
const traceService: ServiceDefinition = {
  export: {
    path: grpcPath,
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  },
};

async function openGrpc(
  take: Take,
  tls: SinkTls | undefined,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = new Server();
  const handle: UntypedHandleCall = (
    call: { request: Buffer; metadata: { getMap(): Record<string, unknown> } },
    done: (error: null, reply: Buffer) => void,
  ) => {
    take(call.request, { protocol: 'grpc', path: grpcPath, headers: texts(call.metadata.getMap()) });
    done(null, Buffer.alloc(0));
  };
  server.addService(traceService, { export: handle });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentialsOf(tls), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { server, port };
}

function credentialsOf(tls: SinkTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  return ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) }]);
}

async function openHttp(take: Take, tls: SinkTls | undefined): Promise<HttpServer> {
  const answer: RequestListener = async (request, response) => {
    const bytes = await bodyOf(request);
    if (request.method !== 'POST' || request.url !== '/v1/traces') return response.writeHead(404).end();
    take(bytes, { protocol: 'http', path: request.url, headers: texts(request.headers) });
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  };
  const server = tls === undefined ? createServer(answer) : createSecureServer(tls, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
}

function texts(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}
