import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { HookAnswer } from '../../../contract/answer.ts';
import type { HookReport, HookSpec, HookType } from '../../../contract/plugin-set.ts';
import type { LoadedHooks } from '../../../drivers/driver.ts';
import { createTypeScriptDriver, type TypeScriptDriverOptions } from '../../../drivers/typescript/index.ts';
import { RecordingHost } from '../guest/with-guest.ts';
import { type CallOptions, hookCall, pluginSet } from '../hook-call.ts';

export interface PluginOptions extends Partial<TypeScriptDriverOptions> {
  readonly isolation?: 'none' | 'process';
  readonly config?: Record<string, unknown>;
  readonly apiId?: string;
}

export interface Plugins {
  readonly host: RecordingHost;
  readonly loaded: LoadedHooks;
  /** By hook name. */
  report(name: string): HookReport;
  run(name: string, call?: CallOptions): Promise<HookAnswer>;
}

type Hooks = readonly (readonly [name: string, type: HookType, path: string, options?: Partial<HookSpec>])[];

const pluginsFolder = new URL('../../fixtures/typescript', import.meta.url).pathname;

/** Hooks of one plugin set, loaded by a driver of their own. */
export async function withPlugins(
  hooks: Hooks,
  options: PluginOptions,
  use: (plugins: Plugins) => Promise<void>,
): Promise<void> {
  const { isolation, config, apiId = 'orders', ...driverOptions } = options;
  const driver = createTypeScriptDriver({ pluginsFolder, allowTrusted: true, ...driverOptions });
  const set = pluginSet(
    'typescript',
    hooks.map(([name, type, path, rest]) => [name, type, path, { ...(isolation && { isolation }), ...rest }] as const),
    { apiId, ...(config && { configData: config }) },
  );
  const host = new RecordingHost();
  const loaded = await driver.load(set, set.hooks, host);
  const find = (name: string): HookSpec => {
    const hook = set.hooks.find((spec) => spec.name === name);
    if (hook === undefined) throw new Error(`the set has no hook "${name}"`);
    return hook;
  };
  try {
    await use({
      host,
      loaded,
      report: (name) => loaded.reports[find(name).index] as HookReport,
      run: async (name, call) => loaded.run(find(name), hookCall(call)),
    });
  } finally {
    await loaded.close();
    await driver.close();
  }
}

export interface Folder {
  readonly path: string;
  write(files: Readonly<Record<string, string>>): Promise<void>;
}

/** A plugins folder of the test's own. */
export async function withFolder(
  files: Readonly<Record<string, string>>,
  use: (folder: Folder) => Promise<void>,
): Promise<void> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'interpose-test-')));
  const folder: Folder = {
    path,
    async write(changed) {
      for (const [name, text] of Object.entries(changed)) {
        await mkdir(dirname(join(path, name)), { recursive: true });
        await writeFile(join(path, name), text);
      }
    },
  };
  try {
    await folder.write(files);
    await use(folder);
  } finally {
    await rm(path, { recursive: true });
  }
}

/** The reason why a hook is not ready. */
export function reasonOf(report: HookReport): string {
  return report.ready ? 'it is ready' : report.reason;
}

/** Process id of the guest of an API: guests put its name into their title. */
export function guestOf(apiId: string): number | undefined {
  return readdirSync('/proc')
    .map(Number)
    .find((pid) => {
      try {
        const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0.*$/s, '');
        return (
          title === `typescript guest of ${apiId}` &&
          readFileSync(`/proc/${pid}/status`, 'latin1').includes(`PPid:\t${process.pid}\n`)
        );
      } catch {
        return false;
      }
    });
}
