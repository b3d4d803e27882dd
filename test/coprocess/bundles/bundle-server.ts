import { createHash } from 'node:crypto';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BundleSpec, bundleBytes } from '../../conformance/peers/bundle.ts';

export interface Answered {
  readonly name: string;
  readonly status: number;
  /** Bytes of the body. */
  readonly bytes: number;
  /** The request said what it had seen. */
  readonly isConditional: boolean;
}

/** How the server fails, where it does: it ends the connection, never answers, stops half way with or without a length, or is broken. */
export type Trouble = 'dies' | 'stalls' | 'truncates' | 'cuts' | 500;

export interface BundleServer {
  readonly baseUrl: string;
  readonly answered: Answered[];
  /** It sends neither ETag nor Last-Modified. */
  hasValidators: boolean;
  trouble: Trouble | undefined;
  publish(name: string, bundle: BundleSpec | Buffer): Promise<void>;
  /** Resolves when it was asked so often from now on. */
  asked(times: number): Promise<void>;
}

/** A file server as they are, for as long as `use` takes. */
export async function withBundleServer(use: (server: BundleServer) => Promise<void>): Promise<void> {
  const files = new Map<string, Buffer>();
  const waiting = new Set<{ left: number; done: () => void }>();
  const parts: BundleServer = {
    baseUrl: '',
    answered: [],
    hasValidators: true,
    trouble: undefined,
    async publish(name, bundle) {
      files.set(name, Buffer.isBuffer(bundle) ? bundle : await bundleBytes(bundle));
    },
    asked: (times) => new Promise((done) => waiting.add({ left: times, done })),
  };
  const answer = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const name = (request.url ?? '').slice(1);
    const isConditional = request.headers['if-none-match'] !== undefined;
    const end = (status: number, body?: Buffer): void => {
      parts.answered.push({ name, status, bytes: body?.length ?? 0, isConditional });
      response.writeHead(status, body && { 'content-length': body.length }).end(body);
    };
    const file = files.get(name);
    if (parts.trouble === 'dies') return void response.destroy();
    if (parts.trouble === 'stalls') return;
    if (parts.trouble === 500) return end(500);
    if (file === undefined) return end(404);
    const etag = `"${createHash('md5').update(file).digest('hex')}"`;
    if (parts.hasValidators) response.setHeader('etag', etag);
    if (parts.trouble === 'truncates') {
      response.writeHead(200, { 'content-length': file.length });
      return void response.write(file.subarray(0, 100), () => response.destroy());
    }
    if (parts.trouble === 'cuts') {
      // As old servers do: the end of the connection is the end of the body.
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
      response.removeHeader('transfer-encoding');
      return void response.writeHead(200).end(file.subarray(0, 100));
    }
    if (parts.hasValidators && request.headers['if-none-match'] === etag) return end(304);
    end(200, file);
  };
  const server = http.createServer((request, response) => {
    response.on('close', () => {
      for (const one of waiting) {
        if (--one.left > 0) continue;
        waiting.delete(one);
        one.done();
      }
    });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    await use(Object.assign(parts, { baseUrl }));
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
