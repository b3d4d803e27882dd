import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Api } from '../definitions/api.ts';
import type { Turn } from './turn.ts';

/**
 * Tells whether an API's plugin files have changed since the last load, as far as this process can see the plugins folders: its own files
 * by themselves; and sources beside and below them that no definition names, which others may import, all together.
 */
export class PluginFiles {
  private readonly folders: readonly string[];
  private readonly apis: readonly Api[];
  private shared = '';

  constructor(folders: readonly string[], apis: readonly Api[]) {
    this.folders = folders;
    this.apis = apis;
  }

  /** Look at the files that no definition names; to be called first. */
  async look(turn: Turn): Promise<void> {
    const named = new Set<string>();
    for (const api of this.apis) {
      for (const name of filesOf(api)) for (const path of this.placesOf(name)) named.add(path);
      if (turn.isOver) await turn.next();
    }
    const seen = new Set<string>();
    for (const folder of new Set([...named].map((path) => dirname(path)))) addSources(folder, seen);
    const hash = createHash('sha256');
    for (const path of seen) {
      if (!named.has(path)) hash.update(`${path} ${stampOf(path)}\n`);
      if (turn.isOver) await turn.next();
    }
    this.shared = hash.digest('hex');
  }

  /** Undefined for an API without plugin files of its own. */
  of(api: Api): string | undefined {
    const named = filesOf(api);
    if (named.length === 0) return undefined;
    const hash = createHash('sha256').update(this.shared);
    for (const name of named) for (const path of this.placesOf(name)) hash.update(`${path} ${stampOf(path)}\n`);
    return hash.digest('hex');
  }

  private placesOf(name: string): readonly string[] {
    return isAbsolute(name) ? [name] : this.folders.map((folder) => join(folder, name));
  }
}

/** Files of its hooks, as the definition has them. Those of a bundle are the bundle's affair. */
function filesOf(api: Api): readonly string[] {
  let files = known.get(api);
  if (files === undefined) {
    files = namedFiles(api);
    known.set(api, files);
  }
  return files;
}

const known = new WeakMap<Api, readonly string[]>();
const none: readonly string[] = [];

function namedFiles({ plugins, eventHandlers }: Api): readonly string[] {
  if (plugins.bundle !== '') return none;
  const hooks = [...plugins.hooks, ...plugins.endpointHooks].filter(
    ({ driver, path, code }) => driver !== 'grpc' && path !== '' && code === undefined,
  );
  const handlers = eventHandlers.flatMap((handler) => (handler.kind === 'javascript' ? [handler.path] : []));
  return hooks.length + handlers.length === 0 ? none : [...new Set([...hooks.map(({ path }) => path), ...handlers])];
}

const isSource = /\.(?:[mc]?[jt]s|json|py|lua)$/;

/** A folder that holds more is not one of plugins alone, but a home or a root: what is beyond is not looked at. */
const maxSources = 5000;

/** Add the source files in and below a folder. Installed packages are left out: they do not change while one works. */
function addSources(folder: string, seen: Set<string>): void {
  let entries: readonly Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    if (seen.size >= maxSources) return;
    const { name } = entry;
    const isFolder = entry.isDirectory();
    if (isFolder && name !== 'node_modules' && !name.startsWith('.')) addSources(join(folder, name), seen);
    else if (!isFolder && isSource.test(name)) seen.add(join(folder, name));
  }
}

function stampOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
}
