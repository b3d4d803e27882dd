import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withGateway, withUpstream } from '../with-gateway.ts';

const conditions = suite('conditions of hooks');

const plugins = {
  'hooks.ts': `
    import { auth, accept, pre, post, response } from 'interpose/plugin';
    export const one = pre((request) => { request.headers.set('x-one', '1'); });
    export const two = pre((request) => { request.headers.set('x-two', '2'); });
    export const moved = pre((request) => { request.path = '/api/admin/moved'; });
    export const guard = post((request) => { request.headers.set('x-guarded', 'yes'); });
    export const endpoint = post((request) => { request.headers.set('x-endpoint', 'yes'); });
    export const out = response((answer) => { answer.headers.set('x-out', 'yes'); });
    export const letIn = auth(() => accept('somebody'));
  `,
};

function hook(name: string, when?: object): object {
  return { name, path: 'hooks.ts', ...(when && { interpose: { when } }) };
}

conditions('a hook runs for the methods, paths and headers that it names, and for no other request', async () => {
  await withUpstream(async ({ url, requests }) => {
    const custom_middleware = {
      driver: 'typescript',
      pre: [
        hook('one', { methods: ['POST'], path: '/orders/**', header: { name: 'x-canary', value: '1' } }),
        hook('two'),
      ],
    };
    await withGateway(
      { apis: { api: { custom_middleware, proxy: { target_url: url } } }, plugins },
      async (gateway) => {
        const send = async (method: string, path: string, headers: Record<string, string>): Promise<unknown> => {
          await fetch(gateway.url + path, { method, headers });
          const seen = requests.at(-1)?.headers;
          return [seen?.['x-one'], seen?.['x-two']];
        };
        assert.equal(await send('POST', '/api/orders/1/lines', { 'X-Canary': '1' }), ['1', '2']);
        assert.equal(await send('POST', '/api/%6frders/1', { 'X-Canary': '1' }), ['1', '2']);
        assert.equal(await send('GET', '/api/orders/1', { 'X-Canary': '1' }), [undefined, '2']);
        assert.equal(await send('POST', '/api/bills/1', { 'X-Canary': '1' }), [undefined, '2']);
        assert.equal(await send('POST', '/api/orders/1', { 'X-Canary': '2' }), [undefined, '2']);
        assert.equal(await send('POST', '/api/orders/1', {}), [undefined, '2']);
      },
    );
  });
});

conditions('a guard is asked of the path that an earlier hook has made', async () => {
  await withUpstream(async ({ url, requests }) => {
    const custom_middleware = {
      driver: 'typescript',
      pre: [hook('moved', { path: '/public' })],
      post: [hook('guard', { path: '/admin/**' })],
    };
    await withGateway(
      { apis: { api: { custom_middleware, proxy: { target_url: url } } }, plugins },
      async (gateway) => {
        await fetch(`${gateway.url}/api/public`);
        assert.is(requests.at(-1)?.url, '/admin/moved');
        assert.is(requests.at(-1)?.headers['x-guarded'], 'yes');
        await fetch(`${gateway.url}/api/other`);
        assert.is(requests.at(-1)?.headers['x-guarded'], undefined);
      },
    );
  });
});

conditions('response hooks and hooks of endpoints have conditions as well', async () => {
  await withUpstream(async ({ url, requests }) => {
    const operation = { ...hook('endpoint', { methods: ['PUT'] }), path: 'hooks.ts' };
    const document = {
      openapi: '3.0.3',
      info: { title: 'api', version: '1' },
      paths: {
        '/orders': { get: { operationId: 'read', responses: {} }, put: { operationId: 'write', responses: {} } },
      },
      'x-tyk-api-gateway': {
        info: { name: 'api', id: 'api', state: { active: true } },
        upstream: { url },
        server: { listenPath: { value: '/api/', strip: true } },
        middleware: {
          global: {
            pluginConfig: { driver: 'typescript' },
            responsePlugins: [
              {
                enabled: true,
                functionName: 'out',
                path: 'hooks.ts',
                interpose: { when: { header: { name: 'x-out' } } },
              },
            ],
          },
          operations: {
            read: {
              postPlugins: [
                { enabled: true, functionName: 'endpoint', path: operation.path, interpose: { when: { percent: 0 } } },
              ],
            },
            write: {
              postPlugins: [
                {
                  enabled: true,
                  functionName: 'endpoint',
                  path: operation.path,
                  interpose: { when: { percent: 100 } },
                },
              ],
            },
          },
        },
      },
    };
    await withGateway({ apis: {}, documents: { api: document }, plugins }, async (gateway) => {
      const plain = await fetch(`${gateway.url}/api/orders`);
      assert.is(plain.headers.get('x-out'), null);
      assert.is(requests.at(-1)?.headers['x-endpoint'], undefined);
      const edited = await fetch(`${gateway.url}/api/orders`, { method: 'PUT', headers: { 'x-out': 'please' } });
      assert.is(edited.headers.get('x-out'), 'yes');
      assert.is(requests.at(-1)?.headers['x-endpoint'], 'yes');
    });
  });
});

conditions('a request that an auth hook is not for is refused, not let in', async () => {
  await withUpstream(async ({ url, requests }) => {
    const api = {
      use_keyless: false,
      custom_plugin_auth_enabled: true,
      custom_middleware: { driver: 'typescript', auth_check: hook('letIn', { methods: ['GET'] }) },
      proxy: { target_url: url },
    };
    await withGateway({ apis: { api }, plugins }, async (gateway) => {
      assert.is((await fetch(`${gateway.url}/api/x`)).status, 200);
      assert.is((await fetch(`${gateway.url}/api/x`, { method: 'DELETE' })).status, 403);
      assert.is(requests.length, 1);
    });
  });
});

conditions('a share of the requests is a share, and the same one for all hooks of a request', async () => {
  await withUpstream(async ({ url, requests }) => {
    const custom_middleware = {
      driver: 'typescript',
      pre: [hook('one', { percent: 30 }), hook('two', { percent: 30 })],
    };
    await withGateway(
      { apis: { api: { custom_middleware, proxy: { target_url: url } } }, plugins },
      async (gateway) => {
        for (let i = 0; i < 30; i++) {
          await Promise.all(Array.from({ length: 10 }, () => fetch(`${gateway.url}/api/x`).then((r) => r.text())));
        }
        const ones = requests.filter(({ headers }) => headers['x-one'] !== undefined).length;
        assert.ok(ones > 50 && ones < 135, `${ones} of 300`);
        assert.ok(
          requests.every(({ headers }) => (headers['x-one'] === undefined) === (headers['x-two'] === undefined)),
        );
      },
    );
  });
});

conditions.run();
