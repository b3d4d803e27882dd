import { WireError, WireReader } from '../wire/reader.ts';
import { WireWriter } from '../wire/writer.ts';
import type { AwaitedBody } from './edits.ts';
import * as f from './fields.ts';

/**
 * Large bodies of one attached stream, both ways: the Bodies stream seen from one of its ends. Bodies take turns chunk by chunk, so a
 * long one does not hold up a short one, and no more is under way than the other side gave credit for.
 */
export class BodyTransfer {
  private readonly writer = new WireWriter(chunkBytes + 1024);
  private readonly outgoing: Outgoing[] = [];
  private readonly incoming = new Map<number, Incoming>();
  private readonly mayComeEarly: (call: number) => boolean;
  private write: ((frame: Buffer) => boolean) | undefined;
  /** Bytes that may be sent now. */
  private credit = 0;
  /** Bytes that were received, and for which no new credit was given yet. */
  private owedBytes = 0;
  private blocked = false;

  /** @param mayComeEarly whether a call's bodies may come before the message that announces them. Others are let go. */
  constructor(mayComeEarly: (call: number) => boolean) {
    this.mayComeEarly = mayComeEarly;
  }

  /**
   * The stream is there. `write` returns false when it wants no more before {@link drained}.
   * @param token what the gateway's first frame carries; the coprocess sends none.
   */
  open(write: (frame: Buffer) => boolean, token?: Buffer): void {
    this.write = write;
    if (token !== undefined) this.writer.bytes(f.bodyFrame.token, token);
    this.writer.uint(f.bodyFrame.credit, windowBytes);
    this.blocked = !write(this.writer.take());
    this.sendChunks();
  }

  /** Send a body; its announcement is under way already, or about to be. */
  send(call: number, part: number, body: Buffer): void {
    this.outgoing.push({ call, part, body, sent: 0 });
    this.sendChunks();
  }

  /** Nobody waits for this call any more: what is left of its bodies is not sent, and what came of them is let go. */
  forget(call: number): void {
    this.incoming.delete(call);
    for (let i = this.outgoing.length - 1; i >= 0; i--) if (this.outgoing[i]?.call === call) this.outgoing.splice(i, 1);
  }

  drained(): void {
    this.blocked = false;
    this.sendChunks();
  }

  /** Hand over these bodies of a call when all are there, then call `whenWhole`; at once if they are. @throws {WireError} */
  expect(call: number, bodies: readonly AwaitedBody[], whenWhole: () => void): void {
    const incoming = this.incoming.get(call) ?? new Incoming();
    this.incoming.set(call, incoming);
    incoming.expected = bodies;
    incoming.whenWhole = whenWhole;
    this.handOver(call, incoming);
  }

  /** Take in a frame. @throws {WireError} */
  receive(frame: Buffer): void {
    let [call, part, last, credit] = [0, 0, false, 0];
    let chunk: Buffer | undefined;
    const reader = new WireReader(frame);
    while (reader.next()) {
      if (reader.field === f.bodyFrame.call) call = reader.uint();
      else if (reader.field === f.bodyFrame.part) part = reader.uint();
      else if (reader.field === f.bodyFrame.chunk) chunk = reader.view();
      else if (reader.field === f.bodyFrame.last) last = reader.bool();
      else if (reader.field === f.bodyFrame.credit) credit = reader.uint();
      else reader.skip();
    }
    if (call !== 0 && chunk !== undefined) this.take(call, part, chunk, last);
    if (credit > 0) {
      this.credit += credit;
      this.sendChunks();
    }
  }

  private take(call: number, part: number, chunk: Buffer, last: boolean): void {
    this.owedBytes += chunk.length;
    if (this.owedBytes >= windowBytes / 2) this.giveCredit();
    const incoming = this.incoming.get(call) ?? new Incoming();
    if (incoming.expected === undefined && !this.mayComeEarly(call)) return;
    this.incoming.set(call, incoming);
    const chunks = incoming.chunks.get(part) ?? [];
    incoming.chunks.set(part, chunks);
    chunks.push(chunk);
    if (!last) return;
    incoming.whole.set(part, Buffer.concat(chunks));
    incoming.chunks.delete(part);
    this.handOver(call, incoming);
  }

  private handOver(call: number, { expected, whole, whenWhole }: Incoming): void {
    if (expected === undefined || expected.some(({ part }) => !whole.has(part))) return;
    this.incoming.delete(call);
    for (const { part, bytes, put } of expected) {
      const body = whole.get(part) as Buffer;
      if (body.length !== bytes) throw new WireError(`a body of ${bytes} bytes was announced, and ${body.length} came`);
      put(body);
    }
    whenWhole?.();
  }

  private giveCredit(): void {
    this.writer.uint(f.bodyFrame.credit, this.owedBytes);
    this.owedBytes = 0;
    if (this.write?.(this.writer.take()) === false) this.blocked = true;
  }

  private sendChunks(): void {
    for (let write = this.write; write !== undefined && !this.blocked && this.credit > 0; ) {
      const next = this.outgoing.shift();
      if (next === undefined) return;
      const size = Math.min(chunkBytes, this.credit, next.body.length - next.sent);
      const last = next.sent + size === next.body.length;
      this.writer.uint(f.bodyFrame.call, next.call);
      this.writer.uint(f.bodyFrame.part, next.part);
      this.writer.bytes(f.bodyFrame.chunk, next.body.subarray(next.sent, next.sent + size));
      if (last) this.writer.uint(f.bodyFrame.last, 1);
      next.sent += size;
      this.credit -= size;
      if (!last) this.outgoing.push(next);
      if (!write(this.writer.take())) this.blocked = true;
    }
  }
}

interface Outgoing {
  readonly call: number;
  readonly part: number;
  readonly body: Buffer;
  sent: number;
}

/** Bodies of one call on their way in, by part. */
class Incoming {
  readonly chunks = new Map<number, Buffer[]>();
  readonly whole = new Map<number, Buffer>();
  expected: readonly AwaitedBody[] | undefined;
  whenWhole: (() => void) | undefined;
}

const chunkBytes = 64 * 1024;

/** Credit that each side begins with, in bytes. It keeps a link of 1 ms round trip at 1 GB/s, and is far below the connection's own window. */
const windowBytes = 1024 * 1024;

/** The token in a gateway's first frame, in hex; empty without one. @throws {WireError} */
export function tokenOf(frame: Buffer): string {
  const reader = new WireReader(frame);
  while (reader.next()) {
    if (reader.field === f.bodyFrame.token) return reader.view().toString('hex');
    reader.skip();
  }
  return '';
}
