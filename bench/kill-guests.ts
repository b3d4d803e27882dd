/**
 * Guests are killed (SIGKILL) under load, one after the other, for as long as asked: does a request hang, is one answered with what another
 * API's configuration says, does memory stay? One API for each language; its hook stamps requests with its API's `config_data`.
 *
 *   node --conditions=source bench/kill-guests.ts [--seconds 300] [--every-ms 500] [--connections 16]
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    'every-ms': { type: 'string', default: '500' },
    connections: { type: 'string', default: '16' },
  },
});
/** A hook's deadline is 5 s; a request that takes longer hangs. */
const hangMs = 6000;

const languages = [
  {
    driver: 'typescript',
    file: 'stamp.ts',
    text: "import { pre } from 'interpose/plugin';\nexport const stamp = pre((r, { config }) => { r.headers.set('x-stamp', String(config.stamp)); });\n",
  },
  {
    driver: 'otto',
    file: 'stamp.js',
    text: "var stamp = new TykJS.TykMiddleware.NewMiddleware({});\nstamp.NewProcessRequest(function (request, session, config) { request.SetHeaders['x-stamp'] = config.config_data.stamp; return stamp.ReturnData(request, {}); });\n",
  },
  {
    driver: 'python',
    file: 'stamp.py',
    text: "import json\nfrom tyk.decorators import Hook\n\n\n@Hook\ndef stamp(request, session, spec):\n    request.add_header('x-stamp', json.loads(spec['config_data'])['stamp'])\n    return request, session\n",
  },
  {
    driver: 'lua',
    file: 'stamp.lua',
    text: "local json = require 'cjson'\nfunction stamp(request, session, spec)\n  tyk.req.set_header('x-stamp', json.decode(spec.config_data).stamp)\n  return request, session\nend\n",
  },
];

const folder = mkdtempSync(join(tmpdir(), 'kill-guests-'));
mkdirSync(join(folder, 'apis'));
mkdirSync(join(folder, 'plugins'));
const upstream = createServer((asked, answer) => answer.end(String(asked.headers['x-stamp'])));
await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
const target = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`;
const apis = languages.flatMap(({ driver, file, text }) => {
  writeFileSync(join(folder, 'plugins', file), text);
  return ['a', 'b'].map((letter) => ({ name: `${driver}-${letter}`, driver, file }));
});
for (const { name, driver, file } of apis) {
  const api = {
    name,
    api_id: name,
    org_id: 'default',
    active: true,
    use_keyless: true,
    version_data: { not_versioned: true, versions: { Default: { name: 'Default' } } },
    proxy: { listen_path: `/${name}/`, target_url: target, strip_listen_path: true },
    config_data: { stamp: name },
    custom_middleware: { driver, pre: [{ name: 'stamp', path: file }] },
  };
  writeFileSync(join(folder, 'apis', `${name}.json`), JSON.stringify(api));
}
writeFileSync(
  join(folder, 'interpose.yaml'),
  'listeners: [{ address: 127.0.0.1:0 }]\ncontrol: { enabled: false }\ndefinitions: { folder: apis }\nplugins: { folder: plugins }\n',
);
const program = join(import.meta.dirname, '../cli/index.ts');
const gateway = spawn(
  process.execPath,
  ['--conditions=source', program, 'run', '--config', join(folder, 'interpose.yaml')],
  {
    stdio: ['ignore', 'pipe', 'ignore'],
  },
);
const url = await new Promise<string>((resolve) => {
  let output = '';
  gateway.stdout.on('data', (chunk) => {
    output = (output + chunk).slice(-100_000);
    const found = /"addresses":\["([^"]+)"\]/.exec(output);
    if (found !== null) resolve(`http://${found[1]}`);
  });
});

const seen = { answers: 0, failed: 0, hung: 0, strayed: 0, slowestMs: 0 };
const statuses: Record<string, number> = {};
const endMs = performance.now() + Number(values.seconds) * 1000;
const dispatcher = new Agent({ connections: 256 });

async function ask(name: string): Promise<void> {
  const startMs = performance.now();
  try {
    const { statusCode, body } = await request(`${url}/${name}/x`, { dispatcher, signal: AbortSignal.timeout(hangMs) });
    const text = await body.text();
    statuses[statusCode] = (statuses[statusCode] ?? 0) + 1;
    seen.answers++;
    if (statusCode !== 200) seen.failed++;
    else if (text !== name) seen.strayed++;
  } catch {
    seen.hung++;
  }
  seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startMs);
}

function guests(): number[] {
  const rows = execFileSync('ps', ['--ppid', String(gateway.pid), '-o', 'pid='])
    .toString()
    .trim();
  return rows === '' ? [] : rows.split('\n').map(Number);
}

function memoryMib(pid: number | undefined): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
}

function openFiles(): number {
  return execFileSync('ls', [`/proc/${gateway.pid}/fd`])
    .toString()
    .trim()
    .split('\n').length;
}

let killed = 0;
const killer = setInterval(() => {
  const all = guests();
  const pid = all[killed % Math.max(1, all.length)];
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
    killed++;
  } catch {
    // It has just ended.
  }
}, Number(values['every-ms']));
const teller = setInterval(() => {
  console.log(
    `${Math.round((endMs - performance.now()) / 1000)} s left: ${killed} killed, ${JSON.stringify(seen)}, ${memoryMib(gateway.pid)} MiB, ${openFiles()} files, ${guests().length} guests`,
  );
}, 15_000);
await Promise.all(
  Array.from({ length: Number(values.connections) }, async (_, i) => {
    for (let turn = i; performance.now() < endMs; turn++) {
      await ask(apis[turn % apis.length]?.name as string);
      // Not at saturation: what is wanted is what a kill does to requests.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }),
);
clearInterval(killer);
clearInterval(teller);
await Promise.all(apis.map(({ name }) => ask(name)));
console.log(
  `${killed} guests killed, ${JSON.stringify(seen)}, by status ${JSON.stringify(statuses)}, ${memoryMib(gateway.pid)} MiB, ${openFiles()} files`,
);
gateway.kill('SIGTERM');
upstream.close();
rmSync(folder, { recursive: true, force: true });
await dispatcher.close();
