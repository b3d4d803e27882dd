import type { Entry, LocalFileHeader } from 'yauzl';
import { checkedPath, foldedPath } from './paths.ts';
import { BundleError } from './problem.ts';

/** How much an archive may hold. */
export interface ArchiveLimits {
  /** Largest sum of unpacked files, in bytes; the archive itself may not be larger either. */
  readonly maxBytes: number;
  /** Most entries, folders included. @default 10000 */
  readonly maxEntries?: number;
}

export const defaultMaxEntries = 10_000;

const kindMask = 0o170000;
const regularFile = 0o100000;
const folderKind = 0o040000;
const madeByUnix = 3;
/** Encrypted, strongly encrypted, central directory encrypted. */
const encryptedFlags = 0x0001 | 0x0040 | 0x2000;
const stored = 0;
const deflated = 8;

/** Checks the entries of one archive, before anything is unpacked: each by itself, and all together. */
export class EntryCheck {
  private readonly limits: ArchiveLimits;
  private readonly files = new Set<string>();
  private readonly folders = new Set<string>();
  private count = 0;
  private bytes = 0;

  constructor(limits: ArchiveLimits) {
    this.limits = limits;
  }

  /** @throws {BundleError} naming the entry, and what is wrong with it. */
  add(entry: Entry): void {
    const { fileName, uncompressedSize, compressionMethod, generalPurposeBitFlag } = entry;
    const { maxBytes, maxEntries = defaultMaxEntries } = this.limits;
    if (++this.count > maxEntries) throw new BundleError(`the archive has more than ${maxEntries} entries`);
    const parts = checkedPath(fileName);
    if ((generalPurposeBitFlag & encryptedFlags) !== 0) throw wrong(fileName, 'is encrypted');
    if (compressionMethod !== stored && compressionMethod !== deflated) {
      throw wrong(fileName, `is compressed by method ${compressionMethod}; store and deflate are known`);
    }
    const isFolder = fileName.endsWith('/');
    checkKind(entry, isFolder);
    this.bytes += uncompressedSize;
    if (!Number.isSafeInteger(this.bytes) || this.bytes > maxBytes) {
      throw new BundleError(`its files are more than ${maxBytes} bytes unpacked (bundles.maxBytes)`);
    }
    if (isFolder && uncompressedSize > 0) throw wrong(fileName, 'is a folder, and has content');
    this.addPath(fileName, parts, isFolder);
  }

  /** Folders that are made by no entry of their own are not made at all, as in the original: `zip -r` and our own tool write them. */
  private addPath(name: string, parts: readonly string[], isFolder: boolean): void {
    const folded = foldedPath(parts);
    if (this.files.has(folded) || this.folders.has(folded)) throw wrong(name, 'is there twice (case does not count)');
    const parent = foldedPath(parts.slice(0, -1));
    if (parent !== '' && !this.folders.has(parent)) {
      throw wrong(
        name,
        `is in a folder that has no entry of its own before it; "zip -r" and "interpose bundle build" write one`,
      );
    }
    (isFolder ? this.folders : this.files).add(folded);
  }
}

/** Links, devices and pipes are nothing that a plugin is made of. */
function checkKind({ fileName, externalFileAttributes, versionMadeBy }: Entry, isFolder: boolean): void {
  if (versionMadeBy >>> 8 !== madeByUnix) return;
  const kind = (externalFileAttributes >>> 16) & kindMask;
  if (kind === 0 || kind === (isFolder ? folderKind : regularFile)) return;
  throw wrong(fileName, 'is a link or a special file');
}

/** What the central directory and the header before the data must agree on: tools that read one or the other see one archive. */
export function checkLocalHeader(entry: Entry, local: LocalFileHeader): void {
  const { fileName, fileNameRaw, compressionMethod, generalPurposeBitFlag, crc32 } = entry;
  if (!local.fileName.equals(fileNameRaw)) throw wrong(fileName, 'has another name in its local header');
  if (local.compressionMethod !== compressionMethod) throw wrong(fileName, 'has another method in its local header');
  if ((local.generalPurposeBitFlag & encryptedFlags) !== (generalPurposeBitFlag & encryptedFlags)) {
    throw wrong(fileName, 'is encrypted by its local header');
  }
  // With this flag, sizes and checksum stand after the data, and are zero here.
  const sizesFollow = (local.generalPurposeBitFlag & 0x0008) !== 0;
  const is = (value: number, known: number): boolean =>
    value === known || value === 0xffffffff || (sizesFollow && value === 0);
  const agree =
    is(local.crc32, crc32) &&
    is(local.compressedSize, entry.compressedSize) &&
    is(local.uncompressedSize, entry.uncompressedSize);
  if (!agree) throw wrong(fileName, 'has another size or checksum in its local header');
}

/** Data that two entries share is a bomb: a small file that unpacks to a large one, many times. */
export function checkOverlaps(ranges: readonly (readonly [start: number, end: number, name: string])[]): void {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  for (let i = 1; i < sorted.length; i++) {
    const [start, , name] = sorted[i] as (typeof sorted)[number];
    if (start < (sorted[i - 1] as (typeof sorted)[number])[1]) throw wrong(name, 'shares its data with another entry');
  }
}

export function wrong(name: string, what: string): BundleError {
  return new BundleError(`${JSON.stringify(name)} in the archive ${what}`);
}
