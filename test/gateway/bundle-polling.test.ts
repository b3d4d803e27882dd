import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Configuration } from '../../gateway/configuration/index.ts';
import { type Running, run, runCoprocess, runGateway } from '../../main.ts';
import type { BundleSpec } from '../conformance/peers/bundle.ts';
import { type BundleServer, withBundleServer } from '../coprocess/bundles/bundle-server.ts';
import { type TestGateway, withGateway, withUpstream } from './with-gateway.ts';

const polling = suite('bundles that change without a reload');

const python = (code: string, hooks: Record<string, unknown>): BundleSpec => ({
  manifest: { file_list: ['middleware.py'], custom_middleware: { driver: 'python', ...hooks } },
  files: { 'middleware.py': `import os\nfrom tyk.decorators import Hook\n${code}` },
});

const hook = (name: string, header: string, value: string): string => `
@Hook
def ${name}(request, session, spec):
    request.add_header("${header}", "${value}")
    request.add_header("X-Pid", str(os.getpid()))
    return request, session
`;

const stamping = (text: string): BundleSpec => python(hook('stamp', 'X-Bundle', text), { pre: [{ name: 'stamp' }] });

/** What is refused, and what health says of it. */
const bad: Readonly<Record<string, readonly [BundleSpec, RegExp]>> = {
  'a syntax error': [python('def (:', { pre: [{ name: 'stamp' }] }), /invalid syntax/],
  'a function that is not there': [python('', { pre: [{ name: 'stamp' }] }), /stamp/],
  'a wrong checksum': [{ ...stamping('bad'), checksum: 'beef' }, /invalid checksum/],
  'no manifest': [{ manifest: {}, files: {}, zip64: 'UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==' }, /manifest\.json/],
  'a manifest of other types': [python('', { pre: 'stamp' }), /pre/],
};

