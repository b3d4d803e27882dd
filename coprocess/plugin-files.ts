import { createHash } from 'node:crypto';
import { type BigIntStats, type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { PluginFileStamps } from '../contract/plugin-files.ts';
import { Turn } from '../contract/turn.ts';

/** Tells whether plugin files have changed, by their content. What a file's status says is as it was is not read again. */
export class PluginFiles {
  private readonly folders: readonly string[];
  private known = new Map<string, Known>();

  /** @param folders where names that are no whole paths are looked up. */
  constructor(folders: readonly string[]) {
    this.folders = folders;
  }

  /** Look at files, by the names that definitions have for them. */
  async look(names: readonly string[]): Promise<PluginFileStamps> {
    const turn = new Turn();
    const seen = new Map<string, Known>();
    const files: string[] = [];
    for (const name of names) {
      files.push(
        this.placesOf(name)
          .map((path) => this.stampOf(path, seen))
          .join(''),
      );
      if (turn.isOver) await turn.next();
    }
    const sources = new Set<string>();
    for (const folder of new Set(Array.from(seen.keys(), (path) => dirname(path)))) {
      addSources(folder, sources);
      if (turn.isOver) await turn.next();
    }
    const beside: string[] = [];
    for (const path of sources) {
      if (!seen.has(path)) beside.push(this.stampOf(path, seen));
      if (turn.isOver) await turn.next();
    }
    this.known = seen;
    return { files, beside: hashOf(beside.join()) };
  }

  private placesOf(name: string): readonly string[] {
    return isAbsolute(name) ? [name] : this.folders.map((folder) => join(folder, name));
  }

  private stampOf(path: string, seen: Map<string, Known>): string {
    const found = seen.get(path);
    if (found !== undefined) return found.stamp;
    const stat = statusOf(path);
    if (stat === undefined) return '';
    const status = `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
    const last = this.known.get(path);
    const stamp = last?.status === status ? last.stamp : contentOf(path, stat, status);
    // Until the clock of files has gone on, a file may be written once more without a sign.
    seen.set(path, { stamp, status: Date.now() - Number(stat.mtimeMs) < fileClockLagMs ? '' : status });
    return stamp;
  }
}

interface Known {
  readonly stamp: string;
  /** Empty: it is to be read again. */
  readonly status: string;
}

/** Undefined for what cannot be looked at. */
function statusOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

const fileClockLagMs = 20;

/** Larger files are data, not sources, in bytes: it is not worth the time to read them. */
const maxReadBytes = 1024 * 1024;

function contentOf(path: string, stat: BigIntStats, status: string): string {
  if (stat.size > maxReadBytes) return hashOf(status);
  try {
    return hashOf(readFileSync(path));
  } catch {
    return hashOf(status);
  }
}

function hashOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('base64');
}

const isSource = /\.(?:[mc]?[jt]s|json|py|lua)$/;

/** A folder that holds more is not one of plugins alone, but a home or a root: what is beyond is not looked at. */
const maxSources = 5000;

/** Add the source files in and below a folder. Installed packages are left out: they do not change while one works. */
function addSources(folder: string, sources: Set<string>): void {
  let entries: readonly Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    if (sources.size >= maxSources) return;
    const { name } = entry;
    const isFolder = entry.isDirectory();
    if (isFolder && name !== 'node_modules' && !name.startsWith('.')) addSources(join(folder, name), sources);
    else if (!isFolder && isSource.test(name)) sources.add(join(folder, name));
  }
}
