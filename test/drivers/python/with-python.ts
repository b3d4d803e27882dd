import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { HookAnswer } from '../../../contract/answer.ts';
import type { HookSpec, HookType, PluginSet, SetReport } from '../../../contract/plugin-set.ts';
import { createPythonDriver, type PythonDriverOptions } from '../../../drivers/python/index.ts';
import { python } from '../../peers/index.ts';
import { type CallOptions, hookCall, pluginSet } from '../hook-call.ts';

/** With protobuf: the interpreter of the tests' virtual environment. Without: the same Python, by itself. */
export const kinds = ['with protobuf', 'without protobuf'] as const;

async function interpreterOf(kind: (typeof kinds)[number]): Promise<string> {
  return kind === 'with protobuf' ? python() : 'python3';
}

export interface PythonTest {
  readonly kind?: (typeof kinds)[number];
  /** Files of the bundle; `file_list` names them all, unless it is given. */
  readonly files: Readonly<Record<string, string>>;
  readonly fileList?: readonly string[];
  readonly hooks: readonly (readonly [name: string, type: HookType, options?: Partial<HookSpec>])[];
  readonly options?: PythonDriverOptions;
  readonly request?: (service: string, args: unknown) => Promise<unknown>;
  readonly configData?: Record<string, unknown>;
}

export interface LoadedPython {
  readonly reports: SetReport['hooks'];
  readonly log: { level: string; message: string; fields: Record<string, unknown> | undefined }[];
  /** Run a hook by its place. */
  readonly run: (hook: number, call?: CallOptions) => Promise<HookAnswer>;
  /** The same bundle, loaded for another API. */
  readonly another: (apiId: string) => Promise<Omit<LoadedPython, 'another' | 'log'>>;
}

export async function withPython(test: PythonTest, use: (python: LoadedPython) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'interpose-python-'));
  for (const [name, text] of Object.entries(test.files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  await writeFile(
    join(folder, 'manifest.json'),
    JSON.stringify({ file_list: test.fileList ?? Object.keys(test.files) }),
  );
  const log: LoadedPython['log'] = [];
  const driver = createPythonDriver({
    interpreter: await interpreterOf(test.kind ?? 'without protobuf'),
    missing: 'failCalls',
    ...test.options,
  });
  const host = {
    request: test.request ?? (async () => null),
    log: (level: string, message: string, fields?: Record<string, unknown>) =>
      void log.push({ level, message, fields }),
  };
  const opened: { close(): Promise<void> }[] = [];
  const load = async (apiId: string): Promise<Omit<LoadedPython, 'another' | 'log'>> => {
    const base = pluginSet(
      'python',
      test.hooks.map(([name, type, options = {}]) => [name, type, '', options] as const),
    );
    const set: PluginSet = {
      ...base,
      digest: `${base.digest} ${apiId}`,
      apiId,
      bundle: 'test.zip',
      bundleDigest: 'one',
      ...(test.configData && { configData: test.configData }),
    };
    const loaded = await driver.load(set, set.hooks, host, folder);
    opened.push(loaded);
    return {
      reports: loaded.reports,
      run: async (hook, call = {}) => loaded.run(set.hooks[hook] as HookSpec, hookCall(call)),
    };
  };
  try {
    await use({ ...(await load('orders')), log, another: load });
  } finally {
    for (const one of opened) await one.close();
    await driver.close();
    await rm(folder, { recursive: true });
  }
}
