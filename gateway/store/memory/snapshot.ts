import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** One stored value: expiry is unix milliseconds, 0 for never. */
export type SnapshotEntry = readonly [key: string, value: string, expiresAtMs: number];

/**
 * What a snapshot file holds; nothing when there is no file yet.
 * @throws {Error} naming the file, when it is no snapshot.
 */
export async function readSnapshot(path: string): Promise<SnapshotEntry[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    return text.split('\n').filter(Boolean).map(readLine);
  } catch (error) {
    throw new Error(`${path} is no snapshot of the store: move it away, or restore it`, { cause: error });
  }
}

function readLine(line: string): SnapshotEntry {
  const entry: unknown = JSON.parse(line);
  if (!Array.isArray(entry) || typeof entry[0] !== 'string' || typeof entry[1] !== 'string') throw new TypeError(line);
  return [entry[0], entry[1], Number(entry[2] ?? 0)];
}

/** Write a snapshot, one entry a line; the old one stays until the new one is whole. */
export async function writeSnapshot(path: string, entries: Iterable<SnapshotEntry>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const lines = Array.from(entries, (entry) => `${JSON.stringify(entry)}\n`);
  const next = `${path}.next`;
  await writeFile(next, lines.join(''), { mode: 0o600 });
  await rename(next, path);
}
