import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { resolveConfiguration, type UserConfiguration } from '../../gateway/configuration/index.ts';
import { coalesced } from '../../gateway/reload/coalesced.ts';
import { type Running, runCoprocess, runGateway } from '../../main.ts';
import { withServing } from '../cli/interpose.ts';
import { valkey } from '../peers/index.ts';
import { definition, runBoth, type TestGateway, withGateway, withUpstream } from './with-gateway.ts';

const reload = suite('reload');

const secret = { 'X-Tyk-Authorization': 'a secret of the tests' };
/** Reloads happen when the test asks for one. */
const unwatched: UserConfiguration = { definitions: { watch: false } };

async function reloadNow({ control }: TestGateway, path = 'reload?block=true'): Promise<Response> {
  return fetch(`${control}/tyk/${path}`, { headers: secret });
}

async function write({ folder }: TestGateway, name: string, api: Record<string, unknown> | string): Promise<void> {
  const text = typeof api === 'string' ? api : JSON.stringify(definition(name, api));
  const path = join(folder, 'apis', `${name}.json`);
  await writeFile(`${path}.tmp`, text);
  await rename(`${path}.tmp`, path);
}

function stamping(stamp: string): string {
  return `import { pre } from 'interpose/plugin';
    export const stamp = pre((request) => { request.headers.set('x-stamp', '${stamp}'); });`;
}

const stamped = { driver: 'typescript', pre: [{ name: 'stamp', path: 'stamp.ts' }] };

/** Asks again until the answer is the one that is waited for: nothing else tells that a reload has happened by itself. */
async function eventually(ask: () => Promise<boolean>, what: string): Promise<void> {
  const endMs = Date.now() + 10_000;
  while (!(await ask())) {
    assert.ok(Date.now() < endMs, what);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function health({
  control,
}: TestGateway): Promise<{ status: string; details: Record<string, { output: string }> }> {
  return (await (await fetch(`${control}/health`)).json()) as never;
}

/** Processes that this one has started, and that still run. */
function children(): number {
  const listed = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'args=']).toString();
  return listed.split('\n').filter((line) => line.includes('guest')).length;
}

reload('several requests while one runs are one more run', async () => {
  let runs = 0;
  const releases: (() => void)[] = [];
  const job = coalesced(async () => {
    const run = ++runs;
    await new Promise<void>((resolve) => releases.push(resolve));
    return run;
  });
  const first = job();
  const later = [job(), job(), job()];
  assert.is(runs, 1);
  releases.shift()?.();
  assert.is(await first, 1);
  await new Promise((resolve) => setImmediate(resolve));
  releases.shift()?.();
  assert.equal(await Promise.all(later), [2, 2, 2]);
});

reload('under load no request is lost or goes astray, and guests that nobody needs end', async () => {
  await withUpstream(async ({ url }) => {
    const api = (stamp: number): Record<string, unknown> => ({
      custom_middleware: stamped,
      config_data: { stamp },
      proxy: { target_url: url },
    });
    const test = {
      apis: { api: api(0), other: { proxy: { target_url: url } } },
      plugins: { 'stamp.ts': stamping('0') },
    };
    await withGateway({ ...test, configuration: unwatched }, async (gateway) => {
      let going = true;
      let served = 0;
      const load = async (path: string, stamp: RegExp): Promise<void> => {
        while (going) {
          const response = await fetch(`${gateway.url}/${path}/x`, { method: 'POST', body: 'a body' });
          const seen = (await response.json()) as { url: string; headers: Record<string, string>; body: string };
          assert.is(response.status, 200);
          assert.is(seen.body, 'a body');
          assert.match(String(seen.headers['x-stamp']), stamp);
          served++;
        }
      };
      const loads = [load('api', /^\d+$/), load('api', /^\d+$/), load('other', /^undefined$/)];
      for (let i = 1; i <= 12; i++) {
        if (i % 3 === 0) await writeFile(join(gateway.folder, 'plugins', 'stamp.ts'), stamping(String(i)));
        else await write(gateway, 'api', api(i));
        assert.is((await reloadNow(gateway)).status, 200);
      }
      going = false;
      await Promise.all(loads);
      assert.ok(served > 50, `${served} requests`);
      await eventually(async () => children() <= 1, 'guests are alive that nobody needs');
    });
  });
});

