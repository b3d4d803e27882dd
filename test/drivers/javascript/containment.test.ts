import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, headerOf, hookText, withJavaScript } from './with-javascript.ts';

const containment = suite('what hostile scripts can do');

const good = hookText("request.SetHeaders['X-Ok'] = '1';");

const loops: Record<string, string> = {
  'an endless loop': 'while (true) {}',
  'an endless loop of microtasks': 'function again() { Promise.resolve().then(again); } again();',
  'a regular expression that explodes': "/^(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!');",
  'a sort that never ends': '[1, 2, 3].sort(function () { while (true) {} });',
};

for (const [name, body] of Object.entries(loops)) {
  containment(`${name} is stopped at its limit, and other scripts go on`, async () => {
    await withJavaScript({ cpuMs: 50 }, async ({ load }) => {
      const [bad, other] = [await load({ 'bad.js': hookText(body) }), await load({ 'good.js': good })];
      const start = performance.now();
      assert.is(await failureOf(bad.run()), 'HOOK_TIMED_OUT');
      assert.ok(performance.now() - start < 1000);
      assert.is(headerOf(await other.run(), 'X-Ok'), '1');
    });
  });
}

const bombs: Record<string, string> = {
  'an array that grows without end': 'var a = []; while (true) a.push(new Array(1000).join("x") + a.length);',
  'one huge array': 'new Array(1e9).fill(1);',
  'a map that grows without end': 'var m = new Map(); for (var i = 0; ; i++) m.set(i, i);',
  'a string of two gigabytes': "var s = 'x'; while (true) s += s;",
  'many array buffers': 'var b = []; while (true) b.push(new ArrayBuffer(16777216));',
  'recursion without end': 'function deep() { return deep() + 1; } deep();',
};

for (const [name, body] of Object.entries(bombs)) {
  containment(`${name} fails alone, and other scripts are served within a second`, async () => {
    await withJavaScript({ memoryLimitBytes: 32 * 1024 * 1024, cpuMs: 300 }, async ({ load }) => {
      const [bad, other] = [await load({ 'bad.js': hookText(body) }), await load({ 'good.js': good })];
      assert.is.not(await failureOf(bad.run()), 'it did not fail');
      const start = performance.now();
      assert.is(headerOf(await other.run(), 'X-Ok'), '1');
      assert.ok(performance.now() - start < 1000, `it took ${performance.now() - start} ms`);
    });
  });
}

containment(
  'a set that keeps running into its limits gets a guest of its own, and is then refused for a while',
  async () => {
    await withJavaScript({ cpuMs: 20 }, async ({ load, log }) => {
      const bad = await load({ 'bad.js': hookText('while (true) {}') });
      const reasons: string[] = [];
      for (let i = 0; i < 8; i++) reasons.push(await failureOf(bad.run()));
      assert.ok(log.some(({ message }) => message.includes('get a guest of their own')));
      assert.ok(reasons.includes('OVERLOADED'), reasons.join());
    });
  },
);

containment('nobody waits behind a script that goes on and on', async () => {
  await withJavaScript({ cpuMs: 3000, processes: 2 }, async ({ load }) => {
    const bad = await load({ 'bad.js': hookText('while (true) {}') });
    // Of three sets on two guests, one shares the guest of the first.
    const others = [await load({ 'good.js': good }), await load({ 'good.js': good })];
    let over = false;
    const failed = failureOf(bad.run()).finally(() => {
      over = true;
    });
    // So long a guest may say nothing before it counts as held up.
    for (const startMs = performance.now(); performance.now() - startMs < 200; ) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (let i = 0; i < 20; i++) {
      for (const { run } of others) assert.is(headerOf(await run(), 'X-Ok'), '1');
    }
    assert.not(over, 'they were served after it');
    assert.is(await failed, 'HOOK_TIMED_OUT');
  });
});

containment('of calls that come together, those that go wrong fail alone', async () => {
  const text = hookText(
    "var what = (request.Headers['X-What'] || [''])[0]; if (what === 'loop') while (true) {} if (what === 'throw') null.x;" +
      " log('ran ' + what); if (what === 'wait') TykStorageGet('k'); request.SetHeaders['X-Did'] = what; request.Body = what + request.Body;",
  );
  await withJavaScript({ cpuMs: 50 }, async ({ load, log }) => {
    const { run } = await load({ 'a.js': text });
    const ask = (what: string) => run(0, { headers: ['X-What', what], body: what.repeat(3) });
    for (const bad of ['throw', 'loop', 'throw']) {
      log.length = 0;
      const names = Array.from({ length: 40 }, (_, i) => (i % 7 === 0 ? 'wait' : `call ${i}`));
      const failed = failureOf(ask(bad));
      const answers = await Promise.all(names.map(ask));
      assert.is(await failed, bad === 'throw' ? 'HOOK_THREW' : 'HOOK_TIMED_OUT');
      assert.equal(
        answers.map((answer) => [headerOf(answer, 'X-Did'), String(answer.request?.body)]),
        names.map((name) => [name, name.repeat(4)]),
      );
      // What was run again has told its lines once.
      assert.equal(
        log
          .map(({ message }) => message)
          .filter((line) => line.startsWith('ran '))
          .toSorted(),
        names.map((name) => `ran ${name}`).toSorted(),
      );
    }
  });
});

