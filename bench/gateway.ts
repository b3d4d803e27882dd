/**
 * What whole set-ups cost, in one run, in u: CPU per request of bare http2-proxy. All processes of ours count, the load generator, the
 * upstream and external plugin servers do not. Set-ups take turns, so that what else the machine does hits all of them.
 *
 * Each is warmed before the first round: V8's compilers work beside the first thousands of requests, and would be counted as theirs.
 *
 *   node --conditions=source bench/gateway.ts [--rounds 3] [--seconds 3] [--warmup-seconds 5] [--connections 64]
 *     [--only none,ts-guest] [--body-bytes 0] [--go PROGRAM (the example's server)]
 *     [--against FOLDER (another checkout, its parent say: each set-up is measured from there too, taking turns)]
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LoadReport } from './load.ts';
import { requestHeaders } from './request-headers.ts';
import { callerHeader, noHook, plugins, type Setup, setups } from './setups.ts';
import { openStore, type Store } from './store.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    'warmup-seconds': { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
    only: { type: 'string', default: '' },
    'body-bytes': { type: 'string', default: '0' },
    go: { type: 'string', default: '' },
    against: { type: 'string', default: '' },
  },
});

const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), 'bench-'));

const children: ChildProcess[] = [];

/** Start a program of ours, and wait for the line that tells where it listens. */
async function start(
  args: readonly string[],
  ready: RegExp,
  cwd = process.cwd(),
): Promise<{ child: ChildProcess; found: string }> {
  const child = spawn(process.execPath, ['--conditions=source', ...args], {
    cwd,
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

/** Load a URL for these seconds; what `onMeasuring` says when counting begins and when it ends is the caller's. */
async function load(url: string, seconds: string, onMeasuring: () => void): Promise<LoadReport> {
  const args = ['--url', url, '--connections', values.connections, '--seconds', seconds];
  args.push('--body-bytes', values['body-bytes']);
  if (values['body-bytes'] !== '0') args.push('--method', 'POST');
  for (const header of [...requestHeaders, callerHeader]) args.push('--header', header);
  const child = fork(join(here, 'load.ts'), args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  child.on('message', onMeasuring);
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  await once(child, 'close');
  return JSON.parse(output) as LoadReport;
}

interface Running {
  readonly url: string;
  readonly processes: readonly ChildProcess[];
}

async function startSetup(setup: Setup, upstream: string, checkout: string): Promise<Running> {
  const home = mkdtempSync(join(folder, `${setup.name}-`));
  mkdirSync(join(home, 'apis'));
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
    ...setup.api,
  };
  writeFileSync(join(home, 'apis/bench.json'), JSON.stringify(api));
  const config = join(home, 'interpose.yaml');
  const servers = values.go === '' ? '' : `servers: { default: { target: "unix:${goSocket}" } }\n`;
  const link = setup.split ? `coprocess: { listen: "unix:${home}/s", targets: ["unix:${home}/s"] }\n` : '';
  const keys =
    setup.cacheMs === undefined
      ? ''
      : `store: { kind: redis, url: "${(await theStore()).url}" }\nkeys: { cacheMs: ${setup.cacheMs} }\n`;
  const trusted = 'plugins: { folder: plugins, trusted: { inProcess: "yes, I know" } }\n';
  writeFileSync(
    config,
    `listeners: [{ address: 127.0.0.1:0 }]\ncontrol: { enabled: false }\ndefinitions: { folder: apis }\nlog: { level: info }\n${trusted}${servers}${link}${keys}`,
  );
  const ready = /"addresses":\["([^"]+)"\]/;
  const processes: ChildProcess[] = [];
  if (setup.split)
    processes.push(
      (await start(['cli/index.ts', 'coprocess', '--config', config], /(coprocess ready)/, checkout)).child,
    );
  const gateway = await start(['cli/index.ts', setup.split ? 'gateway' : 'run', '--config', config], ready, checkout);
  return { url: `http://${gateway.found}/bench/x`, processes: [...processes, gateway.child] };
}

let store: Store | undefined;

/** A Redis with the keys of all callers. */
async function theStore(): Promise<Store> {
  store ??= await openStore();
  return store;
}

const goSocket = join(folder, 'go.sock');

interface Measured {
  readonly title: string;
  readonly cpuUs: number[];
  readonly perSecond: number[];
  readonly p99Ms: number[];
}

async function measure({ url, processes }: Running, into: Measured): Promise<void> {
  const cpu: number[] = [];
  const report = await load(url, values.seconds, () => cpu.push(cpuSeconds(processes)));
  const wrong = Object.entries(report.answers).filter(([status]) => status !== '200');
  if (wrong.length > 0) throw new Error(`${into.title}: ${JSON.stringify(report.answers)}`);
  const [before = 0, after = 0] = cpu;
  into.cpuUs.push(((after - before) * 1e6) / report.requests);
  into.perSecond.push(report.requestsPerSecond);
  into.p99Ms.push(report.p99Ms);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/**
 * Medians tell what this machine did today; the least of each is what a machine of its own would show, since neighbours only ever add
 * to what a request costs. Both are set against the same figure of bare http2-proxy and of the gateway without a hook.
 */
function report(all: readonly Measured[]): void {
  const [bare] = all;
  const none = all.find(({ title }) => title === noHook);
  console.log(
    '| set-up | CPU us: median, least | u | over no hook, u | requests/s: median, most | of no hook | p99 ms |',
  );
  console.log('|---|---|---|---|---|---|---|');
  for (const measured of all) {
    const over = [median, least].map((of) => {
      const unit = of(bare?.cpuUs ?? []);
      const cpu = of(measured.cpuUs);
      return { u: (cpu / unit).toFixed(2), over: none && ((cpu - of(none.cpuUs)) / unit).toFixed(2) };
    });
    const share = [median, most].map(
      (of) => none && `${((100 * of(measured.perSecond)) / of(none.perSecond)).toFixed(0)} %`,
    );
    const cells = [
      measured.title,
      `${median(measured.cpuUs).toFixed(0)}, ${least(measured.cpuUs).toFixed(0)}`,
      over.map(({ u }) => u).join(', '),
      over.map((each) => each.over ?? '').join(', '),
      `${median(measured.perSecond)}, ${most(measured.perSecond)}`,
      share.join(', '),
      median(measured.p99Ms).toFixed(1),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

const least = (numbers: readonly number[]): number => Math.min(...numbers);
const most = (numbers: readonly number[]): number => Math.max(...numbers);

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
  const running = new Map<string, { setup: Running; measured: Measured }>();
  const empty = (title: string): Measured => ({ title, cpuUs: [], perSecond: [], p99Ms: [] });
  for (const [name, title] of [
    ['bare', 'bare http2-proxy'],
    ['shim', 'http2-proxy with undici'],
  ] as const) {
    // The least that stands for undici passes no bodies on.
    if (name === 'shim' && values['body-bytes'] !== '0') continue;
    const proxy = fork(join(here, 'proxies.ts'), [name, upstream.found], { detached: true });
    children.push(proxy);
    const [port] = await once(proxy, 'message');
    running.set(name, {
      setup: { url: `http://127.0.0.1:${port}/bench/x`, processes: [proxy] },
      measured: empty(title),
    });
  }
  const wanted = values.only === '' ? [] : values.only.split(',');
  for (const setup of setups) {
    if (wanted.length > 0 && !wanted.includes(setup.name)) continue;
    if (setup.name.startsWith('go') && values.go === '') continue;
    const url = `http://127.0.0.1:${upstream.found}/`;
    running.set(setup.name, {
      setup: await startSetup(setup, url, process.cwd()),
      measured: empty(setup.title),
    });
    if (values.against === '') continue;
    running.set(`${setup.name}, against`, {
      setup: await startSetup(setup, url, values.against),
      measured: empty(`${setup.title}, other checkout`),
    });
  }
  for (const { setup } of running.values()) await load(setup.url, values['warmup-seconds'], () => {});
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const { setup, measured } of running.values()) await measure(setup, measured);
  }
  report([...running.values()].map(({ measured }) => measured));
} finally {
  for (const child of children) {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  await store?.close();
  rmSync(folder, { recursive: true, force: true });
}
