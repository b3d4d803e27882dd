/**
 * Frames of the guest protocol (docs/guest-protocol.md): what travels between host and guest, in both directions.
 *
 *     4 bytes  length of all that follows, big-endian
 *     4 bytes  length of the header, big-endian
 *     header   JSON in UTF-8: an array of messages
 *     rest     raw bytes; each message owns as many as the numbers in its `bytes` add up to, in order
 */
const prefixBytes = 8;

/** A message of the header. Its `type` says which; unknown ones are skipped, so that old and new can talk. */
export interface Message {
  readonly type: string;
  readonly id?: number;
  /** Lengths of the byte strings that belong to this message. */
  readonly bytes?: readonly number[];
  readonly [field: string]: unknown;
}

/** The peer does not speak the protocol: the channel is of no more use. */
class FrameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FrameError';
  }
}

export type OnMessage = (message: Message, parts: readonly Buffer[]) => void;

/** Cuts a byte stream into frames, and frames into messages, however the stream was chopped up on its way. */
export class FrameReader {
  private readonly maxFrameBytes: number;
  private readonly onMessage: OnMessage;
  /** Begin of a frame whose rest has not come yet. */
  private held: Buffer[] = [];
  private heldBytes = 0;
  private neededBytes = prefixBytes;

  constructor(maxFrameBytes: number, onMessage: OnMessage) {
    this.maxFrameBytes = maxFrameBytes;
    this.onMessage = onMessage;
  }

  /** @throws {FrameError} when these bytes are no frame. */
  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.heldBytes > 0) {
      this.held.push(chunk);
      this.heldBytes += chunk.length;
      if (this.heldBytes < this.neededBytes) return;
      bytes = Buffer.concat(this.held, this.heldBytes);
      this.held = [];
      this.heldBytes = 0;
    }
    let at = 0;
    this.neededBytes = prefixBytes;
    while (bytes.length - at >= prefixBytes) {
      const length = bytes.readUInt32BE(at);
      if (length > this.maxFrameBytes) {
        throw new FrameError(`a frame of ${length} bytes is over the limit of ${this.maxFrameBytes}`);
      }
      const end = at + 4 + length;
      if (end > bytes.length) {
        this.neededBytes = 4 + length;
        break;
      }
      this.readFrame(bytes, at + 4, end);
      at = end;
    }
    if (at < bytes.length) {
      this.held.push(at === 0 ? bytes : bytes.subarray(at));
      this.heldBytes = bytes.length - at;
    }
  }

  private readFrame(bytes: Buffer, start: number, end: number): void {
    const headerStart = start + 4;
    const headerEnd = headerStart + (headerStart <= end ? bytes.readUInt32BE(start) : 0);
    if (headerStart > end || headerEnd > end) throw new FrameError('a header is longer than its frame');
    let partStart = headerEnd;
    for (const message of parseHeader(bytes.toString('utf8', headerStart, headerEnd))) {
      if (message.bytes === undefined) {
        this.onMessage(message, noParts);
        continue;
      }
      const parts: Buffer[] = [];
      for (const length of message.bytes) {
        if (!Number.isInteger(length) || length < 0 || length > end - partStart) {
          throw new FrameError(`a message of type ${JSON.stringify(message.type)} owns more bytes than its frame has`);
        }
        parts.push(bytes.subarray(partStart, partStart + length));
        partStart += length;
      }
      this.onMessage(message, parts);
    }
  }
}

const noParts: readonly Buffer[] = [];

function parseHeader(text: string): Message[] {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw new FrameError(`a header is not JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(header) || !header.every(isMessage)) {
    throw new FrameError('a header is not an array of messages');
  }
  return header;
}

function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null || typeof (value as Message).type !== 'string') return false;
  const bytes = (value as Message).bytes;
  return bytes === undefined || Array.isArray(bytes);
}

/** Collects messages for one frame. */
export class FrameWriter {
  private header = '';
  private parts: Uint8Array[] = [];
  private partBytes = 0;

  /** Roughly what the frame would take by now. */
  get size(): number {
    return this.header.length + this.partBytes;
  }

  /** Add a message: its JSON text, and the bytes that its `bytes` speaks of. */
  add(json: string, parts: readonly Uint8Array[] = noParts): void {
    this.header += this.header === '' ? `[${json}` : `,${json}`;
    for (const part of parts) {
      this.parts.push(part);
      this.partBytes += part.length;
    }
  }

  /** The frame, as buffers to be written one after the other; the writer begins anew. Small parts are copied into the first. */
  take(): Buffer[] {
    const header = `${this.header}]`;
    const headerBytes = Buffer.byteLength(header);
    const inlineBytes = this.partBytes <= maxInlineBytes ? this.partBytes : 0;
    const first = Buffer.allocUnsafe(prefixBytes + headerBytes + inlineBytes);
    first.writeUInt32BE(4 + headerBytes + this.partBytes, 0);
    first.writeUInt32BE(headerBytes, 4);
    first.write(header, prefixBytes, 'utf8');
    const buffers: Buffer[] = [first];
    let at = prefixBytes + headerBytes;
    for (const part of this.parts) {
      if (inlineBytes > 0) first.set(part, at);
      else buffers.push(Buffer.from(part.buffer, part.byteOffset, part.length));
      at += part.length;
    }
    this.header = '';
    this.parts = [];
    this.partBytes = 0;
    return buffers;
  }
}

/** Up to this, one copy is cheaper than one more buffer to write. */
const maxInlineBytes = 64 * 1024;
