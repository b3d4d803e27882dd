import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
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
  /** @throws {Error} when a process of it has ended, with how, and with what it printed last. */
  assertRunning(): void;
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
  const verbs = split
    ? [
        ['coprocess', '--tyk-conf', conf, '--listen', socket],
        ['gateway', '--tyk-conf', conf, '--coprocess', socket],
      ]
    : [['run', '--tyk-conf', conf]];
  const processes = verbs.map((words) => new ProductProcess(words));
  try {
    await Promise.race(processes.map((process) => process.serving));
  } catch (error) {
    await Promise.all(processes.map((process) => process.end()));
    throw error;
  }
  return {
    port,
    folder,
    printed: () => processes.map((process) => process.printed()).join(''),
    assertRunning: () => {
      for (const process of processes) process.assertRunning();
    },
    close: async () => {
      for (const process of processes.reverse()) await process.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** How long a product may take until it serves, with all definitions loaded or refused. */
const startLimitMs = 60_000;

class ProductProcess {
  /** Resolves when it says that it serves; a coprocess of two services never does. */
  readonly serving: Promise<void>;
  private readonly verb: string;
  private readonly child: ChildProcess;
  private output = '';
  private told = 0;

  constructor(words: readonly string[]) {
    this.verb = words[0] as string;
    this.child = spawn(process.execPath, ['--conditions=source', 'cli/index.ts', ...words], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.serving = new Promise((resolve, reject) => {
      const cut = setTimeout(
        () => reject(new Error(`the ${this.verb} did not serve within a minute: ${this.output}`)),
        startLimitMs,
      );
      const read = (chunk: Buffer): void => {
        this.output += chunk.toString();
        if (!this.output.includes('gateway ready')) return;
        clearTimeout(cut);
        resolve();
      };
      this.child.stdout?.on('data', read);
      this.child.stderr?.on('data', read);
      this.child.once('close', () => {
        clearTimeout(cut);
        reject(this.ended());
      });
    });
    this.serving.catch(() => {});
  }

  printed(): string {
    const news = this.output.slice(this.told);
    this.told = this.output.length;
    return news;
  }

  assertRunning(): void {
    if (this.hasEnded) throw this.ended();
  }

  async end(): Promise<void> {
    if (this.hasEnded) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    const cut = setTimeout(() => this.child.kill('SIGKILL'), 8000);
    await ended;
    clearTimeout(cut);
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  private ended(): Error {
    const { exitCode, signalCode } = this.child;
    return new Error(`the ${this.verb} ended with ${exitCode ?? signalCode}: ${this.output.slice(-2000)}`);
  }
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

export function fileIn(folder: string, ...path: string[]): Promise<void> {
  const content = path.pop() as string;
  const file = join(folder, ...path);
  return mkdir(dirname(file), { recursive: true }).then(() => writeFile(file, content));
}
