/**
 * What whole set-ups cost, in one run, in u: CPU per request of bare http2-proxy. All processes of ours count, the load generator, the
 * upstream and external plugin servers do not. Set-ups take turns, so that what else the machine does hits all of them.
 *
 *   node --conditions=source bench/gateway.ts [--rounds 3] [--seconds 3] [--connections 64] [--only none,ts-guest]
 *     [--body-bytes 0] [--go PROGRAM (the example's server)]
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LoadReport } from './load.ts';
import { requestHeaders } from './request-headers.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '64' },
    only: { type: 'string', default: '' },
    'body-bytes': { type: 'string', default: '0' },
    go: { type: 'string', default: '' },
  },
});

const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), 'bench-'));

/** A set-up: the configuration's own lines, the API's hooks, and whether gateway and coprocess are apart. */
interface Setup {
  readonly name: string;
  readonly title: string;
  readonly middleware?: object;
  readonly split?: boolean;
}

const typescript = (count: number, isolation?: 'none'): object => ({
  driver: 'typescript',
  pre: Array.from({ length: count }, () => ({
    name: 'stamp',
    path: 'stamp.ts',
    ...(isolation && { interpose: { isolation } }),
  })),
});
const script = (driver: string, path: string): object => ({ driver, pre: [{ name: 'stamp', path }] });

const setups: readonly Setup[] = [
  { name: 'none', title: 'no hook' },
  { name: 'ts-trusted', title: 'TypeScript, trusted, one process', middleware: typescript(1, 'none') },
  {
    name: 'ts-trusted-split',
    title: 'TypeScript, trusted, two services',
    middleware: typescript(1, 'none'),
    split: true,
  },
  { name: 'ts-trusted-5', title: 'five of them, two services', middleware: typescript(5, 'none'), split: true },
  { name: 'ts-guest', title: 'TypeScript in a guest, one process', middleware: typescript(1) },
  { name: 'ts-guest-split', title: 'TypeScript in a guest, two services', middleware: typescript(1), split: true },
  { name: 'js', title: 'sandboxed JavaScript, one process', middleware: script('otto', 'stamp.js') },
  { name: 'python', title: 'Python, one process', middleware: script('python', 'stamp.py') },
  { name: 'lua', title: 'Lua, one process', middleware: script('lua', 'stamp.lua') },
  { name: 'go', title: 'external Go server, one process', middleware: { driver: 'grpc', pre: [{ name: 'Stamp' }] } },
  {
    name: 'go-split',
    title: 'external Go server, two services',
    middleware: { driver: 'grpc', pre: [{ name: 'Stamp' }] },
    split: true,
  },
];

const plugins: Readonly<Record<string, string>> = {
  'stamp.ts':
    "import { pre } from 'interpose/plugin';\nexport const stamp = pre((r) => { r.headers.set('x-stamp', 'yes'); });\n",
  'stamp.js':
    "var stamp = new TykJS.TykMiddleware.NewMiddleware({});\nstamp.NewProcessRequest(function (request, session, config) { request.SetHeaders['x-stamp'] = 'yes'; return stamp.ReturnData(request, {}); });\n",
  'stamp.py':
    "from tyk.decorators import Hook\n\n\n@Hook\ndef stamp(request, session, spec):\n    request.add_header('x-stamp', 'yes')\n    return request, session\n",
  'stamp.lua':
    "function stamp(request, session, spec)\n  tyk.req.set_header('x-stamp', 'yes')\n  return request, session\nend\n",
};

const children: ChildProcess[] = [];