const escapes: Record<string, string> = {
  'the constructor of a function': "out = this.constructor.constructor('return typeof process')();",
  'the constructor of an argument': "out = request.constructor.constructor('return typeof process')();",
  'the constructor of a built-in': "out = TykMakeHttpRequest.constructor('return typeof process')();",
  'the constructor of an error':
    "try { null.x } catch (e) { out = e.constructor.constructor('return typeof process')(); }",
  'the stack of an error':
    'Error.prepareStackTrace = function (e, frames) { return frames.slice(1).map(function (f) { return typeof f.getThis() + typeof f.getFunction(); }); };' +
    " try { null.x } catch (e) { out = /object|function/.test(String(e.stack)) ? 'reached ' + e.stack : 'undefined'; }",
  'the caller of the hook':
    "var f = arguments.callee; try { out = f.caller === null ? 'undefined' : typeof f.caller; } catch (e) { out = 'undefined'; }",
  'a proxy as exception':
    'try { throw new Proxy({}, { get: function () { return 1; } }); } catch (e) { out = typeof process; }',
  'an asynchronous function': "out = (async function () {}).constructor('return typeof process') ? typeof process : 1;",
  'dynamic import':
    "out = typeof process; try { import('node:fs').then(function () {}, function () {}); } catch (e) {}",
  'shared memory and waiting':
    "out = typeof SharedArrayBuffer === 'undefined' && typeof Atomics === 'undefined' ? 'undefined' : 'there';",
  'modules of Node': "out = typeof require === 'undefined' && typeof module === 'undefined' ? 'undefined' : 'there';",
};

containment('nothing that a script can reach leads to the host', async () => {
  await withJavaScript({}, async ({ load }) => {
    for (const [name, body] of Object.entries(escapes)) {
      const text = hookText(`var out = 'none'; ${body} request.SetHeaders['X-Out'] = String(out);`);
      assert.is(headerOf(await (await load({ 'out.js': text })).run(), 'X-Out'), 'undefined', name);
    }
  });
});

containment('a text that an attacker chooses does not become a property of everything', async () => {
  await withJavaScript({}, async ({ load }) => {
    const { run } = await load({
      'a.js': hookText(
        "var out = {}; var k = request.Headers['X-Key'][0]; (out[k] = out[k] || {})['polluted'] = 'yes';" +
          " request.SetHeaders['X-P'] = String({}.polluted);",
      ),
    });
    assert.is(headerOf(await run(0, { headers: ['X-Key', '__proto__'] }), 'X-P'), 'undefined');
    assert.is(headerOf(await run(0, { headers: ['X-Key', 'constructor'] }), 'X-P'), 'undefined');
  });
});

containment('a proxy, or an object with a getter that throws, is a failed hook and no more', async () => {
  await withJavaScript({}, async ({ load }) => {
    const { run } = await load({
      'a.js': hookText("request.SetHeaders = new Proxy({}, { ownKeys: function () { throw new Error('no'); } });"),
    });
    assert.is(await failureOf(run()), 'HOOK_THREW');
  });
});

containment('lines that a script logs are kept and bounded', async () => {
  await withJavaScript({}, async ({ load, log }) => {
    const { run } = await load({ 'a.js': hookText("for (var i = 0; i < 5000; i++) log('line ' + i);") });
    await run();
    const lines = log.filter(({ message }) => message.startsWith('line '));
    assert.ok(lines.length >= 900 && lines.length <= 1000, String(lines.length));
  });
});

containment('private addresses are out of reach unless they are allowed', async () => {
  await withJavaScript({}, async ({ load }) => {
    const { run } = await load({
      'a.js': hookText(
        "request.SetHeaders['X-R'] = ['127.0.0.1', 'localhost', '[::1]', '169.254.169.254', '[::ffff:10.0.0.1]', '0x7f000001'].map(function (host) {" +
          " return typeof TykMakeHttpRequest(JSON.stringify({Domain: 'http://' + host + ':1/'})); }).join();",
      ),
    });
    const answer = await run();
    assert.is(headerOf(answer, 'X-R'), new Array(6).fill('undefined').join());
  });
});

containment.run();
