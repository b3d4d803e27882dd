import { crc32, deflateRawSync } from 'node:zlib';

/** One entry of an archive made by hand; what is given in `central` or `local` stands there, whatever is true. */
export interface RawEntry {
  readonly name: string | Buffer;
  readonly data?: Buffer | string;
  readonly method?: number;
  readonly flags?: number;
  /** Unix mode, in the upper half of the external attributes. */
  readonly mode?: number;
  readonly crc?: number;
  readonly localName?: string;
  readonly localMethod?: number;
  readonly localFlags?: number;
  readonly localSize?: number;
  readonly localCrc?: number;
  /** What the archive says that the entry's size unpacked is. */
  readonly size?: number;
  readonly compressedSize?: number;
  /** Where its local header is said to be. */
  readonly offset?: number;
  readonly extra?: Buffer;
}

export interface RawEnd {
  readonly entries?: number;
  readonly directoryOffset?: number;
  readonly prefix?: Buffer;
  readonly suffix?: Buffer;
}

const utf8Flag = 0x0800;

/** An archive, entry by entry, with whatever lies in it. */
export function rawZip(entries: readonly RawEntry[], end: RawEnd = {}): Buffer {
  const parts: Buffer[] = [end.prefix ?? Buffer.alloc(0)];
  const central: Buffer[] = [];
  let at = parts[0]?.length ?? 0;
  for (const entry of entries) {
    const data = Buffer.from(entry.data ?? '');
    const method = entry.method ?? (data.length > 0 ? 8 : 0);
    const packed = method === 8 ? deflateRawSync(data) : data;
    const crc = entry.crc ?? crc32(data);
    const name = Buffer.from(entry.name);
    const localName = Buffer.from(entry.localName ?? name);
    const flags = entry.flags ?? utf8Flag;
    const size = entry.size ?? data.length;
    const compressedSize = entry.compressedSize ?? packed.length;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(entry.localFlags ?? flags, 6);
    local.writeUInt16LE(entry.localMethod ?? method, 8);
    local.writeUInt32LE(entry.localCrc ?? crc, 14);
    local.writeUInt32LE(compressedSize, 18);
    local.writeUInt32LE(entry.localSize ?? size, 22);
    local.writeUInt16LE(localName.length, 26);
    parts.push(local, localName, packed);
    const extra = entry.extra ?? Buffer.alloc(0);
    const header = Buffer.alloc(46);
    header.writeUInt32LE(0x02014b50, 0);
    header.writeUInt16LE((3 << 8) | 20, 4);
    header.writeUInt16LE(20, 6);
    header.writeUInt16LE(flags, 8);
    header.writeUInt16LE(method, 10);
    header.writeUInt32LE(crc, 16);
    header.writeUInt32LE(compressedSize, 20);
    header.writeUInt32LE(size, 24);
    header.writeUInt16LE(name.length, 28);
    header.writeUInt16LE(extra.length, 30);
    header.writeUInt32LE(((entry.mode ?? 0) << 16) >>> 0, 38);
    header.writeUInt32LE(entry.offset ?? at, 42);
    central.push(header, name, extra);
    at += local.length + localName.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const tail = Buffer.alloc(22);
  tail.writeUInt32LE(0x06054b50, 0);
  tail.writeUInt16LE(end.entries ?? entries.length, 8);
  tail.writeUInt16LE(end.entries ?? entries.length, 10);
  tail.writeUInt32LE(directory.length, 12);
  tail.writeUInt32LE(end.directoryOffset ?? at, 16);
  return Buffer.concat([...parts, directory, tail, end.suffix ?? Buffer.alloc(0)]);
}
