import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import * as http from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { merge } from './suite.ts';

/** The product as its users start it: from a Tyk gateway's folder, as one process or as two. */
export interface Product {
  readonly port: number;
  readonly folder: string;
  /** What it has printed since the last time somebody asked. */
  printed(): string;
  close(): Promise<void>;
}

/** Secret of the control API, as in the recordings. */
export const secret = 'golden-secret';

const root = fileURLToPath(new URL('../../', import.meta.url));

export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  for (const name of ['apps', 'middleware', 'policies']) await mkdir(join(folder, name));
  return folder;
}

export interface World {
  readonly folder: string;
  readonly port: number;
  readonly pluginPort: number;
  readonly filePort: number;
  readonly redisPort: number;
}

export async function startProduct(world: World, config: Record<string, unknown>, split: boolean): Promise<Product> {
  const { folder, port } = world;
  const conf = join(folder, 'tyk.conf');
  await writeFile(conf, JSON.stringify(merge(tykConf(world), config)));
  const socket = `unix:${join(folder, 'coprocess.sock')}`;
  const output: string[] = [];
  const start = (...words: string[]): ChildProcess => {
    const child = spawn(process.execPath, ['--conditions=source', 'cli/index.ts', ...words], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    return child;
  };
  const processes = split
    ? [
        start('coprocess', '--tyk-conf', conf, '--listen', socket),
        start('gateway', '--tyk-conf', conf, '--coprocess', socket),
      ]
    : [start('run', '--tyk-conf', conf)];
  try {
    await answering(port, processes.at(-1) as ChildProcess);
  } catch (error) {
    await end(processes);
    throw new Error(`${(error as Error).message}\n${output.join('')}`);
  }
  return {
    port,
    folder,
    printed: () => output.splice(0).join(''),
    close: async () => {
      await end(processes.reverse());
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What the recordings ran with. */
function tykConf({ folder, port, pluginPort, filePort, redisPort }: World): Record<string, unknown> {
  return {
    listen_address: '127.0.0.1',
    listen_port: port,
    secret,
    node_secret: secret,
    app_path: join(folder, 'apps'),
    middleware_path: join(folder, 'middleware'),
    use_db_app_configs: false,
    enable_jsvm: true,
    jsvm_timeout: 2,
    enable_analytics: false,
    hash_keys: false,
    allow_master_keys: true,
    storage: { type: 'redis', host: '127.0.0.1', port: redisPort },
    policies: { policy_source: 'file', policy_path: join(folder, 'policies'), allow_explicit_policy_id: true },
    coprocess_options: { enable_coprocess: true, coprocess_grpc_server: `tcp://127.0.0.1:${pluginPort}` },
    enable_bundle_downloader: true,
    bundle_base_url: `http://127.0.0.1:${filePort}/`,
    bundle_insecure_skip_verify: true,
    close_connections: false,
    max_idle_connections_per_host: 100,
    disable_ports_whitelist: true,
    log_level: 'info',
  };
}

/** A port that was free a moment ago, of those that no system gives to who asks for any: other tests do that all the time. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** Resolves when `/hello` answers: then every definition is loaded or refused. */
async function answering(port: number, child: ChildProcess): Promise<void> {
  const until = Date.now() + 60_000;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`);
    if (await asked(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the gateway did not answer /hello within a minute');
}

function asked(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get({ port, host: '127.0.0.1', path: '/hello', agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(true));
    });
    request.on('error', () => resolve(false));
  });
}

async function end(processes: readonly ChildProcess[]): Promise<void> {
  for (const child of processes) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const cut = setTimeout(() => child.kill('SIGKILL'), 8000);
    await ended;
    clearTimeout(cut);
  }
}

export function fileIn(folder: string, ...path: string[]): Promise<void> {
  const content = path.pop() as string;
  const file = join(folder, ...path);
  return mkdir(dirname(file), { recursive: true }).then(() => writeFile(file, content));
}
