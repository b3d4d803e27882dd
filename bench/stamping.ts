/** A gateway under test that runs one hook in each language, and what there is to see of it from outside. For bench/kill-guests.ts and bench/reloads.ts. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';

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

/** One of the APIs: its hook stamps requests with the `stamp` of its `config_data`, and the upstream answers with what it got. */
interface StampingApi {
  readonly name: string;
  readonly driver: string;
  readonly file: string;
}

/** Two APIs for each language. */
export const apis: readonly StampingApi[] = languages.flatMap(({ driver, file }) =>
  ['a', 'b'].map((letter) => ({ name: `${driver}-${letter}`, driver, file })),
);

export interface Stamping {
  readonly process: ChildProcess;
  /** Of the control API; its secret is {@link controlSecret}. */
  readonly control: string;
  /** Have an API stamp this from the next reload on. */
  write(api: StampingApi, stamp: string): void;
  /** Status and body. Rejects after `timeoutMs`. */
  ask(api: StampingApi, timeoutMs: number): Promise<{ status: number; text: string }>;
  /** Process ids of guests. */
  guests(): number[];
  memoryMib(): number;
  openFiles(): number;
  close(): Promise<void>;
}

export const controlSecret = 'a secret of the benchmarks';

export async function startStamping(): Promise<Stamping> {
  const folder = mkdtempSync(join(tmpdir(), 'stamping-'));
  mkdirSync(join(folder, 'apis'));
  mkdirSync(join(folder, 'plugins'));
  const upstream = createServer((asked, answer) => answer.end(String(asked.headers['x-stamp'])));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const target = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`;
  for (const { file, text } of languages) writeFileSync(join(folder, 'plugins', file), text);
  const write = ({ name, driver, file }: StampingApi, stamp: string): void => {
    const api = {
      name,
      api_id: name,
      org_id: 'default',
      active: true,
      use_keyless: true,
      version_data: { not_versioned: true, versions: { Default: { name: 'Default' } } },
      proxy: { listen_path: `/${name}/`, target_url: target, strip_listen_path: true },
      config_data: { stamp },
      custom_middleware: { driver, pre: [{ name: 'stamp', path: file }] },
    };
    writeFileSync(join(folder, 'apis', `${name}.json`), JSON.stringify(api));
  };
  for (const api of apis) write(api, api.name);
  const config = join(folder, 'interpose.yaml');
  writeFileSync(
    config,
    `listeners: [{ address: 127.0.0.1:0 }]\ncontrol: { address: 127.0.0.1:0, secret: ${controlSecret} }\ndefinitions: { folder: apis }\nplugins: { folder: plugins }\n`,
  );
  const program = join(import.meta.dirname, '../cli/index.ts');
  const gateway = spawn(process.execPath, ['--conditions=source', program, 'run', '--config', config], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const dispatcher = new Agent({ connections: 256 });
  const [url, control] = await new Promise<[string, string]>((resolve) => {
    let output = '';
    gateway.stdout.on('data', (chunk) => {
      output = (output + chunk).slice(-100_000);
      const listening = /"addresses":\["([^"]+)"\]/.exec(output);
      const controlled = /"control":"([^"]+)"/.exec(output);
      if (listening !== null && controlled !== null) resolve([`http://${listening[1]}`, `http://${controlled[1]}`]);
    });
  });
  return {
    process: gateway,
    control,
    write,
    async ask({ name }, timeoutMs) {
      const { statusCode, body } = await request(`${url}/${name}/x`, {
        dispatcher,
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: statusCode, text: await body.text() };
    },
    guests() {
      const rows = execFileSync('sh', ['-c', `ps --ppid ${gateway.pid} -o pid= || true`]).toString();
      return rows.trim().split(/\s+/).filter(Boolean).map(Number);
    },
    memoryMib: () =>
      Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) / 1024),
    openFiles: () => readdirSync(`/proc/${gateway.pid}/fd`).length,
    async close() {
      gateway.kill('SIGTERM');
      upstream.close();
      rmSync(folder, { recursive: true, force: true });
      await dispatcher.close();
    },
  };
}
