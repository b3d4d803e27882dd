import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { HookAnswer } from '../../../contract/answer.ts';
import type { HookType } from '../../../contract/plugin-set.ts';
import { fromByteString } from '../../../contract/text.ts';
import type { LoadedHooks } from '../../../drivers/driver.ts';
import { createLuaDriver, type LuaDriverOptions } from '../../../drivers/lua/index.ts';
import { RecordingHost } from '../guest/with-guest.ts';
import { type CallOptions, hookCall, pluginSet } from '../hook-call.ts';

/** Both engines: every claim about plugins holds on each. */
export const engines = ['luajit', 'wasm'] as const;
export type EngineName = (typeof engines)[number];

export interface LoadedLua {
  readonly host: RecordingHost;
  readonly loaded: LoadedHooks;
  readonly folder: string;
  readonly run: (name: string, options?: CallOptions) => Promise<HookAnswer>;
}

export interface LuaOptions {
  readonly engine: EngineName;
  /** Text by path, below the plugins folder. */
  readonly files: Readonly<Record<string, string>>;
  /** `['stamp', 'pre', 'stamp.lua']`; without a path the hook is looked for in all files. */
  readonly hooks: readonly (readonly [name: string, type: HookType, path?: string])[];
  readonly configData?: Readonly<Record<string, unknown>>;
  readonly driver?: Partial<LuaDriverOptions>;
  readonly rawBodyOnly?: boolean;
  /** Folder below the plugins folder that holds the set's bundle. */
  readonly bundle?: string;
}

/** Load hooks of Lua files, and close everything afterwards. */
export async function withLua(options: LuaOptions, use: (loaded: LoadedLua) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'interpose-lua-'));
  for (const [path, text] of Object.entries(options.files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const host = new RecordingHost();
  const driver = createLuaDriver({
    engine: options.engine,
    pluginsFolders: [folder],
    log: host.log,
    ...options.driver,
  });
  const set = pluginSet(
    'lua',
    options.hooks.map(
      ([name, type, path = '']) => [name, type, path, { rawBodyOnly: options.rawBodyOnly ?? false }] as const,
    ),
    options.configData === undefined ? {} : { configData: options.configData },
  );
  const bundleFolder = options.bundle === undefined ? undefined : join(folder, options.bundle);
  try {
    const loaded = await driver.load(set, set.hooks, host, bundleFolder);
    try {
      const run = async (name: string, call?: CallOptions): Promise<HookAnswer> => {
        const hook = set.hooks.find((spec) => spec.name === name);
        if (hook === undefined) throw new Error(`the set has no hook "${name}"`);
        return loaded.run(hook, hookCall(call));
      };
      await use({ host, loaded, folder, run });
    } finally {
      await loaded.close();
    }
  } finally {
    await driver.close();
    await rm(folder, { recursive: true });
  }
}

/** Headers that an answer sets, as text. */
export function setHeaders({ request }: HookAnswer): Record<string, string> {
  return Object.fromEntries((request?.setHeaders ?? []).map(([name, value]) => [name, fromByteString(value)]));
}
