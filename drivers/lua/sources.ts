import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { HookSpec } from '../../contract/plugin-set.ts';

/** A file of a plugin set: what messages call it, and where it is. */
export interface LuaFile {
  readonly name: string;
  readonly path: string;
}

/** The files whose globals the hooks of a set are looked up in, in the order in which they run. */
export interface LuaSources {
  readonly files: readonly LuaFile[];
  /** Where `require` looks. */
  readonly folders: readonly string[];
  /** The file that a hook names; undefined when it names none, or one that is not there. */
  fileOf(hook: HookSpec): string | undefined;
}

/**
 * All of `middleware/lua`, as in the original; then the files of the bundle, if the set has one; then those that hooks name. Of two functions
 * of one name the last counts, and of those a hook's own file.
 */
export async function findSources(
  hooks: readonly HookSpec[],
  pluginsFolders: readonly string[],
  bundleFolder: string | undefined,
): Promise<LuaSources> {
  const files = new Map<string, LuaFile>();
  for (const folder of pluginsFolders) {
    for (const path of await luaFiles(join(folder, sharedFolder))) {
      files.set(path, { name: relative(folder, path), path });
    }
  }
  if (bundleFolder !== undefined) {
    for (const path of await bundleFiles(bundleFolder)) files.set(path, { name: relative(bundleFolder, path), path });
  }
  const roots = bundleFolder === undefined ? pluginsFolders : [bundleFolder];
  const own = new Map<HookSpec, string>();
  for (const hook of hooks) {
    const path = hook.path === '' ? undefined : locate(hook.path, roots);
    if (path === undefined) continue;
    own.set(hook, path);
    files.set(path, { name: hook.path, path });
  }
  const folders = [...own.values()].map((path) => dirname(path));
  return {
    files: [...files.values()],
    folders: [...new Set([...folders, ...roots, ...pluginsFolders.map((folder) => join(folder, sharedFolder))])],
    fileOf: (hook) => own.get(hook),
  };
}

/** Files here belong to every set. */
const sharedFolder = 'middleware/lua';

async function luaFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => name.endsWith('.lua'))
    .sort()
    .map((name) => join(folder, name));
}

/** What the manifest lists. */
async function bundleFiles(folder: string): Promise<string[]> {
  const manifest = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => '{}');
  const entries = Object.entries(JSON.parse(manifest) as Record<string, unknown>);
  const [, list] = entries.find(([key]) => key.toLowerCase() === 'file_list') ?? [];
  const names = Array.isArray(list) ? list.filter((name) => typeof name === 'string' && name.endsWith('.lua')) : [];
  return names.flatMap((name: string) => locate(name, [folder]) ?? []);
}

/** Where a path leads from the first root that has it; never out of a root. */
function locate(path: string, roots: readonly string[]): string | undefined {
  for (const root of roots) {
    const found = resolve(root, path);
    const inside = relative(root, found);
    if (!inside.startsWith('..') && !isAbsolute(inside) && existsSync(found)) return found;
  }
  return undefined;
}