interface Parts {
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

async function withPolling(
  mode: Mode,
  bundles: Readonly<Record<string, BundleSpec>>,
  use: (parts: Parts) => Promise<void>,
  apis: Readonly<Record<string, string>> = { one: 'a.zip' },
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
  await rm(root, { recursive: true });
}

const starters: Readonly<Record<Mode, (configuration: Configuration) => Promise<Running>>> = {
  'one process': run,
  'two services': runBoth,
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

async function runBoth(configuration: Configuration): Promise<Running> {
  const coprocess = await runCoprocess(configuration);
  const gateway = await runGateway(configuration);
  return {
    ...gateway,
    close: async () => {
      await gateway.close();
      await coprocess.close();
    },
  };
}

/** Asks again and again, for 5 s at most. */
async function until<Value>(read: () => Promise<Value>, holds: (value: Value) => boolean): Promise<Value> {
  const endMs = performance.now() + 5000;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    assert.ok(performance.now() < endMs, `it stayed ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

for (const mode of ['one process', 'two services'] as const) {
  polling(`${mode}: a changed bundle serves without a reload, to all APIs that share it, by one download`, async () => {
    const shared = { one: 'a.zip', two: 'a.zip', three: 'a.zip' };
    await withPolling(
      mode,
      { 'a.zip': stamping('old') },
      async ({ server, headers, folder }) => {
        assert.is((await headers())['x-bundle'], 'old');
        await server.asked(3);
        assert.ok(server.answered.slice(1).every(({ status, bytes }) => status === 304 && bytes === 0));
        const before = server.answered.length;
        await server.publish('a.zip', stamping('new'));
        await until(headers, (found) => found['x-bundle'] === 'new');
        for (const api of ['two', 'three']) assert.is((await headers(api))['x-bundle'], 'new');
        await server.asked(2);
        assert.is(server.answered.slice(before).filter(({ status }) => status === 200).length, 1);
        await until(
          () => readdir(folder),
          (names) => names.length === 2,
        );
      },
      shared,
    );
  });

  polling(
    `${mode}: what is refused leaves the last good one, is said, is not tried again; a good one heals`,
    async () => {
      await withPolling(
        mode,
        { 'a.zip': stamping('old') },
        async ({ server, headers, health, metrics, reload, restart }) => {
          await headers();
          for (const [what, [bundle, reason]] of Object.entries(bad)) {
            const before = server.answered.length;
            await server.publish('a.zip', bundle);
            const said = await until(health, ({ details }) => reason.test(details['bundle "a.zip"']?.output ?? ''));
            assert.is(said.status, 'warn', what);
            assert.match(said.details['bundle "a.zip"']?.output as string, /last good revision serves/);
            assert.match(await metrics(), /interpose_bundle_current\{bundle="a.zip"\} 0\n/);
            assert.is((await headers())['x-bundle'], 'old', what);
            await server.asked(3);
            assert.is(server.answered.slice(before).filter(({ status }) => status === 200).length, 1, what);
          }
          const pid = Number((await headers())['x-pid']);
          process.kill(pid, 'SIGKILL');
          await until(
            async () => fetchPid(headers),
            (other) => other !== undefined && other !== pid,
          );
          assert.is((await headers())['x-bundle'], 'old');
          await reload();
          assert.is((await headers())['x-bundle'], 'old');
          const before = server.answered.length;
          await restart();
          assert.is((await headers())['x-bundle'], 'old');
          await until(health, ({ details }) => details['bundle "a.zip"'] !== undefined);
          await server.asked(2);
          assert.ok(server.answered.slice(before).every(({ status }) => status === 304));
          await server.publish('a.zip', stamping('good'));
          await until(headers, (found) => found['x-bundle'] === 'good');
          await until(health, ({ status }) => status === 'pass');
          assert.match(await metrics(), /interpose_bundle_current\{bundle="a.zip"\} 1\n/);
        },
      );
    },
  );

  polling(`${mode}: hooks of a new manifest run, those that it does not have any more do not`, async () => {
    await withPolling(mode, { 'a.zip': stamping('old') }, async ({ server, headers }) => {
      await headers();
      const code = `${hook('first', 'X-First', '1')}${hook('last', 'X-Last', '1')}`;
      await server.publish('a.zip', python(code, { pre: [{ name: 'first' }], post: [{ name: 'last' }] }));
      const found = await until(headers, (now) => now['x-last'] === '1');
      assert.is(found['x-first'], '1');
      assert.is(found['x-bundle'], undefined);
    });
  });

  polling(
    `${mode}: a server in trouble changes nothing, not at a restart either; what it has later serves`,
    async () => {
      await withPolling(mode, { 'a.zip': stamping('old') }, async ({ server, headers, health, restart }) => {
        await headers();
        await server.publish('a.zip', stamping('new'));
        for (const trouble of ['dies', 'stalls', 'truncates', 500, 'cuts'] as const) {
          server.trouble = trouble;
          await server.asked(2);
          assert.is((await headers())['x-bundle'], 'old', String(trouble));
          await until(health, ({ details }) => details['bundle "a.zip"'] !== undefined);
          if (trouble !== 'dies') continue;
          await restart();
          assert.is((await headers())['x-bundle'], 'old');
        }
        server.trouble = undefined;
        await until(headers, (found) => found['x-bundle'] === 'new');
        await until(health, ({ status }) => status === 'pass');
        server.trouble = 'dies';
        await restart();
        assert.is((await headers())['x-bundle'], 'new');
      });
    },
  );

  polling(
    `${mode}: under traffic no request fails or meets two revisions, and nothing is left of six changes`,
    async () => {
      const twice = (text: string): BundleSpec =>
        python(`${hook('stamp', 'X-Bundle', text)}${hook('again', 'X-Again', text)}`, {
          pre: [{ name: 'stamp' }],
          post: [{ name: 'again' }],
        });
      await withPolling(mode, { 'a.zip': twice('0') }, async ({ server, headers, folder }) => {
        let going = true;
        const pids = new Set<number>();
        const client = async (): Promise<void> => {
          while (going) {
            const found = await headers();
            assert.is(found['x-bundle'], found['x-again']);
            for (const pid of (found['x-pid'] as string).split(', ')) pids.add(Number(pid));
          }
        };
        const clients = Array.from({ length: 2 }, client);
        let open = 0;
        for (let i = 1; i <= 6; i++) {
          await server.publish('a.zip', twice(String(i)));
          await until(headers, (found) => found['x-bundle'] === String(i));
          if (i === 2) open = (await readdir('/proc/self/fd')).length;
        }
        going = false;
        await Promise.all(clients);
        await until(
          () => readdir(folder),
          (names) => names.length === 2,
        );
        await until(
          async () => [...pids].filter(isAlive).length,
          (alive) => alive === 1,
        );
        assert.ok(pids.size > 3, `${pids.size} guests were seen`);
        await until(
          async () => (await readdir('/proc/self/fd')).length,
          (now) => now <= open + 4,
        );
      });
    },
  );
}

polling('two coprocesses: what one has found the other fetches, and both serve it, also after a restart', async () => {
  await withPolling('two coprocesses', { 'a.zip': stamping('old') }, async ({ server, headers, health, restart }) => {
    const pids = new Set<string>();
    const both = async (text: string): Promise<void> => {
      pids.clear();
      await until(headers, (found) => found['x-bundle'] === text);
      await until(headers, (found) => {
        assert.is(found['x-bundle'], text);
        return pids.add(found['x-pid'] as string).size === 2;
      });
    };
    await both('old');
    await server.publish('a.zip', bad['a syntax error']?.[0] as BundleSpec);
    await until(health, ({ details }) => /invalid syntax/.test(details['bundle "a.zip"']?.output ?? ''));
    await both('old');
    await server.publish('a.zip', stamping('new'));
    await both('new');
    await until(health, ({ status }) => status === 'pass');
    server.trouble = 'dies';
    await restart();
    await both('new');
  });
});

const languages: Readonly<Record<string, (text: string) => BundleSpec>> = {
  otto: (text) => ({
    manifest: { file_list: ['a.js'], custom_middleware: { driver: 'otto', pre: [{ name: 'stamp', path: 'a.js' }] } },
    files: {
      'a.js': `var stamp = new TykJS.TykMiddleware.NewMiddleware({});
stamp.NewProcessRequest(function (request, session) {
  request.SetHeaders['X-Bundle'] = '${text}';
  return stamp.ReturnData(request, {});
});`,
    },
  }),
  lua: (text) => ({
    manifest: { file_list: ['a.lua'], custom_middleware: { driver: 'lua', pre: [{ name: 'stamp' }] } },
    files: {
      'a.lua': `function stamp(request, session, spec)\n  tyk.req.set_header("X-Bundle", "${text}")\n  return request, session\nend`,
    },
  }),
  typescript: (text) => ({
    manifest: {
      file_list: ['a.ts'],
      custom_middleware: { driver: 'typescript', pre: [{ name: 'stamp', path: 'a.ts' }] },
    },
    files: {
      'a.ts': `import { pre } from 'interpose/plugin';\nexport const stamp = pre((request) => { request.headers.set('x-bundle', '${text}'); });`,
    },
  }),
};

for (const [language, stamp] of Object.entries(languages)) {
  polling(`a bundle in ${language} changes, and stays as it was where the new one does not load`, async () => {
    await withPolling('one process', { 'a.zip': stamp('1') }, async ({ server, headers, health }) => {
      assert.is((await headers())['x-bundle'], '1');
      await server.publish('a.zip', stamp('2'));
      await until(headers, (found) => found['x-bundle'] === '2');
      const spoilt = stamp('3');
      const files = Object.fromEntries(Object.keys(spoilt.files ?? {}).map((name) => [name, 'function ((( =']));
      await server.publish('a.zip', { ...spoilt, files });
      await until(health, ({ status }) => status === 'warn');
      assert.is((await headers())['x-bundle'], '2');
      await server.publish('a.zip', stamp('4'));
      await until(headers, (found) => found['x-bundle'] === '4');
    });
  });
}

polling('reloads that come while a bundle changes end on the new one', async () => {
  await withPolling('two services', { 'a.zip': stamping('0') }, async ({ server, headers, reload, health }) => {
    let going = true;
    const reloading = (async (): Promise<void> => {
      while (going) await reload();
    })();
    for (let i = 1; i <= 4; i++) {
      await server.publish('a.zip', stamping(String(i)));
      await until(headers, (found) => found['x-bundle'] === String(i));
    }
    going = false;
    await reloading;
    await server.asked(3);
    assert.is((await headers())['x-bundle'], '4');
    assert.is((await health()).status, 'pass');
  });
});

polling(
  'a bundle that cannot be had at the start, and is bad then, serves when it is good, without a reload',
  async () => {
    await withPolling('one process', {}, async ({ server, gateway, headers, health }) => {
      assert.is((await fetch(`${gateway.url}/one/x`)).status, 503);
      const before = server.answered.length;
      await server.publish('a.zip', { ...stamping('bad'), checksum: 'beef' });
      await until(health, ({ details }) => /invalid checksum/.test(details['bundle "a.zip"']?.output ?? ''));
      await server.asked(3);
      assert.is(server.answered.slice(before).filter(({ status }) => status === 200).length, 1);
      await server.publish('a.zip', bad['a syntax error']?.[0] as BundleSpec);
      await until(health, ({ details }) => /invalid syntax/.test(details.one?.output ?? ''));
      assert.is((await fetch(`${gateway.url}/one/x`)).status, 503);
      await server.publish('a.zip', stamping('late'));
      await until(
        async () => (await fetch(`${gateway.url}/one/x`)).status,
        (status) => status === 200,
      );
      assert.is((await headers())['x-bundle'], 'late');
      await until(health, ({ status }) => status === 'pass');
    });
  },
);

async function fetchPid(headers: Parts['headers']): Promise<number | undefined> {
  return headers().then(
    (found) => Number(found['x-pid']),
    () => undefined,
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

polling.run();
