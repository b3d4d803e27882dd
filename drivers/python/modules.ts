import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { HookSpec, PluginSet } from '../../contract/plugin-set.ts';

/** A module that a guest imports: the name that it gets, and its file. */
export interface PythonModule {
  readonly name: string;
  readonly file: string;
}

/** Modules of one guest, folders that they may import from, and which module each hook is in. */
export interface PythonSource {
  /** What is the same here can share one guest. */
  readonly key: string;
  readonly modules: readonly PythonModule[];
  readonly paths: readonly string[];
  moduleOf(hook: HookSpec): number;
}

/**
 * The module of a bundle: the only file of its list, or `middleware.py` (spec/coprocess-contract §7.2). Sets of one bundle with the same
 * content share it, with all that it keeps in its globals.
 */
export async function bundleSource(set: PluginSet, folder: string): Promise<PythonSource> {
  const name = createHash('md5')
    .update(set.bundle ?? '')
    .digest('hex');
  const list = await fileList(folder);
  const file = join(folder, list.length === 1 ? (list[0] as string) : 'middleware.py');
  return {
    key: `${set.bundle} ${set.bundleDigest ?? set.digest}`,
    modules: [{ name, file }],
    paths: await vendorFolders(folder),
    moduleOf: () => 0,
  };
}

/** The files that hooks without a bundle name, one module each. */
export function localSource(set: PluginSet, hooks: readonly HookSpec[], folder: string): PythonSource {
  const files = [...new Set(hooks.map((hook) => resolve(folder, hook.path)))];
  return {
    key: `set ${set.digest}`,
    modules: files.map((file) => ({ name: `plugin_${createHash('md5').update(file).digest('hex')}`, file })),
    paths: [],
    moduleOf: (hook) => files.indexOf(resolve(folder, hook.path)),
  };
}

async function fileList(folder: string): Promise<readonly unknown[]> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
    const entries = Object.entries((manifest ?? {}) as object);
    const [, list] = entries.find(([key]) => key.toLowerCase() === 'file_list') ?? [];
    return Array.isArray(list) ? list : [];
  } catch {
    throw new Error(
      'a list of bundles has no manifest of its own, and Python hooks are found by one: name a single bundle',
    );
  }
}

/** Packages that the bundle brings along: in `vendor`, or where `pip install --prefix vendor` puts them. */
async function vendorFolders(folder: string): Promise<string[]> {
  const vendor = join(folder, 'vendor');
  const versions = await readdir(join(vendor, 'lib')).catch(() => []);
  return [...versions.map((version) => join(vendor, 'lib', version, 'site-packages')), vendor];
}
