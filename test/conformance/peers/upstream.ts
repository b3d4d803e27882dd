import { STATUS_CODES } from 'node:http';
import * as net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { UpstreamReply } from '../suite.ts';

/** A bare HTTP/1.1 upstream: records every request as it came, and answers by script, or says what it saw. */
export interface Upstream {
  readonly port: number;
  reply: UpstreamReply | undefined;
  /** The requests since the last call. */
  take(): Record<string, unknown>[];
  close(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  let seen: Record<string, unknown>[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    void serve(socket);
  });

  async function serve(socket: net.Socket): Promise<void> {
    const reader = new Reader(socket);
    for (;;) {
      const request = await readRequest(reader);
      if (request === undefined) return;
      seen.push(request);
      const reply = upstream.reply ?? {};
      if (reply.delay !== undefined) await pause(reply.delay * 1000);
      socket.write(answer(request, reply));
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const upstream: Upstream = {
    port: (server.address() as net.AddressInfo).port,
    reply: undefined,
    take() {
      const taken = seen;
      seen = [];
      return taken;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return upstream;
}

/** Bytes as text, or marked when they are none. */
export function text(bytes: Buffer): unknown {
  const decoded = bytes.toString('utf8');
  return Buffer.from(decoded, 'utf8').equals(bytes) ? decoded : { base64: bytes.toString('base64') };
}

async function readRequest(reader: Reader): Promise<Record<string, unknown> | undefined> {
  const line = await reader.line();
  if (line === undefined) return undefined;
  const [method, target] = line.split(' ');
  const headers: [string, string][] = [];
  for (;;) {
    const header = await reader.line();
    if (header === undefined) return undefined;
    if (header === '') break;
    const colon = header.indexOf(':');
    headers.push([header.slice(0, colon), header.slice(colon + 1).trim()]);
  }
  const value = (name: string): string | undefined => headers.find(([key]) => key.toLowerCase() === name)?.[1];
  const chunked = value('transfer-encoding')?.includes('chunked');
  const body = chunked ? await reader.chunked() : await reader.bytes(Number(value('content-length') ?? 0));
  return body && { method, target, headers, body: text(body) };
}

function answer(request: Record<string, unknown>, reply: UpstreamReply): Buffer {
  const status = reply.status ?? 200;
  const body = replyBody(request, reply);
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'X'}`];
  for (const [name, value] of Object.entries(reply.headers ?? { 'Content-Type': 'application/json' })) {
    for (const one of Array.isArray(value) ? value : [value]) lines.push(`${name}: ${one}`);
  }
  const bodiless = request.method === 'HEAD' || status === 204 || status === 304;
  if (!bodiless) lines.push(`Content-Length: ${body.length}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return bodiless ? head : Buffer.concat([head, body]);
}

function replyBody({ method, target, body }: Record<string, unknown>, reply: UpstreamReply): Buffer {
  if (reply.body64 !== undefined) return Buffer.from(reply.body64, 'base64');
  if (reply.repeat !== undefined) return Buffer.from(reply.repeat[0].repeat(reply.repeat[1]));
  if (reply.body !== undefined) return Buffer.from(String(reply.body));
  // In the layout in which it was recorded.
  const shown = JSON.stringify(body);
  return Buffer.from(`{"body": ${shown}, "method": ${JSON.stringify(method)}, "target": ${JSON.stringify(target)}}`);
}

/** Reads lines and counted bytes off a socket. */
class Reader {
  private buffered = Buffer.alloc(0);
  private ended = false;
  private wake: (() => void) | undefined;

  constructor(socket: net.Socket) {
    const stop = (): void => {
      this.ended = true;
      this.wake?.();
    };
    socket.on('data', (chunk) => {
      this.buffered = Buffer.concat([this.buffered, chunk]);
      this.wake?.();
    });
    socket.on('end', stop);
    socket.on('close', stop);
  }

  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.buffered.indexOf('\n');
      if (end >= 0)
        return this.cut(end + 1)
          .toString('latin1')
          .replace(/\r?\n$/, '');
      if (!(await this.more())) return undefined;
    }
  }

  async bytes(count: number): Promise<Buffer | undefined> {
    while (this.buffered.length < count) if (!(await this.more())) return undefined;
    return this.cut(count);
  }

  async chunked(): Promise<Buffer | undefined> {
    const chunks: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt((await this.line()) ?? '0', 16);
      if (size === 0) {
        while ((await this.line()) !== '') if (this.ended) return undefined;
        return Buffer.concat(chunks);
      }
      const chunk = await this.bytes(size);
      if (chunk === undefined) return undefined;
      chunks.push(chunk);
      await this.line();
    }
  }

  private cut(count: number): Buffer {
    const taken = this.buffered.subarray(0, count);
    this.buffered = this.buffered.subarray(count);
    return taken;
  }

  private async more(): Promise<boolean> {
    if (this.ended) return false;
    await new Promise<void>((resolve) => (this.wake = resolve));
    this.wake = undefined;
    return true;
  }
}
