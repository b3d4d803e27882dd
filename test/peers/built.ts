import { createHash, type Hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Where peers are built: ignored by git, safe to delete at any time. */
const toolsFolder = join(import.meta.dirname, '../../.tools');

export interface Build {
  readonly name: string;
  /** Files and folders whose content decides whether the build is up to date. */
  readonly inputs: readonly string[];
  /** Longest time that a build from nothing may take. */
  readonly limitMs: number;
  /** Where builds are kept. @default `.tools` of this project */
  readonly home?: string;
  /** Leaves the result in `folder`, which is empty and not yet where it will stay. */
  readonly build: (folder: string) => Promise<void>;
}

/**
 * The folder with a peer's files, built when this content of its inputs is met for the first time. Of several processes that ask
 * at once, one builds and the others wait. The result appears whole or not at all: it is made beside its place, then renamed.
 */
export async function built({ name, inputs, limitMs, home = toolsFolder, build }: Build): Promise<string> {
  const hash = createHash('sha256');
  for (const input of inputs) await addTo(hash, input);
  const builds = join(home, name);
  const key = hash.digest('hex').slice(0, 16);
  const folder = join(builds, key);
  if (existsSync(folder)) return folder;

  await mkdir(builds, { recursive: true });
  await whileBuilding(name, limitMs, () =>
    withLock(`${folder}.lock`, limitMs, async () => {
      if (existsSync(folder)) return;
      const unfinished = `${folder}.${process.pid}`;
      try {
        await mkdir(unfinished);
        await build(unfinished);
        for (const old of await readdir(builds)) {
          if (!old.startsWith(key)) await rm(join(builds, old), { recursive: true, force: true });
        }
        await rename(unfinished, folder);
      } finally {
        await rm(unfinished, { recursive: true, force: true });
      }
    }),
  );
  return folder;
}

/** Stops the clock of the test file that is running, for `limitMs` at most, while something is built. */
export async function whileBuilding<T>(name: string, limitMs: number, work: () => Promise<T>): Promise<T> {
  process.stderr.write(`building ${name}: the first use on a machine takes up to ${limitMs / 1000} s\n`);
  process.send?.({ building: name, limitMs });
  try {
    return await work();
  } finally {
    process.send?.({ built: name });
  }
}

/** A lock file holds the process id of its owner; one whose owner is gone, or that is older than any build may be, is void. */
async function withLock(path: string, limitMs: number, work: () => Promise<void>): Promise<void> {
  for (;;) {
    const lock = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return undefined;
      throw error;
    });
    if (lock !== undefined) {
      try {
        await lock.writeFile(String(process.pid));
        await lock.close();
        return await work();
      } finally {
        await rm(path, { force: true });
      }
    }
    if (await isVoid(path, limitMs)) await rm(path, { force: true });
    else await delay(250);
  }
}

async function isVoid(path: string, limitMs: number): Promise<boolean> {
  try {
    const ageMs = Date.now() - (await stat(path)).mtimeMs;
    if (ageMs > limitMs) return true;
    const owner = Number(await readFile(path, 'utf8'));
    if (owner === 0) return false; // Made this very moment, and not yet written.
    process.kill(owner, 0);
    return false;
  } catch (error) {
    // ESRCH: the owner is gone. ENOENT: the lock is, and the next try will tell.
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function addTo(hash: Hash, path: string): Promise<void> {
  if ((await stat(path)).isFile()) {
    hash.update(`${relative(toolsFolder, path)}\0`).update(await readFile(path));
    return;
  }
  const entries = await readdir(path);
  for (const entry of entries.sort()) if (!notBuilt.has(entry)) await addTo(hash, join(path, entry));
}

/** What lies beside the sources of an example and makes no difference to its build. */
const notBuilt = new Set(['README.md', 'apis', 'interpose.yaml', 'target', '__pycache__']);
