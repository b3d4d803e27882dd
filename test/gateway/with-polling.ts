import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Configuration, UserConfiguration } from '../../gateway/configuration/index.ts';
import { type Running, run, runCoprocess } from '../../main.ts';
import type { BundleSpec } from '../conformance/peers/bundle.ts';
import { type BundleServer, withBundleServer } from '../coprocess/bundles/bundle-server.ts';
import { runBoth, type TestGateway, withGateway, withUpstream } from './with-gateway.ts';

export const python = (code: string, hooks: Record<string, unknown>): BundleSpec => ({
  manifest: { file_list: ['middleware.py'], custom_middleware: { driver: 'python', ...hooks } },
  files: { 'middleware.py': `import os\nfrom tyk.decorators import Hook\n${code}` },
});

export const hook = (name: string, header: string, value: string): string => `
@Hook
def ${name}(request, session, spec):
    request.add_header("${header}", "${value}")
    request.add_header("X-Pid", str(os.getpid()))
    return request, session
`;

export const stamping = (text: string): BundleSpec =>
  python(hook('stamp', 'X-Bundle', text), { pre: [{ name: 'stamp' }] });

/** What is refused, and what health says of it. */
export const bad: Readonly<Record<string, readonly [BundleSpec, RegExp]>> = {
  'a syntax error': [python('def (:', { pre: [{ name: 'stamp' }] }), /invalid syntax/],
  'a function that is not there': [python('', { pre: [{ name: 'stamp' }] }), /stamp/],
  'a wrong checksum': [{ ...stamping('bad'), checksum: 'beef' }, /invalid checksum/],
  'no manifest': [{ manifest: {}, files: {}, zip64: 'UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==' }, /manifest\.json/],
  'a manifest of other types': [python('', { pre: 'stamp' }), /pre/],
};

export interface Parts {
  readonly gateway: TestGateway;
  readonly server: BundleServer;
  /** Where bundles are unpacked. */
  readonly folder: string;
  /** What an API's hooks set, by what the upstream got. */
  readonly headers: (api?: string) => Promise<Record<string, string | undefined>>;
  readonly health: () => Promise<{ status: string; details: Record<string, { output: string }> }>;
  readonly metrics: () => Promise<string>;
  readonly reload: () => Promise<void>;
  /** End all services, and start them again. */
  readonly restart: () => Promise<void>;
}

type Mode = 'one process' | 'two services' | 'two coprocesses';

const pollMs = 60;

export async function withPolling(
  mode: Mode,
  bundles: Readonly<Record<string, BundleSpec>>,
  use: (parts: Parts) => Promise<void>,
  apis: Readonly<Record<string, string>> = { one: 'a.zip' },
  limits: UserConfiguration['limits'] = {},
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'polling-'));
  const folder = join(root, 'bundles');
  await withBundleServer(async (server) => {
    for (const [name, bundle] of Object.entries(bundles)) await server.publish(name, bundle);
    await withUpstream(async (upstream) => {
      let current: Running | undefined;
      let begin: () => Promise<Running> = () => Promise.reject(new Error('not yet'));
      const restarting: Running = {
        get addresses() {
          return current?.addresses ?? [];
        },
        get controlAddress() {
          return current?.controlAddress;
        },
        reload: async () => current?.reload?.(),
        close: async () => current?.close(),
      };
      const start = async (configuration: Configuration): Promise<Running> => {
        begin = () => starters[mode](configuration);
        current = await begin();
        return restarting;
      };
      const definitions = Object.entries(apis).map(([id, bundle]) => [
        id,
        { proxy: { target_url: upstream.url }, custom_middleware_bundle: bundle },
      ]);
      const socket = `unix:${join(root, 'coprocess.sock')}`;
      await withGateway(
        {
          apis: Object.fromEntries(definitions),
          start,
          configuration: {
            bundles: { baseUrl: server.baseUrl, folder, pollMs, timeoutMs: 300 },
            limits,
            ...(mode === 'two services' && { coprocess: { listen: socket, targets: [socket] } }),
            ...(mode === 'two coprocesses' && { coprocess: { listen: socket, targets: [socket, `${socket}2`] } }),
          },
        },
        async (gateway) => {
          const control = (path: string): Promise<Response> =>
            fetch(`http://${restarting.controlAddress}${path}`, {
              headers: { 'X-Tyk-Authorization': 'a secret of the tests' },
            });
          await use({
            gateway,
            server,
            folder,
            headers: async (api = 'one') => {
              const response = await fetch(`http://${restarting.addresses[0]}/${api}/x`);
              assert.is(response.status, 200);
              return ((await response.json()) as { headers: Record<string, string> }).headers;
            },
            health: async () => (await control('/health')).json() as ReturnType<Parts['health']>,
            metrics: async () => (await control('/metrics')).text(),
            reload: async () => assert.is((await control('/tyk/reload/?block=true')).status, 200),
            restart: async () => {
              await current?.close();
              current = await begin();
            },
          });
        },
      );
    });
  });
  await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

const starters: Readonly<Record<Mode, (configuration: Configuration) => Promise<Running>>> = {
  'one process': run,
  'two services': (configuration) => runBoth(configuration),
  'two coprocesses': async (configuration) => {
    const { bundles, coprocess } = configuration;
    const path = coprocess.targets[1]?.slice('unix:'.length) as string;
    const second = await runCoprocess({
      ...configuration,
      // It sees nothing by itself.
      bundles: { ...bundles, folder: `${bundles.folder}2`, pollMs: 80_000_000 },
      coprocess: { ...coprocess, listen: { kind: 'unix', path } },
    });
    const rest = await runBoth(configuration);
    return {
      ...rest,
      close: async () => {
        await rest.close();
        await second.close();
      },
    };
  },
};

/** Asks again and again. */
export async function until<Value>(
  read: () => Promise<Value>,
  holds: (value: Value) => boolean,
  longestMs: number = 5000,
): Promise<Value> {
  const endMs = performance.now() + longestMs;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    assert.ok(performance.now() < endMs, `it stayed ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
