import * as http from 'node:http';
import * as net from 'node:net';
import { Duplex } from 'node:stream';
import type { Step } from '../suite.ts';
import { text } from './upstream.ts';

/** Send a step's request and tell what came back: `{status, headers, body}`, or `{failed}`. */
export async function send(port: number, step: Step): Promise<Record<string, unknown>> {
  const body = bodyOf(step);
  return step.raw === undefined ? sendPlain(port, step, body) : sendRaw(port, step, body);
}

function bodyOf(step: Step): Buffer | undefined {
  if (step.repeat !== undefined) return Buffer.from(step.repeat[0].repeat(step.repeat[1]));
  if (step.body64 !== undefined) return Buffer.from(step.body64, 'base64');
  if (step.body === undefined || step.body === null) return undefined;
  return Buffer.from(typeof step.body === 'object' ? JSON.stringify(step.body) : String(step.body));
}

/** One request, written by hand: HTTP clients tidy up what the cases are about. */
function sendPlain(port: number, step: Step, body: Buffer | undefined): Promise<Record<string, unknown>> {
  const lines = [`${step.method ?? 'GET'} ${step.path} HTTP/1.1`];
  const sent = new Set(Object.keys(step.headers ?? {}).map((name) => name.toLowerCase()));
  if (!sent.has('host')) lines.push(`Host: 127.0.0.1:${port}`);
  for (const [name, value] of Object.entries(step.headers ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) lines.push(`${name}: ${one}`);
  }
  if (body !== undefined && !sent.has('content-length') && !sent.has('transfer-encoding'))
    lines.push(`Content-Length: ${body.length}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return exchange(port, step.method ?? 'GET', body === undefined ? head : Buffer.concat([head, body]), step.timeout);
}

function sendRaw(port: number, step: Step, body: Buffer | undefined): Promise<Record<string, unknown>> {
  const head = Buffer.from((step.raw as string).replaceAll('\r\n', '\n').replaceAll('\n', '\r\n'), 'latin1');
  return exchange(
    port,
    (step.raw as string).split(' ', 1)[0] as string,
    body ? Buffer.concat([head, body]) : head,
    step.timeout,
  );
}

/** Node's parser reads the response; the connection and the request are ours. */
function exchange(port: number, method: string, bytes: Buffer, timeoutSeconds = 20): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const failed = (name: string): void => {
      clearTimeout(patience);
      socket.destroy();
      resolve({ failed: name });
    };
    const patience = setTimeout(() => failed('TimeoutError'), timeoutSeconds * 1000);
    socket.on('connect', () => {
      const request = http.request({
        createConnection: () => new Silent(socket),
        method,
        path: '/',
      });
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('aborted', () => failed('IncompleteRead'));
        response.on('end', () => {
          clearTimeout(patience);
          socket.destroy();
          const headers: [string, string][] = [];
          for (let i = 0; i < response.rawHeaders.length; i += 2) {
            headers.push([response.rawHeaders[i] as string, response.rawHeaders[i + 1] as string]);
          }
          const shown = headers.filter(([name]) => name.toLowerCase() !== 'date');
          resolve({
            status: response.statusCode,
            reason: response.statusMessage,
            headers: shown,
            body: text(Buffer.concat(chunks)),
          });
        });
      });
      request.on('error', (error: Error & { code?: string }) =>
        failed(error.code === 'ECONNRESET' ? 'ConnectionResetError' : error.name),
      );
      request.end();
      socket.write(bytes);
    });
    socket.on('error', () => failed('ConnectionRefusedError'));
  });
}

/** A connection that swallows what Node's client would send, and passes on what comes back. */
class Silent extends Duplex {
  private readonly socket: net.Socket;
  constructor(socket: net.Socket) {
    super();
    this.socket = socket;
    socket.on('data', (chunk) => this.push(chunk));
    socket.on('end', () => this.push(null));
    socket.on('close', () => this.destroy());
  }
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }
}