reload('a request that runs goes on to its end on what it began with', async () => {
  let answer: (() => void) | undefined;
  const asked = Promise.withResolvers<void>();
  const reply = (_: unknown, response: import('node:http').ServerResponse): void => {
    answer = () => response.end('late');
    asked.resolve();
  };
  const edit = { driver: 'typescript', response: [{ name: 'mark', path: 'mark.ts' }] };
  const mark = `import { response } from 'interpose/plugin';
    export const mark = response((answer, { config }) => { answer.headers.set('x-mark', String(config.mark)); });`;
  await withUpstream(async ({ url }) => {
    const api = (name: string): Record<string, unknown> => ({
      custom_middleware: edit,
      config_data: { mark: name },
      proxy: { target_url: url },
    });
    await withGateway(
      { apis: { api: api('old') }, plugins: { 'mark.ts': mark }, configuration: unwatched },
      async (gateway) => {
        const first = fetch(`${gateway.url}/api/x`);
        await asked.promise;
        await write(gateway, 'api', api('new'));
        await reloadNow(gateway);
        answer?.();
        assert.is((await first).headers.get('x-mark'), 'old');
        const second = fetch(`${gateway.url}/api/x`);
        await eventually(async () => {
          answer?.();
          return Promise.race([second.then(() => true), new Promise<boolean>((r) => setImmediate(() => r(false)))]);
        }, 'no second answer');
        assert.is((await second).headers.get('x-mark'), 'new');
      },
    );
  }, reply);
});

reload('an API that does not load keeps its last good revision, and health says which, why and what', async () => {
  await withUpstream(async ({ url }) => {
    const api = { custom_middleware: stamped, proxy: { target_url: url } };
    await withGateway(
      { apis: { api }, plugins: { 'stamp.ts': stamping('good') }, configuration: unwatched },
      async (gateway) => {
        const stamp = async (): Promise<unknown> => {
          const response = await fetch(`${gateway.url}/api/`);
          return ((await response.json()) as { headers: Record<string, string> }).headers['x-stamp'];
        };
        assert.is((await health(gateway)).status, 'pass');

        await writeFile(join(gateway.folder, 'plugins', 'stamp.ts'), 'this is no plugin');
        await reloadNow(gateway);
        assert.is(await stamp(), 'good');
        const broken = await health(gateway);
        assert.is(broken.status, 'warn');
        assert.match(
          broken.details.api?.output ?? '',
          /api\.json: pre hook "stamp": .*; its last good revision serves$/s,
        );
        assert.is((await fetch(`${gateway.control}/ready`)).status, 200);

        await writeFile(join(gateway.folder, 'plugins', 'stamp.ts'), stamping('better'));
        await reloadNow(gateway);
        assert.is(await stamp(), 'better', JSON.stringify((await health(gateway)).details));
        assert.equal((await health(gateway)).details, {});

        await write(gateway, 'api', { ...api, enable_batch_request_support: true });
        await write(gateway, 'fresh', { enable_batch_request_support: true, proxy: { target_url: url } });
        await reloadNow(gateway);
        assert.is(await stamp(), 'better');
        assert.is((await fetch(`${gateway.url}/fresh/`)).status, 503);
        const { details } = await health(gateway);
        assert.match(details.fresh?.output ?? '', /enable_batch_request_support.*; its requests are refused$/s);
        assert.match(details.api?.output ?? '', /enable_batch_request_support.*; its last good revision serves$/s);
      },
    );
  });
});

reload('what a definition says takes effect when its file is saved, where the folder is watched', async () => {
  await withUpstream(async ({ url }) => {
    await withGateway({ apis: {} }, async (gateway) => {
      const status = async (): Promise<number> => (await fetch(`${gateway.url}/api/`)).status;
      assert.is(await status(), 404);
      await write(gateway, 'api', { proxy: { target_url: url } });
      await eventually(async () => (await status()) === 200, 'the API is not served');
      await rm(join(gateway.folder, 'apis', 'api.json'));
      await eventually(async () => (await status()) === 404, 'the API is still served');
    });
  });
});

reload('plugin files that only the coprocess has are loaded anew when they changed, and only then', async () => {
  const script = (stamp: string): string => `from tyk.decorators import *
import uuid
loaded = str(uuid.uuid4())
@Hook
def stamp(request, session, spec):
    request.add_header('x-stamp', '${stamp}')
    request.add_header('x-loaded', loaded)
    return request, session
`;
  await withUpstream(async ({ url }) => {
    await withGateway({ apis: {}, configuration: unwatched, start: apart }, async (gateway) => {
      const seen = async (): Promise<Record<string, string>> =>
        ((await (await fetch(`${gateway.url}/api/`)).json()) as { headers: Record<string, string> }).headers;
      const file = join(gateway.folder, 'elsewhere', 'stamp.py');
      const hook = { name: 'stamp', path: 'stamp.py' };
      await writeFile(file, script('one'));
      await write(gateway, 'api', { custom_middleware: { driver: 'python', pre: [hook] }, proxy: { target_url: url } });
      await reloadNow(gateway);
      const first = await seen();
      assert.is(first['x-stamp'], 'one');
      await reloadNow(gateway);
      assert.is((await seen())['x-loaded'], first['x-loaded']);

      await writeFile(file, script('two'));
      assert.is((await seen())['x-stamp'], 'one');
      await reloadNow(gateway);
      assert.is((await seen())['x-stamp'], 'two');
    });
  });
});

