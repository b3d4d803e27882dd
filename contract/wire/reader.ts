/**
 * Walks protobuf wire format field by field, so that only what is used is decoded. Strings come out as byte strings.
 *
 * @throws {WireError} where the bytes are not wire format.
 */
export class WireReader {
  private readonly bytes: Buffer;
  private position: number;
  private readonly limit: number;
  /** Where the current field begins. */
  private start = 0;
  /** Number of the current field. */
  field = 0;
  /** Wire type of the current field: 0 varint, 1 fixed64, 2 length-delimited, 5 fixed32. */
  type = 0;

  constructor(bytes: Buffer, start = 0, limit = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.limit = limit;
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
    const length = this.uint();
    const start = this.position;
    if (length > this.limit - start) throw new WireError('a field is longer than its message');
    this.position = start + length;
    return this.bytes.toString('latin1', start, this.position);
  }

  /** A length-delimited field as a message of its own. */
  message(): WireReader {
    const length = this.uint();
    const start = this.position;
    if (length > this.limit - start) throw new WireError('a message is longer than the one around it');
    this.position = start + length;
    return new WireReader(this.bytes, start, this.position);
  }

  /** An entry of a `map<string, string>`; both are byte strings. */
  mapEntry(): [key: string, value: string] {
    const entry = this.message();
    let key = '';
    let value = '';
    while (entry.next()) {
      if (entry.field === 1 && entry.type === 2) key = entry.string();
      else if (entry.field === 2 && entry.type === 2) value = entry.string();
      else entry.skip();
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

/** Field numbers have 29 bits. */
const maxTag = 2 ** 32 - 1;

/** The bytes are not protobuf wire format. */
export class WireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WireError';
  }
}
