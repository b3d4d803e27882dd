import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import {
  type ArchiveLimits,
  checkLocalHeader,
  checkOverlaps,
  defaultMaxEntries,
  EntryCheck,
  wrong,
} from './entries.ts';
import { BundleError, reasonOf } from './problem.ts';

/**
 * Unpack a bundle's archive into a folder, which must be empty. All of the archive is checked before the first byte is written.
 * @throws {BundleError} for an archive that is none, is damaged, or holds what a bundle may not.
 */
export async function unpack(archive: string, folder: string, limits: ArchiveLimits): Promise<void> {
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(archive, { autoClose: false, strictFileNames: true });
    const { maxEntries = defaultMaxEntries } = limits;
    if (zip.entryCount > maxEntries) throw new BundleError(`the archive has more than ${maxEntries} entries`);
    const entries = await checkedEntries(zip, limits);
    for (const entry of entries) await writeEntry(zip, entry, folder);
  } catch (error) {
    if (error instanceof BundleError) throw error;
    throw new BundleError(`the archive cannot be read: ${reasonOf(error)}`, { cause: error });
  } finally {
    zip?.close();
  }
}

async function checkedEntries(zip: ZipFile, limits: ArchiveLimits): Promise<Entry[]> {
  const check = new EntryCheck(limits);
  const entries: Entry[] = [];
  for await (const entry of zip.eachEntry()) {
    check.add(entry);
    entries.push(entry);
  }
  const ranges: [number, number, string][] = [];
  for (const entry of entries) {
    const local = await zip.readLocalFileHeaderPromise(entry);
    checkLocalHeader(entry, local);
    ranges.push([entry.relativeOffsetOfLocalHeader, local.fileDataStart + entry.compressedSize, entry.fileName]);
  }
  checkOverlaps(ranges);
  return entries;
}

async function writeEntry(zip: ZipFile, entry: Entry, folder: string): Promise<void> {
  const path = join(folder, entry.fileName);
  if (entry.fileName.endsWith('/')) {
    await mkdir(path, { mode: 0o700 });
    return;
  }
  let sum = 0;
  const check = new Transform({
    transform(chunk: Buffer, _, done) {
      sum = crc32(chunk, sum);
      done(null, chunk);
    },
  });
  const data = await zip.openReadStreamPromise(entry);
  await pipeline(data, check, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  if (sum !== entry.crc32) throw wrong(entry.fileName, 'is damaged: its checksum is another');
}
