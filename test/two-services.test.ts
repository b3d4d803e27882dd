import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from './conformance/product.ts';
import { definition, withUpstream } from './gateway/with-gateway.ts';

const services = suite('gateway and coprocess as two services');

const root = join(import.meta.dirname, '..');

/** A process of the command line that has said it is ready; with the line that says so. */
interface Service {
  readonly child: ChildProcess;
  readonly ready: string;
}

async function start(...words: string[]): Promise<Service> {
  const child = spawn(process.execPath, ['--conditions=source', 'cli/index.ts', ...words], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ready = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk;
      const line = output.split('\n').find((one) => one.includes(' ready"'));
      if (line !== undefined) resolve(line);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${output}`)));
  });
  return { child, ready };
}

async function end({ child }: Service, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

interface Setting {
  readonly url: string;
  readonly startCoprocess: () => Promise<Service>;
  readonly coprocess: Service;
}

/** Both services from one configuration file, with one API that has a TypeScript hook. `link` is what the file says of the link. */
async function withServices(
  link: (folder: string) => Promise<string>,
  use: (setting: Setting) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'services-'));
  mkdirSync(join(folder, 'apis'));
  mkdirSync(join(folder, 'plugins'));
  await withUpstream(async (upstream) => {
    const api = {
      proxy: { target_url: upstream.url },
      custom_middleware: { driver: 'typescript', pre: [{ name: 'mark', path: 'mark.ts' }] },
    };
    writeFileSync(join(folder, 'apis/orders.json'), JSON.stringify(definition('orders', api)));
    writeFileSync(
      join(folder, 'plugins/mark.ts'),
      "import { pre } from 'interpose/plugin';\nexport const mark = pre((request) => { request.headers.set('x-mark', 'yes'); });\n",
    );
    const config = join(folder, 'interpose.yaml');
    writeFileSync(
      config,
      `listeners: [{ address: 127.0.0.1:0 }]\ncontrol: { enabled: false }\ndefinitions: { folder: apis }\nplugins: { folder: plugins }\n${await link(folder)}`,
    );
    const startCoprocess = (): Promise<Service> => start('coprocess', '--config', config);
    const coprocess = await startCoprocess();
    const gateway = await start('gateway', '--config', config);
    const [address] = (JSON.parse(gateway.ready) as { addresses: string[] }).addresses;
    try {
      await use({ url: `http://${address}/orders/x`, startCoprocess, coprocess });
    } finally {
      await end(gateway);
      await end(coprocess);
    }
  });
  rmSync(folder, { recursive: true });
}

async function marked(url: string): Promise<boolean> {
  const response = await fetch(url);
  const body = (await response.json()) as { headers?: Record<string, string> };
  return response.status === 200 && body.headers?.['x-mark'] === 'yes';
}

async function unixSocket(folder: string): Promise<string> {
  return `coprocess: { listen: "unix:${folder}/coprocess.sock", targets: ["unix:${folder}/coprocess.sock"] }\n`;
}

services('over a unix socket, hooks run', async () => {
  await withServices(unixSocket, async ({ url }) => assert.ok(await marked(url)));
});

services('over TCP with mutual TLS, hooks run, and a gateway without a certificate gets none', async () => {
  await withServices(
    async (folder) => {
      certificates(folder);
      const address = `127.0.0.1:${await freePort()}`;
      const tls = 'tls: { ca: ca.pem, cert: link.pem, key: link-key.pem, serverName: localhost }';
      return `coprocess: { listen: "${address}", targets: ["${address}"], ${tls} }\n`;
    },
    async ({ url, coprocess }) => {
      assert.ok(await marked(url));
      const { address } = JSON.parse(coprocess.ready) as { address: string };
      const plain = await import('@grpc/grpc-js');
      const client = new plain.Client(address, plain.credentials.createInsecure());
      const same = (bytes: Buffer): Buffer => bytes;
      const code = await new Promise((resolve) => {
        const deadline = Date.now() + 3000;
        client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, Buffer.alloc(0), { deadline }, (error) =>
          resolve(error?.code),
        );
      });
      client.close();
      assert.is(code, plain.status.UNAVAILABLE);
    },
  );
});

services(
  'a coprocess that is killed under traffic fails its requests at once, and traffic is whole within a second of its return',
  async () => {
    await withServices(unixSocket, async ({ url, coprocess, startCoprocess }) => {
      const seen: { status: number; ms: number; at: number }[] = [];
      let going = true;
      const client = async (): Promise<void> => {
        while (going) {
          const began = performance.now();
          const response = await fetch(url);
          await response.arrayBuffer();
          const at = performance.now();
          seen.push({ status: response.status, ms: at - began, at });
        }
      };
      const clients = Array.from({ length: 8 }, client);
      const until = async (condition: () => boolean): Promise<void> => {
        while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
      };
      await until(() => seen.length > 200);
      const killedAt = performance.now();
      await end(coprocess, 'SIGKILL');
      await until(() => seen.filter(({ status }) => status !== 200).length > 100);
      const next = await startCoprocess();
      const backAt = performance.now();
      await until(() => seen.at(-1)?.status === 200 && performance.now() - backAt > 1500);
      going = false;
      await Promise.all(clients);
      await end(next);

      const down = seen.filter(({ at }) => at > killedAt && at < backAt - 200);
      assert.ok(down.every(({ status }) => status === 200 || status === 500 || status === 503));
      const slowest = Math.max(...seen.map(({ ms }) => ms));
      assert.ok(slowest < 2000, `a request took ${slowest} ms`);
      const late = seen.filter(({ status, at }) => status !== 200 && at > backAt + 1000);
      assert.is(late.length, 0, `${late.length} requests failed more than a second after the coprocess was back`);
    });
  },
);

/** A certificate authority, and one certificate for both ends. */
function certificates(folder: string): void {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...ec,
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
    '-keyout',
    'ca-key.pem',
    '-out',
    'ca.pem',
  );
  openssl('req', ...ec, '-subj', '/CN=localhost', '-keyout', 'link-key.pem', '-out', 'link.csr');
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  openssl(
    'x509',
    '-req',
    '-in',
    'link.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca-key.pem',
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    'names',
    '-out',
    'link.pem',
  );
}

services.run();
