import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromByteString } from '../../../contract/text.ts';
import { SessionState } from '../../../proto/gen/coprocess_session_state.ts';
import { failure } from '../guest/with-guest.ts';
import { withFolder, withPlugins } from './with-plugins.ts';

/** Every kind of hook, in both places where hooks run: what a plugin's author sees is the same. */
for (const isolation of ['process', 'none'] as const) {
  const hooks = suite(`TypeScript hooks, ${isolation === 'none' ? 'trusted' : 'in a guest'}`);
  const file = 'hooks.ts';
  const session = SessionState.encode(
    SessionState.fromPartial({ rate: 10.5, quotaMax: -1n, metadata: { plan: 'gold' } }),
  ).finish();

  hooks('pre: headers are set and deleted, by config and API', async () => {
    await withPlugins([['stamp', 'pre', file]], { isolation, config: { plan: 'blüe' } }, async ({ run, report }) => {
      assert.equal(report('stamp'), { ready: true, body: 'none' });
      const { request } = await run('stamp', { headers: { 'X-Secret': '1' } });
      assert.equal(
        request?.setHeaders?.map(([name, value]) => [name, fromByteString(value)]),
        [
          ['x-plan', 'blüe'],
          ['X-Api', 'orders'],
        ],
      );
      assert.equal(request?.deleteHeaders, ['X-Secret']);
      assert.is(Object.keys(request ?? {}).length, 2, 'only what changed is answered');
    });
  });

  hooks('pre: method, path and query are moved', async () => {
    await withPlugins([['move', 'pre', file]], { isolation }, async ({ run }) => {
      const { request } = await run('move', { url: '/orders/%41?page=1&debug=1&x=y' });
      assert.equal(request, {
        method: 'PUT',
        url: '/orders/%41/details',
        addParams: [['page', '2']],
        deleteParams: ['debug'],
      });
    });
  });

  hooks('pre: while a URL rewrite is pending, the query goes with the URL', async () => {
    await withPlugins([['move', 'pre', file]], { isolation }, async ({ run }) => {
      const { request } = await run('move', { url: '/orders/1?z=1', rewrite: '/v2/orders/1?page=1&a=b' });
      assert.equal(request, { method: 'PUT', url: '/v2/orders/1/details?a=b&page=2' });
    });
  });

  hooks('pre: a whole URL replaces path and query, or leads to another API', async () => {
    const set = [
      ['elsewhere', 'pre', file],
      ['loop', 'pre', file],
    ] as const;
    await withPlugins(set, { isolation }, async ({ run }) => {
      const { request } = await run('elsewhere', { url: '/orders?old=1' });
      assert.equal(request?.url, '/other');
      assert.equal(request?.deleteParams, ['old']);
      assert.equal(
        request?.addParams?.map(([name, value]) => [name, fromByteString(value)]),
        [
          ['q', 'a b'],
          ['r', 'ü'],
        ],
      );
      assert.equal((await run('loop')).request, { url: 'tyk://billing/invoices' });
    });
  });

  hooks('a reply has status, headers and body; an object goes out as JSON', async () => {
    const set = [
      ['teapot', 'pre', file],
      ['json', 'pre', file],
    ] as const;
    await withPlugins(set, { isolation }, async ({ run }) => {
      const { reply } = await run('teapot');
      assert.is(reply?.status, 418);
      assert.is(reply?.body.toString(), 'short and stout');
      assert.equal(reply?.headers, [
        ['x-tea', 'green'],
        ['x-tea', 'black'],
      ]);
      const { reply: json } = await run('json');
      assert.is(json?.body.toString(), '{"drinks":["tea"]}');
      assert.equal(json?.headers, [['Content-Type', 'application/json']]);
    });
  });

  hooks('a hook that returns nothing and changes nothing answers nothing', async () => {
    await withPlugins([['idle', 'pre', file]], { isolation }, async ({ run }) => {
      const { timing: _, ...answer } = await run('idle');
      assert.equal(answer, {});
    });
  });

  hooks('a body is text, bytes or JSON, as the hook asked for it', async () => {
    const set = (['shout', 'same', 'flip', 'order'] as const).map((name) => [name, 'pre', file] as const);
    await withPlugins(set, { isolation }, async ({ run, report }) => {
      assert.equal(report('shout'), { ready: true, body: 'buffered' });
      assert.is((await run('shout', { body: 'grüß' })).request?.body?.toString(), 'GRÜSS');
      assert.is((await run('same', { body: 'as it was' })).request, undefined);
      const bytes = Buffer.from([0, 1, 0xff, 0x0a]);
      assert.equal((await run('flip', { body: bytes })).request?.body, Buffer.from([0xff, 0xfe, 0, 0xf5]));
      const { request } = await run('order', { body: '{ "items": ["x"] }' });
      assert.is(request?.body?.toString(), '{"items":["x"],"seen":true}');
      assert.is((await run('order', { body: '{ "items": [] }' })).request, undefined, 'white space is no change');
      assert.is((await failure(run('order', { body: '{' }))).reason, 'HOOK_THREW');
    });
  });

  hooks('auth: accept makes a session, reply refuses', async () => {
    await withPlugins([['who', 'auth', file]], { isolation }, async ({ run }) => {
      const answer = await run('who', { headers: { Authorization: 'ada' } });
      const state = SessionState.decode(answer.session as Uint8Array);
      assert.is(state.rate, 100);
      assert.is(state.per, 1.5);
      assert.is(state.quotaMax, -1n);
      assert.is(state.quotaRenewalRate, 3600n);
      assert.is(state.expires, 1_893_456_000n);
      assert.is(state.alias, 'Ada');
      assert.equal(state.tags, ['t1', 't2']);
      assert.equal(state.applyPolicies, ['p1']);
      assert.equal(state.metadata, { plan: 'gold', token: 'ada' });
      assert.is(state.accessRights.orders?.apiName, 'Orders');
      assert.equal(state.accessRights.orders?.versions, ['Default']);
      assert.is((await run('who')).reply?.status, 403);
    });
  });

  hooks('post_key_auth: the session is there to be read', async () => {
    await withPlugins([['known', 'postKeyAuth', file]], { isolation }, async ({ run }) => {
      assert.equal((await run('known', { session })).request?.setHeaders, [
        ['x-rate', '10.5'],
        ['x-quota', '-1'],
        ['x-plan', 'gold'],
      ]);
      assert.equal((await run('known')).request?.setHeaders?.[2], ['x-plan', 'none']);
    });
  });

  hooks('post: trace context, deadline and organisation are known', async () => {
    await withPlugins([['trace', 'post', file]], { isolation }, async ({ run }) => {
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      assert.equal((await run('trace', { traceparent })).request?.setHeaders, [
        ['x-trace', traceparent],
        ['x-left', 'enough'],
        ['x-org', 'acme'],
      ]);
    });
  });

  hooks('response: status, headers and body are rewritten, with a look at the request', async () => {
    const set = [
      ['mask', 'response', file],
      ['look', 'response', file],
    ] as const;
    await withPlugins(set, { isolation }, async ({ run, report }) => {
      assert.equal(report('look'), { ready: true, body: 'none' });
      const headers = ['Set-Cookie', 'a=1', 'X-Powered-By', 'php', 'Content-Type', 'text/plain'];
      const { response } = await run('mask', {
        url: 'http://upstream/details?x=1',
        response: { status: 200, headers, body: 'card 1234 5678' },
      });
      assert.is(response?.status, 203);
      assert.is(response?.body?.toString(), 'card **** ****');
      assert.equal(response?.headers, [
        ['Set-Cookie', 'a=1'],
        ['Content-Type', 'text/plain'],
        ['Set-Cookie', 'b=2'],
        ['x-path', '/details'],
      ]);
      assert.is((await run('look', { response: { status: 200, headers } })).response, undefined);
    });
  });

  hooks('what a hook sees of a request: text, first values, the host', async () => {
    await withPlugins([['list', 'pre', file]], { isolation }, async ({ run }) => {
      const { reply } = await run('list', {
        url: '/a%20b?n=%C3%A4&n=2',
        headers: { 'x-name': 'Bär' },
        rawHeaders: ['X-Name', 'second', 'X-Latin', '\xe4'],
      });
      assert.equal(JSON.parse(String(reply?.body)), [
        ['X-Name', 'Bär'],
        ['X-Latin', '\ufffd'],
        ['Host', 'api.example'],
        ['n', 'ä'],
        ['n', '2'],
        '/a%20b?n=%C3%A4&n=2',
        'api.example',
      ]);
    });
  });

  hooks('the gateway is asked, and its refusal is an error that can be caught', async () => {
    await withPlugins([['ask', 'pre', file]], { isolation }, async ({ run }) => {
      assert.equal((await run('ask')).request?.setHeaders, [
        ['x-found', 'k1'],
        ['x-refused', 'no service no.such'],
      ]);
    });
  });

  hooks('an answer that its phase does not have is refused', async () => {
    await withPlugins([['wrong', 'pre', file]], { isolation }, async ({ run }) => {
      const { reason, message } = await failure(run('wrong'));
      assert.is(reason, 'REPLY_INVALID');
      assert.match(
        message,
        /a hook of phase pre returns reply\(\.\.\.\) or nothing; this one returned an object with status/,
      );
    });
  });

  hooks('npm packages are bundled, ES modules and CommonJS', async () => {
    const files = {
      'plugin.ts': `
        import { pre } from 'interpose/plugin';
        import { greet } from 'greet';
        import shout from 'shout';
        export const hello = pre((request) => { request.headers.set('x-greeting', shout(greet('ada'))); });`,
      'node_modules/greet/package.json': '{"name":"greet","type":"module","exports":"./index.js"}',
      'node_modules/greet/index.js': "export const greet = (name) => 'hello ' + name;",
      'node_modules/shout/package.json': '{"name":"shout","main":"./lib/shout.js"}',
      'node_modules/shout/lib/shout.js': `
        const { EOL } = require('node:os');
        module.exports = (text) => text.toUpperCase().replaceAll(EOL, '');`,
    };
    await withFolder(files, async ({ path }) => {
      await withPlugins([['hello', 'pre', 'plugin.ts']], { isolation, pluginsFolder: path }, async ({ run }) => {
        assert.equal((await run('hello')).request?.setHeaders, [['x-greeting', 'HELLO ADA']]);
      });
    });
  });

  hooks('modules of one set share their state', async () => {
    const set = [
      ['first', 'pre', 'state/first.ts'],
      ['second', 'pre', 'state/second.ts'],
    ] as const;
    await withPlugins(set, { isolation, apiId: `shared-${isolation}` }, async ({ run }) => {
      assert.is((await run('first')).reply?.body.toString(), '1');
      assert.is((await run('second')).reply?.body.toString(), '2');
    });
  });

  hooks('two sets never see each other, even with the same source', async () => {
    const set = [['first', 'pre', 'state/first.ts']] as const;
    await withPlugins(set, { isolation, apiId: `a-${isolation}` }, async (one) => {
      await withPlugins(set, { isolation, apiId: `b-${isolation}` }, async (other) => {
        const bodies = await Promise.all([one.run('first'), one.run('first'), other.run('first')]);
        assert.equal(
          bodies.map(({ reply }) => reply?.body.toString()),
          ['1', '2', '1'],
        );
      });
    });
  });

  hooks.run();
}
