import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SessionState } from '../../../proto/gen/coprocess_session_state.ts';
import { failure } from '../guest/with-guest.ts';
import { engines, setHeaders, withLua } from './with-lua.ts';

/** `interpose`: our own API for Lua, on both engines. */
for (const engine of engines) {
  const api = suite(`the interpose API of Lua, on ${engine}`);

  api('a hook without parameters reads and edits the request in place', async () => {
    const files = {
      'edit.lua': `
        function edit()
          local request = interpose.request
          local seen = {request.method, request.path, request.host, request.scheme, request.headers['x-in'], request.params.a}
          request.headers['x-seen'] = table.concat(seen, ' ')
          request.headers['X-Gone'] = nil
          request.params.page = 3
          request.params.a = nil
          local names = {}
          for name, value in request.headers() do names[#names + 1] = name .. '=' .. value end
          table.sort(names)
          request.headers['X-All'] = table.concat(names, '|')
          request.headers['X-Config'] = interpose.config.plan .. interpose.api_id .. interpose.hook
          request.url = '/new'
          request.method = 'PUT'
        end`,
    };
    const options = { engine, files, hooks: [['edit', 'pre', 'edit.lua']] as const, configData: { plan: 'gold' } };
    await withLua(options, async ({ run }) => {
      const answer = await run('edit', { url: '/orders?a=1', headers: { 'X-In': 'in', 'X-Gone': '1' } });
      assert.equal(setHeaders(answer), {
        'X-Seen': 'GET /orders api.example http in 1',
        'X-All': 'Host=api.example|X-In=in|X-Seen=GET /orders api.example http in 1',
        'X-Config': 'goldordersedit',
      });
      const { deleteHeaders, addParams, deleteParams, url, method } = answer.request ?? {};
      assert.equal(
        [deleteHeaders, addParams, deleteParams, url, method],
        [['X-Gone'], [['page', '3']], ['a'], '/new', 'PUT'],
      );
    });
  });

  api('bodies are bytes: 20 MB of all values come back reversed in part, none is lost', async () => {
    const files = {
      'body.lua': `
        function mark() interpose.request.body = interpose.request.body .. '\\0\\255' end
        function size() interpose.request.headers['X-Size'] = #interpose.request.body end`,
    };
    const body = Buffer.alloc(
      20 * 1024 * 1024,
      Uint8Array.from({ length: 256 }, (_, i) => i),
    );
    const hooks = [
      ['mark', 'pre', 'body.lua'],
      ['size', 'pre', 'body.lua'],
    ] as const;
    await withLua({ engine, files, hooks, driver: { memoryLimitBytes: 256 * 1024 * 1024 } }, async ({ run }) => {
      const marked = (await run('mark', { body })).request?.body as Buffer;
      assert.ok(marked.equals(Buffer.concat([body, Buffer.from([0, 255])])));
      assert.equal(setHeaders(await run('size', { body })), { 'X-Size': String(body.length) });
    });
  });

  api('reply answers the client, reject does so by the error template', async () => {
    const files = {
      'reply.lua': `
        function teapot() return interpose.reply(418, 'short\\0stout', {['X-Tea'] = {'green', 'black'}}) end
        function no(request) interpose.request.headers['X-Too'] = '1' return interpose.reject(403, 'no') end
        function bad() return interpose.reply('fine') end`,
    };
    const hooks = ['teapot', 'no', 'bad'].map((name) => [name, 'pre', 'reply.lua'] as const);
    await withLua({ engine, files, hooks }, async ({ run }) => {
      const { reply } = await run('teapot');
      assert.equal(reply, {
        status: 418,
        headers: [
          ['X-Tea', 'green'],
          ['X-Tea', 'black'],
        ],
        body: Buffer.from('short\0stout'),
        template: false,
      });
      const no = await run('no');
      assert.is(no.reply?.template, true);
      assert.equal(setHeaders(no), { 'X-Too': '1' });
      assert.match((await failure(run('bad'))).message, /interpose\.reply takes a status/);
    });
  });

  api('accept lets a caller in with a session; an auth hook that says nothing lets nobody in', async () => {
    const files = {
      'auth.lua': `
        function who()
          if interpose.request.headers.authorization == 'lua' then
            return interpose.accept('user', {rate = 5, metadata = {plan = 'gold'}})
          end
        end`,
    };
    await withLua({ engine, files, hooks: [['who', 'auth', 'auth.lua']] }, async ({ run }) => {
      const { session } = await run('who', { headers: { Authorization: 'lua' } });
      const { rate, metadata } = SessionState.decode(session as Uint8Array);
      assert.equal([rate, metadata], [5, { plan: 'gold', token: 'user' }]);
      assert.is((await run('who')).session, undefined);
    });
  });

  api('a response hook changes status, headers with several values, and body', async () => {
    const files = {
      'mask.lua': `
        function mask()
          local response = interpose.response
          local cookies = response.headers('set-cookie')
          response.headers['X-Cookies'] = #cookies
          response.headers['Set-Cookie'] = {cookies[2], 'c=3'}
          response.headers['X-Gone'] = nil
          response.status = response.status + 3
          response.body = string.gsub(response.body, '%d', '*')
        end`,
    };
    await withLua({ engine, files, hooks: [['mask', 'response', 'mask.lua']] }, async ({ run }) => {
      const headers = ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Gone', '1', 'X-Up', 'ü'];
      const { response } = await run('mask', { response: { status: 200, headers, body: 'card 1234' } });
      assert.is(response?.status, 203);
      assert.is(response?.body?.toString(), 'card ****');
      assert.equal(
        response?.headers?.map(([name]) => name),
        ['X-Up', 'X-Cookies', 'Set-Cookie', 'Set-Cookie'],
      );
    });
  });

  api('the gateway is asked for services, and what it refuses is an error that can be caught', async () => {
    const files = {
      'ask.lua': `
        function ask()
          local found = interpose.store.get('k')
          local ok, why = pcall(interpose.keys.get, 'x')
          interpose.log('info', 'asked', {n = 1})
          print('printed')
          interpose.request.headers['X'] = found.found .. tostring(ok) .. tostring(why)
        end`,
    };
    await withLua({ engine, files, hooks: [['ask', 'pre', 'ask.lua']] }, async ({ run, host }) => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => run('ask')));
      for (const answer of answers) assert.equal(setHeaders(answer), { X: 'kfalseno service keys.get' });
      const { fields } = await host.line(({ message }) => message === 'asked');
      assert.is(fields?.n, 1);
      await host.line(({ level, message }) => level === 'info' && message === 'printed');
    });
  });

  api("a hook's coroutines may do what the hook may; the hook itself is none", async () => {
    const files = {
      'threads.lua': `
        function threads()
          local headers = interpose.request.headers
          local next = coroutine.wrap(function(...)
            coroutine.yield(interpose.base64.encode(...))
            coroutine.yield(interpose.store.get('k').found)
            error('enough')
          end)
          headers['X-Coded'] = next('text')
          headers['X-Found'] = next()
          headers['X-Over'] = tostring(pcall(next))
          headers['X-Yield'] = select(2, pcall(coroutine.yield, 1))
        end`,
    };
    await withLua({ engine, files, hooks: [['threads', 'pre', 'threads.lua']] }, async ({ run }) => {
      for (let i = 0; i < 3; i++) {
        assert.equal(setHeaders(await run('threads')), {
          'X-Coded': 'dGV4dA==',
          'X-Found': 'k',
          'X-Over': 'false',
          'X-Yield': 'attempt to yield from outside a coroutine',
        });
      }
    });
  });

  api('json and base64 are at hand, and nothing of interpose can be changed', async () => {
    const files = {
      'codec.lua': `
        function codec()
          local headers = interpose.request.headers
          headers['X-Json'] = interpose.json.encode({a = interpose.json.decode('[1,"\\\\ud83d\\\\ude00"]')})
          headers['X-Base64'] = interpose.base64.encode(interpose.base64.decode('AP8='))
          headers['X-Set'] = tostring(pcall(function() interpose.reply = nil end))
          headers['X-Path'] = tostring(pcall(function() interpose.request.path = '/' end))
        end`,
    };
    await withLua({ engine, files, hooks: [['codec', 'pre', 'codec.lua']] }, async ({ run }) => {
      assert.equal(setHeaders(await run('codec')), {
        'X-Json': '{"a":[1,"😀"]}',
        'X-Base64': 'AP8=',
        'X-Set': 'false',
        'X-Path': 'false',
      });
    });
  });

  api.run();
}
