import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Driver } from '../drivers/driver.ts';
import { createJavaScriptDriver } from '../drivers/javascript/index.ts';
import { createLuaDriver } from '../drivers/lua/index.ts';
import { createPythonDriver } from '../drivers/python/index.ts';
import { createTypeScriptDriver } from '../drivers/typescript/index.ts';
import { benchCall, benchSet, childPid } from './guest-calls.ts';

/**
 * How long it takes from a plugin file on disk to its first answer, per language: with no guest there yet, and for a second plugin set beside
 * one that runs. And what memory a loaded JavaScript plugin takes.
 *
 * `node --conditions=source bench/starts.ts [rounds] [plugins]`
 */

const rounds = Number(process.argv[2] ?? 9);
const plugins = Number(process.argv[3] ?? 200);
const folder = await mkdtemp(join(tmpdir(), 'interpose-bench-'));
const host = { log: () => {}, request: async () => undefined };
const log = (): void => {};

const texts: Record<string, string> = {
  'stamp.js': `var stamp = new TykJS.TykMiddleware.NewMiddleware({});
    stamp.NewProcessRequest(function (request) {
      request.SetHeaders['X-Stamp'] = 'interpose';
      return stamp.ReturnData(request, {});
    });`,
  'stamp.py':
    'from tyk.decorators import *\n@Hook\ndef stamp(request, session, spec):\n    request.add_header("X-Stamp", "interpose")\n    return request, session\n',
  'stamp.lua':
    "function stamp(request, session, spec)\n  tyk.req.set_header('X-Stamp', 'interpose')\n  return request, session\nend\n",
  'stamp.ts':
    "import { pre } from 'interpose/plugin';\nexport const stamp = pre((request) => { request.headers.set('x-stamp', 'interpose'); });\n",
};
for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);

const languages: Record<string, { readonly file: string; readonly name: string; open(): Driver }> = {
  javascript: {
    file: 'stamp.js',
    name: 'javascript',
    open: () => createJavaScriptDriver({ pluginsFolders: [folder], processes: 1, log }),
  },
  python: { file: 'stamp.py', name: 'python', open: () => createPythonDriver({ pluginsFolder: folder }) },
  luajit: {
    file: 'stamp.lua',
    name: 'lua',
    open: () => createLuaDriver({ pluginsFolders: [folder], engine: 'luajit', log }),
  },
  'lua-wasm': {
    file: 'stamp.lua',
    name: 'lua',
    open: () => createLuaDriver({ pluginsFolders: [folder], engine: 'wasm', log }),
  },
  typescript: {
    file: 'stamp.ts',
    name: 'typescript',
    open: () => createTypeScriptDriver({ pluginsFolder: folder }),
  },
};

for (const [language, { file, name, open }] of Object.entries(languages)) {
  const firstMs: number[] = [];
  const nextMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const driver = open();
    const answer = async (id: string): Promise<() => Promise<void>> => {
      const set = { ...benchSet(name, 'stamp', file, 'process'), digest: id, apiId: id };
      const loaded = await driver.load(set, set.hooks, host);
      await loaded.run(set.hooks[0] as (typeof set.hooks)[0], benchCall(Buffer.alloc(0)));
      return () => loaded.close();
    };
    const beganMs = performance.now();
    const close = await answer('one');
    firstMs.push(performance.now() - beganMs);
    const thenMs = performance.now();
    const closeNext = await answer('two');
    nextMs.push(performance.now() - thenMs);
    await closeNext();
    await close();
    await driver.close();
  }
  console.log(`${language.padEnd(11)} first answer ${told(firstMs)}, of a second set ${told(nextMs)}`);
}

await memory();
await rm(folder, { recursive: true });

/** Median and least. */
function told(times: number[]): string {
  times.sort((a, b) => a - b);
  return `${times[times.length >> 1]?.toFixed(0)} ms (least ${times[0]?.toFixed(0)})`;
}

async function memory(): Promise<void> {
  const driver = createJavaScriptDriver({ pluginsFolders: [folder], processes: 1, log });
  const load = async (id: string): Promise<void> => {
    const set = { ...benchSet('otto', 'stamp', 'stamp.js', 'process'), digest: id, apiId: id };
    const loaded = await driver.load(set, set.hooks, host);
    await loaded.run(set.hooks[0] as (typeof set.hooks)[0], benchCall(Buffer.alloc(0)));
  };
  await load('first');
  const pid = childPid('javascript guest');
  const beforeMiB = residentMiB(pid);
  for (let i = 0; i < plugins; i++) await load(`plugin ${i}`);
  const each = (residentMiB(pid) - beforeMiB) / plugins;
  console.log(
    `javascript  ${each.toFixed(2)} MiB a plugin, of ${plugins} beside the first; the guest with one ${beforeMiB.toFixed(0)} MiB`,
  );
  await driver.close();
}

function residentMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
}
