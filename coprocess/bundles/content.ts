import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Files of an unpacked bundle, by path within it, sorted. What interpreters write beside their sources is no part of it. */
export async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.pyc'))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Changes whenever a file is written, without reading any. */
export async function stampOf(folder: string, files: readonly string[]): Promise<string> {
  const stats = await Promise.all(files.map((file) => stat(join(folder, file), { bigint: true })));
  return stats.map(({ ino, size, mtimeNs }, i) => `${files[i]} ${ino} ${size} ${mtimeNs}`).join('\n');
}

/** Hex SHA-256 over names and content of all files. */
export async function digestOf(folder: string, files: readonly string[]): Promise<string> {
  const all = createHash('sha256');
  for (const file of files) {
    const one = createHash('sha256');
    for await (const chunk of createReadStream(join(folder, file))) one.update(chunk as Buffer);
    all.update(`${file}\0${one.digest('hex')}\n`);
  }
  return all.digest('hex');
}
