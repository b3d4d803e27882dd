import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import * as http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveConfiguration, type UserConfiguration } from '../../gateway/configuration/index.ts';
import { type Running, run, runCoprocess, runGateway } from '../../main.ts';

export interface GatewayTest {
  /** Classic definitions, over what every API needs; the listen path is `/name/`. */
  readonly apis: Readonly<Record<string, Record<string, unknown>>>;
  /** Further definition files, as they are. */
  readonly documents?: Readonly<Record<string, object>>;
  /** Files of the plugins folder. */
  readonly plugins?: Readonly<Record<string, string>>;
  readonly configuration?: UserConfiguration;
  /** Start something else than one process. */
  readonly start?: (configuration: ReturnType<typeof resolveConfiguration>) => Promise<Running>;
}

export interface TestGateway {
  readonly address: string;
  readonly url: string;
  readonly control: string;
  readonly folder: string;
  readonly running: Running;
}

/** A gateway with these APIs, for as long as `use` takes. */
export async function withGateway(test: GatewayTest, use: (gateway: TestGateway) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
  await mkdir(join(folder, 'apis'));
  await mkdir(join(folder, 'plugins'));
  for (const [name, api] of Object.entries(test.apis)) {
    await writeFile(join(folder, 'apis', `${name}.json`), JSON.stringify(definition(name, api)));
  }
  for (const [name, document] of Object.entries(test.documents ?? {})) {
    await writeFile(join(folder, 'apis', `${name}.json`), JSON.stringify(document));
  }
  for (const [name, text] of Object.entries(test.plugins ?? {})) await writeFile(join(folder, 'plugins', name), text);
  const configuration = resolveConfiguration(
    {
      listeners: [{ address: '127.0.0.1:0' }],
      control: { address: '127.0.0.1:0', secret: 'a secret of the tests' },
      log: { level: 'fatal' },
      ...test.configuration,
      definitions: { ...test.configuration?.definitions, folder: join(folder, 'apis') },
      plugins: { folder: join(folder, 'plugins'), ...test.configuration?.plugins },
    },
    { folder },
  );
  const running = await (test.start ?? run)(configuration);
  const address = running.addresses[0] as string;
  try {
    await use({ address, url: `http://${address}`, control: `http://${running.controlAddress}`, folder, running });
  } finally {
    await running.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A coprocess and a gateway that is linked to it, as one thing to close. */
export async function runBoth(
  configuration: ReturnType<typeof resolveConfiguration>,
  coprocessOnly: Partial<ReturnType<typeof resolveConfiguration>> = {},
): Promise<Running> {
  const coprocess = await runCoprocess({ ...configuration, ...coprocessOnly });
  const gateway = await runGateway(configuration);
  return {
    ...gateway,
    close: async () => {
      await gateway.close();
      await coprocess.close();
    },
  };
}

export function definition(name: string, api: Record<string, unknown>): Record<string, unknown> {
  const { proxy, ...rest } = api as { proxy?: object };
  return {
    name,
    api_id: name,
    org_id: 'default',
    active: true,
    use_keyless: true,
    version_data: { not_versioned: true, versions: { Default: { name: 'Default', use_extended_paths: true } } },
    ...rest,
    proxy: { listen_path: `/${name}/`, strip_listen_path: true, ...proxy },
  };
}

export interface TestUpstream {
  readonly url: string;
  readonly port: number;
  /** Requests so far: method, url, headers, body. */
  readonly requests: { method: string; url: string; headers: http.IncomingHttpHeaders; body: string }[];
}

/** An upstream that answers by `reply`, or says what it got. */
export async function withUpstream(
  use: (upstream: TestUpstream) => Promise<void>,
  reply?: (request: http.IncomingMessage, response: http.ServerResponse) => void,
): Promise<void> {
  const requests: TestUpstream['requests'] = [];
  const server = http.createServer((request, response) => {
    if (reply !== undefined) return reply(request, response);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const seen = { method, url, headers, body: Buffer.concat(chunks).toString() };
      requests.push(seen);
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(seen));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  try {
    await use({ url: `http://127.0.0.1:${port}/`, port, requests });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
