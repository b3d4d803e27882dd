import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  connect as connectHttp2,
  type IncomingHttpHeaders as Http2Headers,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { listen, trackSockets } from './front.ts';

/** What an upstream got. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface HttpUpstream {
  readonly origin: string;
  /** Requests that came whole, in order. */
  readonly requests: SeenRequest[];
  /** Connections made so far. */
  connections: number;
}

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** An HTTP/1.1 upstream of Node's own. */
export async function withHttpUpstream(
  handler: Handler,
  use: (upstream: HttpUpstream) => Promise<void>,
): Promise<void> {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    readText(request).then(
      (body) => {
        const { method = '', url = '', headers, rawHeaders } = request;
        requests.push({ method, url, headers, rawHeaders, body });
        handler(request, response, body);
      },
      () => {},
    );
  });
  const close = trackSockets(server);
  const upstream: HttpUpstream = { origin: `http://127.0.0.1:${await listen(server)}`, requests, connections: 0 };
  server.on('connection', () => {
    upstream.connections += 1;
  });
  try {
    await use(upstream);
  } finally {
    close();
  }
}

async function readText(stream: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += (chunk as Buffer).toString('latin1');
  return text;
}

/** An upstream that is nothing but TCP. */
export async function withTcpUpstream(
  serve: (socket: Socket, connection: number) => void,
  use: (upstream: { origin: string }) => Promise<void>,
): Promise<void> {
  let connection = 0;
  const server = createTcpServer((socket) => {
    connection += 1;
    serve(socket, connection);
  });
  const close = trackSockets(server);
  try {
    await use({ origin: `http://127.0.0.1:${await listen(server)}` });
  } finally {
    close();
  }
}

/** An upstream that answers every request head with the same bytes. */
export function withAnswer(
  answer: string | Buffer,
  use: (upstream: { origin: string }) => Promise<void>,
): Promise<void> {
  return withTcpUpstream((socket) => {
    socket.on('data', () => socket.write(typeof answer === 'string' ? Buffer.from(answer, 'latin1') : answer));
  }, use);
}

/** Send bytes, and read what comes until the other side closes. Ask for `Connection: close`. */
export function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

/** An HTTP/1.1 answer in parts. */
export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** A GET that closes its connection afterwards. `lines` are further header lines. */
export async function get(port: number, path = '/', lines: readonly string[] = [], method = 'GET'): Promise<Answer> {
  const text = await exchange(
    port,
    [`${method} ${path} HTTP/1.1`, 'Host: front', 'Connection: close', ...lines, '', ''].join('\r\n'),
  );
  const end = text.indexOf('\r\n\r\n');
  return { status: Number(text.slice(9, 12)), head: text.slice(0, end), body: text.slice(end + 4) };
}

/** What an HTTP/2 client got. */
export interface Http2Answer {
  readonly headers: Http2Headers;
  readonly rawHeaders: readonly string[];
  readonly flags: number;
  readonly body: string;
  readonly trailers: Http2Headers | undefined;
  readonly rstCode: number;
  readonly failed: boolean;
}

/** One request on an HTTP/2 connection of its own. */
export function http2Request(port: number, headers: OutgoingHttpHeaders, body?: string | Buffer): Promise<Http2Answer> {
  return new Promise((resolve) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    session.on('error', () => {});
    const stream = session.request(headers, { endStream: body === undefined });
    let answer: Http2Answer = {
      headers: {},
      rawHeaders: [],
      flags: 0,
      body: '',
      trailers: undefined,
      rstCode: 0,
      failed: false,
    };
    stream.on('response', (got, flags, rawHeaders) => {
      answer = { ...answer, headers: got, flags, rawHeaders };
    });
    stream.on('data', (chunk: Buffer) => {
      answer = { ...answer, body: answer.body + chunk.toString('latin1') };
    });
    stream.on('trailers', (trailers) => {
      answer = { ...answer, trailers };
    });
    stream.on('error', () => {
      answer = { ...answer, failed: true };
    });
    stream.on('close', () => {
      session.close();
      resolve({ ...answer, rstCode: stream.rstCode });
    });
    if (body !== undefined) stream.end(body);
  });
}

/** Values of a header in raw lines, in order, whatever its case. */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
}
