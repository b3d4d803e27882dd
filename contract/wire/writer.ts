/**
 * Writes protobuf wire format into one buffer that is reused. The generated encoders build a whole object first and then copy it
 * piece by piece; measured, this writer costs a sixth of that for a request (design/budget: 1.8 us against 11.3 us).
 *
 * Strings are byte strings: one byte a character.
 */
export class WireWriter {
  private buffer: Buffer;
  private end = 0;

  constructor(initialBytes = 64 * 1024) {
    this.buffer = Buffer.allocUnsafe(initialBytes);
  }

  get length(): number {
    return this.end;
  }

  /** A copy of what was written since `from`. */
  copy(from = 0): Buffer {
    return Buffer.from(this.buffer.subarray(from, this.end));
  }

  /** Hand over what was written, and begin anew in a fresh buffer. */
  take(): Buffer {
    const taken = this.buffer.subarray(0, this.end);
    this.buffer = Buffer.allocUnsafe(this.buffer.length > maxKeptBytes ? maxKeptBytes : this.buffer.length);
    this.end = 0;
    return taken;
  }

  reset(): void {
    this.end = 0;
    if (this.buffer.length > maxKeptBytes) this.buffer = Buffer.allocUnsafe(maxKeptBytes);
  }

  /** An unsigned varint below 2^53. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest > 0x7f) {
      this.buffer[this.end++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.buffer[this.end++] = rest;
  }

  uint(field: number, value: number): void {
    this.varint(field << 3);
    this.varint(value);
  }

  /** A length-delimited field with a byte string in it. */
  string(field: number, text: string): void {
    const length = text.length;
    this.varint((field << 3) | 2);
    this.varint(length);
    this.reserve(length);
    if (length < shortText) {
      for (let i = 0; i < length; i++) this.buffer[this.end + i] = text.charCodeAt(i);
    } else {
      this.buffer.write(text, this.end, length, 'latin1');
    }
    this.end += length;
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.varint((field << 3) | 2);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Bytes that are wire format already. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** One entry of a `map<string, string>`; both are byte strings. */
  mapEntry(field: number, key: string, value: string): void {
    this.varint((field << 3) | 2);
    this.varint(2 + varintLength(key.length) + key.length + varintLength(value.length) + value.length);
    this.string(1, key);
    this.string(2, value);
  }

  /** Begin a message field whose length is not known yet; `end` takes what this returns. */
  begin(field: number): number {
    this.varint((field << 3) | 2);
    this.reserve(lengthRoom);
    this.end += lengthRoom;
    return this.end;
  }

  /** End a message field: its length goes into the room that `begin` left, as a padded varint, which readers accept. */
  finish(start: number): void {
    let length = this.end - start;
    for (let i = start - lengthRoom; i < start - 1; i++) {
      this.buffer[i] = (length & 0x7f) | 0x80;
      length >>>= 7;
    }
    this.buffer[start - 1] = length;
  }

  private reserve(bytes: number): void {
    const needed = this.end + bytes;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.end));
    this.buffer = grown;
  }
}

/** Buffers that grew past this are let go after use, so one large message does not stay in memory. */
const maxKeptBytes = 1024 * 1024;

/** Below this a loop beats the call into C++ (measured on Node 24: even at about 24 characters). */
const shortText = 24;

/** Room for a length that is written afterwards: four bytes hold up to 256 MiB. */
const lengthRoom = 4;

function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x200000 ? 3 : 4;
}
