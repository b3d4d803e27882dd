import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SessionState } from '../../../proto/gen/coprocess_session_state.ts';
import { failure } from '../guest/with-guest.ts';
import { engines, setHeaders, withLua } from './with-lua.ts';

/** Plugins as they were written for Tyk, on both engines. */
for (const engine of engines) {
  const tyk = suite(`Lua plugins written for Tyk, on ${engine}`);

  tyk('a hook sees the request under its names, and edits it through tables and through tyk.req', async () => {
    const files = {
      'middleware/lua/edit.lua': `
        function edit(request, session, spec)
          tyk.req.set_header('X-Seen', table.concat({request.method, request.url, request.request_uri, request.scheme,
            request.headers['X-In'], request.headers.Host, request.params.a, tyk.req.get_headers()['X-In'], spec.config_data}, ' '))
          tyk.req.set_header('X-Number', 5)
          tyk.req.clear_header('X-Gone')
          request.add_params = {added = 'x y'}
          request.delete_params = {'gone'}
          request.url = '/other'
          request.method = 'PUT'
          return request, session
        end`,
    };
    await withLua({ engine, files, hooks: [['edit', 'post']], configData: { plan: 'gold' } }, async ({ run }) => {
      const answer = await run('edit', { url: '/orders/1?a=%C3%A4+b&a=2&bad=%zz&semi;=1', headers: { 'X-In': 'ü' } });
      assert.equal(setHeaders(answer), {
        'X-Seen':
          'GET /orders/1?a=%C3%A4+b&a=2&bad=%zz&semi;=1 /orders/1?a=%C3%A4+b&a=2&bad=%zz&semi;=1 http ü api.example ä b ü {"plan":"gold"}',
        'X-Number': '5',
      });
      const { deleteHeaders, addParams, deleteParams, url, method } = answer.request ?? {};
      assert.equal(
        { deleteHeaders, addParams, deleteParams, url, method },
        {
          deleteHeaders: ['X-Gone'],
          addParams: [['added', 'x y']],
          deleteParams: ['gone'],
          url: '/other',
          method: 'PUT',
        },
      );
    });
  });

  tyk('bodies of all byte values come as base64 and go back as they were', async () => {
    const files = {
      'middleware/lua/body.lua': `
        function look(request)
          tyk.req.set_header('X-Raw', request.raw_body or 'none')
          tyk.req.set_header('X-Text', request.body or 'none')
          return request
        end
        function back(request)
          request.raw_body = request.raw_body .. ''
          request.method = 'PATCH'
          return request
        end
        function twice(request)
          request.raw_body = 'AAH/' .. request.raw_body
          return request
        end
        function empty(request) request.raw_body = nil return request end
        function wrong(request) request.raw_body = 'no base64!' return request end`,
    };
    const all = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i));
    const hooks = ['look', 'back', 'twice', 'empty', 'wrong'].map((name) => [name, 'pre'] as const);
    await withLua({ engine, files, hooks }, async ({ run }) => {
      assert.equal(setHeaders(await run('look', { body: all })), { 'X-Raw': all.toString('base64'), 'X-Text': 'none' });
      assert.equal(setHeaders(await run('look', { body: 'schön' })), { 'X-Raw': 'c2Now7Zu', 'X-Text': 'schön' });
      assert.equal(setHeaders(await run('look')), { 'X-Raw': 'none', 'X-Text': 'none' });
      assert.is((await run('back', { body: all })).request?.body, undefined);
      assert.equal(
        (await run('twice', { body: Buffer.from(all.subarray(0, 3)) })).request?.body,
        Buffer.from([0, 1, 255, 0, 1, 2]),
      );
      assert.equal((await run('empty', { body: all })).request?.body, Buffer.alloc(0));
      const { reason, message } = await failure(run('wrong', { body: all }));
      assert.is(reason, 'REPLY_INVALID');
      assert.match(message, /raw_body is not base64/);
    });
  });

  tyk('with raw_body_only the body comes as raw_body alone', async () => {
    const files = {
      'middleware/lua/a.lua': `function look(request)
        tyk.req.set_header('X', request.raw_body .. tostring(request.body)) return request end`,
    };
    await withLua({ engine, files, hooks: [['look', 'pre']], rawBodyOnly: true }, async ({ run }) => {
      assert.equal(setHeaders(await run('look', { body: 'hello' })), { X: 'aGVsbG8=nil' });
    });
  });

  tyk('return_overrides answer the client: by template, or as they are', async () => {
    const files = {
      'middleware/lua/deny.lua': `
        function deny(request)
          local o = request.return_overrides
          o.response_code = tonumber(request.headers['X-Code'])
          o.response_error = 'no "entry"'
          o.override_error = request.headers['X-As-It-Is'] ~= nil
          o.headers = {['X-Why'] = 'closed'}
          return request
        end`,
    };
    await withLua({ engine, files, hooks: [['deny', 'pre']] }, async ({ run }) => {
      const { reply } = await run('deny', { headers: { 'X-Code': '403' } });
      assert.equal(
        { ...reply, body: reply?.body.toString() },
        { status: 403, headers: [['X-Why', 'closed']], body: 'no "entry"', template: true },
      );
      const raw = await run('deny', { headers: { 'X-Code': '403', 'X-As-It-Is': '1' } });
      assert.is(raw.reply?.template, false);
      assert.is((await run('deny', { headers: { 'X-Code': '-1' } })).reply, undefined);
      assert.is((await failure(run('deny', { headers: { 'X-Code': '42' } }))).reason, 'REPLY_INVALID');
    });
  });

  tyk('auth hooks authenticate with three arguments, and with four when the third is called metadata', async () => {
    const files = {
      'middleware/lua/auth.lua': `
        function three(request, session, spec)
          assert(session == nil and spec.APIID == 'orders')
          if request.headers.Authorization == 'lua' then
            return request, {rate = 5, per = 1, quota_max = -1, tags = {'a', 'b'}, metadata = {token = 'user', n = 'x'}}
          end
          return request, session
        end
        function four(request, session, metadata, spec)
          assert(spec.APIID == 'orders')
          session.rate = 7
          metadata.token = 'other'
          return request, session, metadata
        end`,
    };
    await withLua(
      {
        engine,
        files,
        hooks: [
          ['three', 'auth'],
          ['four', 'auth'],
        ],
      },
      async ({ run }) => {
        const session = SessionState.decode(
          (await run('three', { headers: { Authorization: 'lua' } })).session as Uint8Array,
        );
        assert.is(session.rate, 5);
        assert.is(session.quotaMax, -1n);
        assert.equal(session.tags, ['a', 'b']);
        assert.equal(session.metadata, { token: 'user', n: 'x' });
        assert.is((await run('three')).session, undefined);
        const four = await run('four');
        assert.is(SessionState.decode(four.session as Uint8Array).rate, 7);
        assert.equal(four.metadata, [['token', 'other']]);
      },
    );
  });

  tyk('later hooks see the session under its own names', async () => {
    const files = {
      'middleware/lua/after.lua': `function after(request, session)
        tyk.req.set_header('X', session.alias .. session.metadata.token .. session.quota_max) return request, session end`,
    };
    const session = SessionState.encode(
      SessionState.fromPartial({ alias: 'luan', quotaMax: 9n, metadata: { token: 't' } }),
    ).finish();
    await withLua({ engine, files, hooks: [['after', 'post']] }, async ({ run }) => {
      assert.equal(setHeaders(await run('after', { session })), { X: 'luant9' });
    });
  });

  tyk('a response hook changes the global object.response', async () => {
    const files = {
      'middleware/lua/mask.lua': `
        function mask()
          local r = object.response
          r.headers['X-Was'] = tostring(r.status_code) .. #r.multivalue_headers[2].values
          r.status_code = 202
          r.raw_body = 'bmV3'
        end
        function add(request, session)
          local many = object.response.multivalue_headers
          table.insert(many[2].values, 'c=3')
          return request, session
        end
        function leave(request) return request end`,
    };
    const response = { status: 200, headers: ['X-Up', '1', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'], body: 'old' };
    const hooks = ['mask', 'add', 'leave'].map((name) => [name, 'response'] as const);
    await withLua({ engine, files, hooks }, async ({ run }) => {
      const masked = (await run('mask', { response })).response;
      assert.is(masked?.status, 202);
      assert.is(masked?.body?.toString(), 'new');
      assert.equal(masked?.headers, [
        ['X-Was', '2002'],
        ['X-Up', '1'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ]);
      assert.equal((await run('add', { response })).response?.headers?.slice(1), [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['Set-Cookie', 'c=3'],
      ]);
      assert.is((await run('leave', { response })).response, undefined);
    });
  });

  tyk('a Lua error fails the call, with file and line; a hook that returns nothing fails too', async () => {
    const files = {
      'middleware/lua/broken.lua': `
        function broken(request)
          error('out of luck')
        end
        function silent(request) end
        function odd(request) return 'fine' end
        function exits(request) os.exit(3) end
        function fine(request) return request end`,
    };
    const hooks = ['broken', 'silent', 'odd', 'exits', 'fine'].map((name) => [name, 'pre'] as const);
    await withLua({ engine, files, hooks }, async ({ run }) => {
      const broken = await failure(run('broken'));
      assert.is(broken.reason, 'HOOK_THREW');
      assert.match(broken.message, /middleware\/lua\/broken\.lua:3: out of luck/);
      assert.is((await failure(run('silent'))).reason, 'REPLY_INVALID');
      assert.match((await failure(run('odd'))).message, /must return the request as a table, got string/);
      assert.match((await failure(run('exits'))).message, /os\.exit would end the process/);
      await run('fine');
    });
  });

  tyk.run();
}
