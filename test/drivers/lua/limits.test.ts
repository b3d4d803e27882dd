import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLuaDriver } from '../../../drivers/lua/index.ts';
import { failure, RecordingHost } from '../guest/with-guest.ts';
import { pluginSet } from '../hook-call.ts';
import { engines, setHeaders, withLua } from './with-lua.ts';

/** Loops, bombs and secrets, on both engines. */
const bad = `
  function loop(request) while true do end end
  function bomb(request)
    local t = {}
    while true do t[#t + 1] = string.rep('x', 1024 * 1024) .. #t end
  end
  function deep(request) local function f() return f() + 1 end return f() end
  function secret(request)
    tyk.req.set_header('X', tostring(os.getenv('LUA_TEST_SECRET')) .. tostring(os.getenv('LUA_TEST_GIVEN')))
    return request
  end
  function fine(request) tyk.req.set_header('X', 'fine') return request end`;
const files = { 'middleware/lua/bad.lua': bad };
const hooks = ['loop', 'bomb', 'deep', 'secret', 'fine'].map((name) => [name, 'pre'] as const);

for (const engine of engines) {
  const limits = suite(`limits of Lua plugins, on ${engine}`);

  limits('an endless loop ends at its deadline, and the guest is back at once', async () => {
    await withLua({ engine, files, hooks, driver: { cancelGraceMs: 50 } }, async ({ run, host }) => {
      const beganMs = performance.now();
      assert.is((await failure(run('loop', { timeoutMs: 100 }))).reason, 'HOOK_TIMED_OUT');
      assert.ok(performance.now() - beganMs < 1000);
      // It is deaf, but not gone yet.
      assert.equal(setHeaders(await run('fine')), { X: 'fine' });
      await host.line(({ message }) => message.includes('it ignored the end of a call'));
      assert.equal(setHeaders(await run('fine')), { X: 'fine' });
    });
  });

  limits('a memory bomb fails its call, and the guest is back', async () => {
    await withLua({ engine, files, hooks, driver: { memoryLimitBytes: 32 * 1024 * 1024 } }, async ({ run }) => {
      const { reason } = await failure(run('bomb'));
      assert.ok(reason === 'HOOK_THREW' || reason === 'DRIVER_UNAVAILABLE', reason);
      assert.equal(setHeaders(await run('fine')), { X: 'fine' });
    });
  });

  limits('endless recursion fails its call alone', async () => {
    await withLua({ engine, files, hooks }, async ({ run }) => {
      // How much stack is left for telling of it differs from time to time.
      for (let i = 0; i < 20; i++) assert.match((await failure(run('deep'))).message, /stack overflow/);
      assert.equal(setHeaders(await run('fine')), { X: 'fine' });
    });
  });

  limits("the gateway's environment stays with the gateway", async () => {
    process.env.LUA_TEST_SECRET = 'secret';
    await withLua({ engine, files, hooks, driver: { env: { LUA_TEST_GIVEN: 'given' } } }, async ({ run }) => {
      assert.equal(setHeaders(await run('secret')), { X: engine === 'luajit' ? 'nilgiven' : 'nilnil' });
    });
  });

  limits('three hundred calls at once are answered each with its own', async () => {
    const echo = {
      'echo.lua': `function echo(request) tyk.req.set_header('X', request.headers['X-N']) return request end`,
    };
    await withLua({ engine, files: echo, hooks: [['echo', 'pre', 'echo.lua']] }, async ({ run }) => {
      const answers = await Promise.all(
        Array.from({ length: 300 }, (_, i) => run('echo', { headers: { 'X-N': String(i) } })),
      );
      assert.equal(
        answers.map((answer) => setHeaders(answer).X),
        answers.map((_, i) => String(i)),
      );
    });
  });

  limits.run();
}

const choice = suite('choice of the Lua engine');

choice('auto takes the WebAssembly engine where LuaJIT is not installed, and says so', async () => {
  const driver = { engine: 'auto' as const, interpreter: 'no-such-luajit' };
  await withLua({ engine: 'wasm', files, hooks: [['fine', 'pre']], driver }, async ({ run, host }) => {
    assert.equal(setHeaders(await run('fine')), { X: 'fine' });
    await host.line(({ message }) =>
      message.includes('Lua 5.4, WebAssembly), since there is no program "no-such-luajit"'),
    );
  });
});

choice('LuaJIT that is asked for and not installed is a load error that names the cure', async () => {
  const { log } = new RecordingHost();
  const driver = createLuaDriver({ engine: 'luajit', interpreter: '/no/luajit', pluginsFolders: [], log });
  const set = pluginSet('lua', [['fine', 'pre', '']]);
  const { message } = await failure(driver.load(set, set.hooks, { log, request: async () => undefined }));
  assert.match(message, /there is no program "\/no\/luajit": install LuaJIT, or set lua\.interpreter/);
  await driver.close();
});

choice.run();