/** Start a program of ours, and wait for the line that tells where it listens. */
async function start(args: readonly string[], ready: RegExp): Promise<{ child: ChildProcess; found: string }> {
  const child = spawn(process.execPath, ['--conditions=source', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  children.push(child);
  return { child, found: await line(child, ready) };
}

async function line(child: ChildProcess, ready: RegExp): Promise<string> {
  let output = '';
  for await (const chunk of child.stdout as NodeJS.ReadableStream) {
    output += chunk;
    const match = ready.exec(output);
    if (match !== null) return match[1] ?? '';
  }
  throw new Error(`a process ended before it was ready:\n${output}`);
}

/** CPU seconds that all processes of these groups have taken so far. */
function cpuSeconds(groups: readonly ChildProcess[]): number {
  const ids = groups.map((child) => String(child.pid));
  const rows = execFileSync('ps', ['-eo', 'pid=,pgid=']).toString().trim().split('\n');
  let ticks = 0;
  for (const row of rows) {
    const [pid = '', group = ''] = row.trim().split(/\s+/);
    if (!ids.includes(group)) continue;
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}

async function load(url: string): Promise<LoadReport> {
  const args = [
    '--url',
    url,
    '--connections',
    values.connections,
    '--seconds',
    values.seconds,
    '--body-bytes',
    values['body-bytes'],
  ];
  if (values['body-bytes'] !== '0') args.push('--method', 'POST');
  for (const header of requestHeaders) args.push('--header', header);
  const child = spawn(process.execPath, [join(here, 'load.ts'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  await once(child, 'close');
  return JSON.parse(output) as LoadReport;
}

interface Running {
  readonly url: string;
  readonly processes: readonly ChildProcess[];
}

async function startSetup(setup: Setup, upstream: string): Promise<Running> {
  const home = join(folder, setup.name);
  mkdirSync(join(home, 'apis'), { recursive: true });
  mkdirSync(join(home, 'plugins'));
  for (const [name, text] of Object.entries(plugins)) writeFileSync(join(home, 'plugins', name), text);
  const api = {
    name: 'bench',
    api_id: 'bench',
    org_id: 'default',
    active: true,
    use_keyless: true,
    version_data: { not_versioned: true, versions: { Default: { name: 'Default' } } },
    proxy: { listen_path: '/bench/', target_url: upstream, strip_listen_path: true },
    config_data: { header: 'x-stamp', value: 'yes' },
    custom_middleware: setup.middleware,
  };
  writeFileSync(join(home, 'apis/bench.json'), JSON.stringify(api));
  const config = join(home, 'interpose.yaml');
  const servers = values.go === '' ? '' : `servers: { default: { target: "unix:${goSocket}" } }\n`;
  const link = setup.split ? `coprocess: { listen: "unix:${home}/s", targets: ["unix:${home}/s"] }\n` : '';
  const trusted = 'plugins: { folder: plugins, trusted: { inProcess: "yes, I know" } }\n';
  writeFileSync(
    config,
    `listeners: [{ address: 127.0.0.1:0 }]\ncontrol: { enabled: false }\ndefinitions: { folder: apis }\nlog: { level: info }\n${trusted}${servers}${link}`,
  );
  const ready = /"addresses":\["([^"]+)"\]/;
  const processes: ChildProcess[] = [];
  if (setup.split)
    processes.push((await start(['cli/index.ts', 'coprocess', '--config', config], /(coprocess ready)/)).child);
  const gateway = await start(['cli/index.ts', setup.split ? 'gateway' : 'run', '--config', config], ready);
  return { url: `http://${gateway.found}/bench/x`, processes: [...processes, gateway.child] };
}

const goSocket = join(folder, 'go.sock');

interface Measured {
  readonly title: string;
  readonly cpuUs: number[];
  readonly perSecond: number[];
  readonly p99Ms: number[];
}

async function measure({ url, processes }: Running, into: Measured): Promise<void> {
  const before = cpuSeconds(processes);
  const report = await load(url);
  const spent = cpuSeconds(processes) - before;
  // The load's warm-up second is part of what was spent.
  const share = Number(values.seconds) / (Number(values.seconds) + 1);
  const wrong = Object.entries(report.answers).filter(([status]) => status !== '200');
  if (wrong.length > 0) throw new Error(`${into.title}: ${JSON.stringify(report.answers)}`);
  into.cpuUs.push((spent * share * 1e6) / report.requests);
  into.perSecond.push(report.requestsPerSecond);
  into.p99Ms.push(report.p99Ms);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

try {
  const upstream = await start([join(here, 'upstream.ts')], /(\d+)\n/);
  if (values.go !== '') {
    const child = spawn(values.go, ['--listen', `unix:${goSocket}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    children.push(child);
    await line(child, /(listening)/);
  }
  const bare = fork(join(here, 'proxies.ts'), ['bare', upstream.found], { detached: true });
  children.push(bare);
  const [barePort] = await once(bare, 'message');
  const running = new Map<string, { setup: Running; measured: Measured }>();
  const empty = (title: string): Measured => ({ title, cpuUs: [], perSecond: [], p99Ms: [] });
  running.set('bare', {
    setup: { url: `http://127.0.0.1:${barePort}/bench/x`, processes: [bare] },
    measured: empty('bare http2-proxy'),
  });
  const wanted = values.only === '' ? [] : values.only.split(',');
  for (const setup of setups) {
    if (wanted.length > 0 && !wanted.includes(setup.name)) continue;
    if (setup.name.startsWith('go') && values.go === '') continue;
    running.set(setup.name, {
      setup: await startSetup(setup, `http://127.0.0.1:${upstream.found}/`),
      measured: empty(setup.title),
    });
  }
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const { setup, measured } of running.values()) await measure(setup, measured);
  }
  const unit = median(running.get('bare')?.measured.cpuUs ?? []);
  const noHook = running.get('none')?.measured;
  console.log(
    '| set-up | CPU us | u | over no hook, u | requests/s | of no hook | p99 ms |\n|---|---|---|---|---|---|---|',
  );
  for (const { measured } of running.values()) {
    const cpu = median(measured.cpuUs);
    const rate = median(measured.perSecond);
    const over = noHook === undefined ? '' : ((cpu - median(noHook.cpuUs)) / unit).toFixed(2);
    const share = noHook === undefined ? '' : `${((100 * rate) / median(noHook.perSecond)).toFixed(0)} %`;
    console.log(
      `| ${measured.title} | ${cpu.toFixed(0)} | ${(cpu / unit).toFixed(2)} | ${over} | ${rate.toFixed(0)} | ${share} | ${median(measured.p99Ms).toFixed(1)} |`,
    );
  }
} finally {
  for (const child of children) {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  rmSync(folder, { recursive: true, force: true });
}