reload('a reload whose folder cannot be read leaves all as it was, and says so', async () => {
  await withUpstream(async ({ url }) => {
    await withGateway({ apis: { api: { proxy: { target_url: url } } }, configuration: unwatched }, async (gateway) => {
      await rename(join(gateway.folder, 'apis'), join(gateway.folder, 'away'));
      const failed = await reloadNow(gateway);
      assert.is(failed.status, 500);
      assert.match(((await failed.json()) as { message: string }).message, /the reload failed/);
      assert.is((await fetch(`${gateway.url}/api/`)).status, 200);
      assert.is((await health(gateway)).status, 'warn');
      await rename(join(gateway.folder, 'away'), join(gateway.folder, 'apis'));
      assert.is((await reloadNow(gateway)).status, 200);
      assert.is((await health(gateway)).status, 'pass');
    });
  });
});

reload('all gateways that share a Redis reload when one of them is asked for the group', async () => {
  const redis = await valkey();
  try {
    const configuration: UserConfiguration = {
      ...unwatched,
      store: { kind: 'redis', addresses: [`127.0.0.1:${redis.port}`] } as UserConfiguration['store'],
    };
    await withUpstream(async ({ url }) => {
      await withGateway({ apis: {}, configuration }, async (one) => {
        await withGateway({ apis: {}, configuration }, async (two) => {
          await write(two, 'api', { proxy: { target_url: url } });
          assert.is((await reloadNow(one, 'reload/group')).status, 200);
          await eventually(async () => (await fetch(`${two.url}/api/`)).status === 200, 'it did not reload');
        });
      });
    });
  } finally {
    await redis.close();
  }
});

reload('SIGHUP reloads', async () => {
  await withUpstream(async ({ url }) => {
    await withGateway({ apis: {} }, async (gateway) => {
      const apis = join(gateway.folder, 'apis');
      const env = {
        INTERPOSE_LISTENERS_0_ADDRESS: '127.0.0.1:0',
        INTERPOSE_DEFINITIONS_FOLDER: apis,
        INTERPOSE_DEFINITIONS_WATCH: 'false',
        INTERPOSE_CONTROL_ENABLED: 'false',
      };
      await withServing(['run'], { cwd: gateway.folder, env }, async ({ child, ready }) => {
        await write(gateway, 'api', { proxy: { target_url: url } });
        const status = (): Promise<number> =>
          new Promise((resolve, reject) => {
            const asked = httpRequest(`http://${ready.addresses?.[0]}/api/`, (response) => {
              response.resume();
              resolve(response.statusCode ?? 0);
            });
            asked.on('error', reject).end();
          });
        assert.is(await status(), 404);
        child.kill('SIGHUP');
        await eventually(async () => (await status()) === 200, 'it did not reload');
      });
    });
  });
});

reload(
  'a gateway that starts without its coprocess refuses requests, and serves once the coprocess is there',
  async () => {
    await withUpstream(async ({ url }) => {
      let socket = '';
      const start = async (configuration: ReturnType<typeof resolveConfiguration>): ReturnType<typeof runGateway> => {
        socket = `unix:${join(configuration.definitions.folder, '..', 'coprocess.sock')}`;
        return runGateway({ ...configuration, coprocess: { ...configuration.coprocess, targets: [socket] } });
      };
      const api = { custom_middleware: stamped, proxy: { target_url: url } };
      const configuration = { ...unwatched, limits: { startTimeoutMs: 300 } };
      await withGateway(
        { apis: { api }, configuration, plugins: { 'stamp.ts': stamping('1') }, start },
        async (gateway) => {
          assert.is((await fetch(`${gateway.url}/api/`)).status, 503);
          const own = { coprocess: { listen: socket }, plugins: { folder: join(gateway.folder, 'plugins') } };
          const coprocess = await runCoprocess(resolveConfiguration({ ...own, log: { level: 'fatal' } }));
          try {
            await eventually(async () => (await fetch(`${gateway.url}/api/`)).status === 200, 'it does not serve');
          } finally {
            await coprocess.close();
          }
        },
      );
    });
  },
);

reload.run();

/** Two services, of which only the coprocess has the plugins folder. */
async function apart(configuration: ReturnType<typeof resolveConfiguration>): Promise<Running> {
  const folder = join(configuration.definitions.folder, '..');
  await mkdir(join(folder, 'elsewhere'));
  const path = join(folder, 'coprocess.sock');
  const link = { ...configuration.coprocess, listen: { kind: 'unix', path } as const, targets: [`unix:${path}`] };
  const plugins = { ...configuration.plugins, folders: [join(folder, 'elsewhere')] };
  return runBoth({ ...configuration, coprocess: link }, { plugins });
}
