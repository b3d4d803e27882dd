import type { ResponseCopy } from '../response-copy.ts';

/** The first bytes of a body; the rest is counted out. */
class BodyStart {
  private readonly parts: Buffer[] = [];
  private room: number;

  constructor(maxBytes: number) {
    this.room = maxBytes;
  }

  add(chunk: Buffer): void {
    if (this.room === 0) return;
    const part = chunk.length > this.room ? chunk.subarray(0, this.room) : chunk;
    this.room -= part.length;
    this.parts.push(part);
  }

  bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
}

/** What a detailed record has of the bodies, and of the response's head: as much of each body as is allowed. */
export class Copies implements ResponseCopy {
  readonly maxBytes: number;
  status = 0;
  lines: readonly string[] = [];
  private readonly request: BodyStart;
  private readonly response: BodyStart;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    this.request = new BodyStart(maxBytes);
    this.response = new BodyStart(maxBytes);
  }

  requestPart(chunk: Buffer): void {
    this.request.add(chunk);
  }

  requestBody(): Buffer {
    return this.request.bytes();
  }

  head(status: number, lines: readonly string[]): void {
    this.status = status;
    this.lines = lines;
  }

  body(chunk: Buffer): void {
    this.response.add(chunk);
  }

  responseBody(): Buffer {
    return this.response.bytes();
  }
}
