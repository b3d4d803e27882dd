import type { Latin1Buffer } from './latin1.ts';

/**
 * Walks protobuf wire format field by field, so that only what is used is decoded. Strings come out as byte strings.
 *
 * @throws {WireError} where the bytes are not wire format.
 */
export class WireReader {
  private readonly bytes: Latin1Buffer;
  /** All of `bytes` as one text, of which strings are parts; undefined: each is read on its own. */
  private readonly text: string | undefined;
  private position: number;
  private readonly limit: number;
  /** Where the current field begins. */
  private start = 0;
  /** Number of the current field. */
  field = 0;
  /** Wire type of the current field: 0 varint, 1 fixed64, 2 length-delimited, 5 fixed32. */
  type = 0;

  constructor(bytes: Buffer, start = 0, limit = bytes.length, text?: string) {
    this.bytes = bytes as Latin1Buffer;
    this.text = text;
    this.position = start;
    this.limit = limit;
  }

  /**
   * A reader for a small message that is mostly text, such as a request's head: a part of one text costs a fifth of a call into C++.
   * Every string that is kept keeps all of that text, so it is not for batches.
   */
  static ofText(bytes: Buffer): WireReader {
    return new WireReader(bytes, 0, bytes.length, (bytes as Latin1Buffer).latin1Slice());
  }

  /** Step to the next field; its value must then be read or skipped. */
  next(): boolean {
    if (this.position >= this.limit) return false;
    this.start = this.position;
    const tag = this.uint();
    this.field = tag >>> 3;
    this.type = tag & 7;
    if (this.field === 0 || tag > maxTag) throw new WireError('a field has a number that is none');
    return true;
  }

  /** An unsigned varint; bits past 2^53 are lost, so negative numbers are read with {@link int32}. */
  uint(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let scale = 0x80;
    for (let i = 1; i < 10; i++) {
      const byte = this.byte();
      if (i < 8) value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) return value;
    }
    throw new WireError('a varint is longer than 10 bytes');
  }

  /** An int32, which protobuf sends as 64 bits when it is negative. */
  int32(): number {
    let low = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.byte();
      if (i < 5) low |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return low | 0;
    }
    throw new WireError('a varint is longer than 10 bytes');
  }

  bool(): boolean {
    return this.uint() !== 0;
  }

  /** A length-delimited field, as a view on the message. */
  view(): Buffer {
    const length = this.uint();
    const start = this.position;
    if (length > this.limit - start) throw new WireError('a field is longer than its message');
    this.position = start + length;
    return this.bytes.subarray(start, this.position);
  }

  /** A length-delimited field as a byte string. */
  string(): string {
    return this.textOf(this.uint(), this.limit);
  }

  private textOf(length: number, limit: number): string {
    const start = this.position;
    if (length > limit - start) throw new WireError('a field is longer than its message');
    this.position = start + length;
    return this.text === undefined
      ? this.bytes.latin1Slice(start, this.position)
      : this.text.substring(start, this.position);
  }

  /** A length-delimited field as a message of its own. */
  message(): WireReader {
    const length = this.uint();
    const start = this.position;
    if (length > this.limit - start) throw new WireError('a message is longer than the one around it');
    this.position = start + length;
    return new WireReader(this.bytes, start, this.position, this.text);
  }

  /** An entry of a `map<string, string>`; both are byte strings. */
  mapEntry(): [key: string, value: string] {
    const length = this.uint();
    const start = this.position;
    const end = start + length;
    if (end > this.limit) throw new WireError('a message is longer than the one around it');
    // Nearly all are written so: key, then value.
    if (length >= 4 && this.bytes[start] === keyTag) {
      this.position++;
      const key = this.textOf(this.uint(), end);
      if (this.position < end && this.bytes[this.position] === valueTag) {
        this.position++;
        const value = this.textOf(this.uint(), end);
        if (this.position === end) return [key, value];
      }
    }
    this.position = end;
    return new WireReader(this.bytes, start, end, this.text).anyMapEntry();
  }

  private anyMapEntry(): [key: string, value: string] {
    let key = '';
    let value = '';
    while (this.next()) {
      if (this.field === 1 && this.type === 2) key = this.string();
      else if (this.field === 2 && this.type === 2) value = this.string();
      else this.skip();
    }
    return [key, value];
  }

  /** One number of a `repeated` field, or several packed: they are added to `numbers`. */
  uints(numbers: number[]): void {
    if (this.type !== 2) {
      numbers.push(this.uint());
      return;
    }
    const packed = this.message();
    while (packed.position < packed.limit) numbers.push(packed.uint());
  }

  /** Skip the current field, and give all of it, number and type included: what can be pasted into another message. */
  whole(): Buffer {
    this.skip();
    return this.bytes.subarray(this.start, this.position);
  }

  skip(): void {
    if (this.type === 0) this.uint();
    else if (this.type === 2) this.view();
    else if (this.type === 1) this.advance(8);
    else if (this.type === 5) this.advance(4);
    else throw new WireError(`wire type ${this.type} is not supported`);
  }

  private byte(): number {
    if (this.position >= this.limit) throw new WireError('a varint is cut off');
    return this.bytes[this.position++] as number;
  }

  private advance(count: number): void {
    if (count > this.limit - this.position) throw new WireError('a number is cut off');
    this.position += count;
  }
}

/** Fields 1 and 2 of a map entry, both length-delimited. */
const keyTag = 0x0a;
const valueTag = 0x12;

/** Field numbers have 29 bits. */
const maxTag = 2 ** 32 - 1;

/** The bytes are not protobuf wire format. */
export class WireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WireError';
  }
}
