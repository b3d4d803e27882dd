import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { engines, setHeaders, withLua } from './with-lua.ts';

/** What lasts from one call to the next (nothing), and which files a hook finds. */
for (const engine of engines) {
  const globals = suite(`globals of Lua plugins, on ${engine}`);

  globals('nothing that a call leaves in a global, a file local or a standard library reaches the next', async () => {
    const files = {
      'middleware/lua/count.lua': `
        local n = 0
        total = 0
        function count(request)
          n, total = n + 1, total + 1
          seen = (seen or 0) + 1
          string.seen = (string.seen or 0) + 1
          math.pi = math.pi + 1
          _G.other = (_G.other or 0) + 1
          tyk.session.n = (tyk.session.n or 0) + 1
          tyk.req.set_header('X', table.concat({n, total, seen, string.seen, math.floor(math.pi), _G.other, tyk.session.n}, ' '))
          return request
        end`,
    };
    await withLua({ engine, files, hooks: [['count', 'pre']] }, async ({ run }) => {
      for (let i = 0; i < 3; i++) assert.equal(setHeaders(await run('count')), { X: '1 1 1 1 4 1 1' });
    });
  });

  globals('what a plugin adds to string can be called as a method', async () => {
    const files = {
      'middleware/lua/trim.lua': `function string.trim(s) return (s:gsub('^%s+', ''):gsub('%s+$', '')) end`,
      'middleware/lua/use.lua': `function use(request) tyk.req.set_header('X', ('  a b '):trim() .. '|') return request end`,
    };
    await withLua({ engine, files, hooks: [['use', 'pre']] }, async ({ run }) => {
      for (let i = 0; i < 2; i++) assert.equal(setHeaders(await run('use')), { X: 'a b|' });
    });
  });

  globals('files see each other, and require finds modules beside them, afresh for each call', async () => {
    const files = {
      'middleware/lua/a_first.lua': `function first(request) tyk.req.set_header('X', helper('x') .. module_value()) return request end`,
      'middleware/lua/b_helper.lua': `function helper(text) return suffix .. text end suffix = '-'`,
      'middleware/lua/c_module.lua': `local m = require 'lib.counter' function module_value() return m.next() .. m.next() end`,
      'lib/counter.lua': `local n = 0 return {next = function() n = n + 1 return n end}`,
      'middleware/lua/d_broken.lua': `function ( this is no Lua`,
      'middleware/lua/e_throws.lua': `function late(request) return request end error('while loading')`,
    };
    await withLua(
      {
        engine,
        files,
        hooks: [
          ['first', 'pre'],
          ['late', 'pre'],
        ],
      },
      async ({ run, loaded, host }) => {
        assert.ok(loaded.reports.every((report) => report.ready));
        for (let i = 0; i < 2; i++) assert.equal(setHeaders(await run('first')), { X: '-x12' });
        await host.line(({ level, message }) => level === 'warn' && message.includes('middleware/lua/d_broken.lua:1:'));
        await host.line(({ level, message }) => level === 'warn' && message.includes('while loading'));
      },
    );
  });

  globals('a function that no file has is reported, with the reason why a file has none', async () => {
    const files = { 'middleware/lua/broken.lua': 'function gone(request)\n  return request session\nend' };
    await withLua({ engine, files, hooks: [['gone', 'pre', 'no/such.lua']] }, async ({ loaded }) => {
      const [report] = loaded.reports;
      assert.is(report?.ready, false);
      const { reason } = report as { reason: string };
      assert.match(
        reason,
        /no function "gone": there is no file no\/such\.lua, and it is not in middleware\/lua\/broken\.lua/,
      );
      assert.match(reason, /broken\.lua:2: .*session/);
    });
  });

  globals(
    "a hook's own file comes first; a bundle's files go by its manifest, and a path never leaves it",
    async () => {
      const files = {
        'one.lua': `function stamp(request) tyk.req.set_header('X', 'one') return request end`,
        'middleware/lua/stamp.lua': `function stamp(request) tyk.req.set_header('X', 'shared') return request end`,
        'bundle/manifest.json': JSON.stringify({ file_list: ['in.lua', '../outside.lua'] }),
        'bundle/in.lua': `function bundled(request) tyk.req.set_header('X', 'bundle') return request end`,
        'outside.lua': 'function outside(request) return request end',
      };
      await withLua({ engine, files, hooks: [['stamp', 'pre', 'one.lua']] }, async ({ run }) => {
        assert.equal(setHeaders(await run('stamp')), { X: 'one' });
      });
      const hooks = [
        ['bundled', 'pre'],
        ['outside', 'pre', '../outside.lua'],
      ] as const;
      await withLua({ engine, files, hooks, bundle: 'bundle' }, async ({ loaded, run }) => {
        assert.equal(
          loaded.reports.map(({ ready }) => ready),
          [true, false],
        );
        assert.equal(setHeaders(await run('bundled')), { X: 'bundle' });
      });
    },
  );

  globals('a hook that reads no body lets it stream past', async () => {
    const files = {
      'head.lua': `function head(request) tyk.req.set_header('X', '1') return request end`,
      'all.lua': `function all(request) for name in pairs(request) do tyk.req.set_header(name, '1') end return request end`,
    };
    await withLua({ engine, files, hooks: [['head', 'pre', 'head.lua']] }, async ({ loaded }) => {
      assert.equal(loaded.reports, [{ ready: true, body: 'none' }]);
    });
    await withLua({ engine, files, hooks: [['all', 'pre', 'all.lua']] }, async ({ loaded }) => {
      assert.equal(loaded.reports, [{ ready: true, body: 'buffered' }]);
    });
  });

  globals('idioms of Lua 5.1 work: unpack, loadstring, setfenv where it is, bit, cjson, strict globals', async () => {
    const files = {
      'middleware/lua/idioms.lua': `
        local cjson = require 'cjson'
        setmetatable(_G, {__newindex = function(t, k, v) rawset(t, k, v) end, __index = function(t, k) error('undeclared ' .. k) end})
        function idioms(request)
          local decoded = cjson.decode('{"a":[1,2.5,"\\\\u00e4\\\\n",null,true],"b":{}}')
          local made = loadstring('return tyk ~= nil and table.getn ~= false')()
          tyk.req.set_header('X', table.concat({unpack({1, 2})}, ',') .. tostring(made) .. bit.band(12, 10) .. decoded.a[3]
            .. tostring(decoded.a[4] == cjson.null) .. cjson.encode({1, 'x', {y = false}}))
          local ok, why = pcall(function() return undeclared_thing end)
          tyk.req.set_header('Y', tostring(ok))
          return request
        end`,
    };
    await withLua({ engine, files, hooks: [['idioms', 'pre']] }, async ({ run }) => {
      for (let i = 0; i < 2; i++) {
        assert.equal(setHeaders(await run('idioms')), { X: '1,2true8ä\ntrue[1,"x",{"y":false}]', Y: 'false' });
      }
    });
  });

  globals.run();
}
