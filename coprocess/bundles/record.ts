import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Seen } from './fetch.ts';

/** One unpacked revision of a bundle. */
export interface Revision {
  /** Name of its folder, among the bundles. */
  readonly folder: string;
  /** Digest of its content. */
  readonly digest: string;
}

/** What is remembered of a bundle that was polled, beside its folders: `{MD5 of the name}.json`. */
export interface BundleRecord {
  /** The last good revision. */
  readonly current: string;
  /** Further revisions on disk: still in use, or refused. */
  readonly others: readonly Revision[];
  /** What the server last had, by name: more than one for a list of bundles. */
  readonly seen: Readonly<Record<string, Seen>>;
  /** Why what the server last had is not `current`. */
  readonly refused?: Refused;
}

export interface Refused {
  readonly problem: string;
  /** The settings it was refused under: with others it is tried again. */
  readonly settings: string;
}

/** Undefined where nothing that makes sense is remembered: then the bundle is as if it had never been polled. */
export async function readRecord(file: string): Promise<BundleRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(file, 'utf8')) as BundleRecord;
    const names = [record.current, ...record.others.map(({ folder }) => folder)];
    const plain = names.every((name) => /^[0-9a-f]{32}(?:-[0-9a-f]+)?$/.test(name));
    return plain && typeof record.seen === 'object' && record.seen !== null ? record : undefined;
  } catch {
    return undefined;
  }
}

/** In one step: what is half written never counts. */
export async function writeRecord(file: string, record: BundleRecord): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const aside = `${file}.${process.pid}`;
  await writeFile(aside, JSON.stringify(record), { mode: 0o600 });
  await rename(aside, file);
}
