import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedHandleCall } from '@grpc/grpc-js';
import { decodeExport, type SunkSpan } from './otlp-decode.ts';

export type { SunkSpan } from './otlp-decode.ts';

/** An OTLP collector that keeps what it gets. One for gRPC and one for HTTP share the spans. */
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
  close(): Promise<void>;
}

export interface ExportRequest {
  readonly protocol: 'grpc' | 'http';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function openOtlpSink(): Promise<OtlpSink> {
  const spans: SunkSpan[] = [];
  const exports: ExportRequest[] = [];
  const waiting = new Set<() => void>();
  const take = (bytes: Buffer, request: ExportRequest): void => {
    spans.push(...decodeExport(bytes));
    exports.push(request);
    for (const look of waiting) look();
  };

  const grpc = new Server();
  const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
  const identity = (bytes: Buffer): Buffer => bytes;
  const service: ServiceDefinition = {
    export: {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    },
  };
  const handle: UntypedHandleCall = (
    call: { request: Buffer; metadata: { getMap(): Record<string, unknown> } },
    done: (error: null, reply: Buffer) => void,
  ) => {
    const headers = Object.fromEntries(Object.entries(call.metadata.getMap()).map(([k, v]) => [k, String(v)]));
    take(call.request, { protocol: 'grpc', path, headers });
    done(null, Buffer.alloc(0));
  };
  grpc.addService(service, { export: handle });
  const grpcPort = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });

  const http = createServer(async (request, response) => {
    const bytes = await bodyOf(request);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([k, v]) => [k, String(v)]));
    if (request.method !== 'POST' || request.url !== '/v1/traces') return response.writeHead(404).end();
    take(bytes, { protocol: 'http', path: request.url, headers });
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));

  return {
    grpcEndpoint: `http://127.0.0.1:${grpcPort}`,
    httpEndpoint: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    spans,
    exports,
    waitFor(enough, timeoutMs = 10_000) {
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
    },
    async close() {
      grpc.forceShutdown();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** Open a sink, use it, close it. */
export async function withOtlpSink(use: (sink: OtlpSink) => Promise<void>): Promise<void> {
  const sink = await openOtlpSink();
  try {
    await use(sink);
  } finally {
    await sink.close();
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
}
