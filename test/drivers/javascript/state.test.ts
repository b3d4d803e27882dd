import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { headerOf, hookText, withJavaScript } from './with-javascript.ts';

const state = suite('what a run leaves behind');

/** Scripts whose hook tells how often it ran, as far as it can see; how many contexts that takes is not its concern. */
const counters: Record<string, { around: string; body: string; apart: boolean }> = {
  'a global number': { around: 'var n = 0;', body: 'n++; var seen = n;', apart: false },
  'a global object': { around: 'var box = {in: {n: 0}};', body: 'box.in.n++; var seen = box.in.n;', apart: false },
  'a global list': { around: 'var list = [];', body: 'list.push(1); var seen = list.length;', apart: false },
  'an implicit global': {
    around: '',
    body: "late = typeof late === 'undefined' ? 1 : late + 1; var seen = late;",
    apart: false,
  },
  'a top-level let': { around: 'let n = 0;', body: 'n++; var seen = n;', apart: false },
  'a top-level const object': { around: 'const box = {n: 0};', body: 'box.n++; var seen = box.n;', apart: false },
  'a property of a function': { around: 'function f() {} f.n = 0;', body: 'f.n++; var seen = f.n;', apart: false },
  'a property of the hook': { around: '', body: 'hook.n = (hook.n || 0) + 1; var seen = hook.n;', apart: false },
  'a property of TykJS': { around: '', body: 'TykJS.n = (TykJS.n || 0) + 1; var seen = TykJS.n;', apart: false },
  config_data: { around: '', body: 'config.config_data.n++; var seen = config.config_data.n;', apart: false },
  'a deleted global': {
    around: 'var n = 1;',
    body: 'var seen = typeof n === "number" ? 1 : 2; n = undefined;',
    apart: false,
  },
  'a class with a static field': { around: 'class C { static n = 0; }', body: 'C.n++; var seen = C.n;', apart: false },
  'a closure': {
    around: 'var next = (function () { var n = 0; return function () { return ++n; }; })();',
    body: 'var seen = next();',
    apart: true,
  },
  'a list in a closure': {
    around: 'var add = (function () { var l = []; return function () { return l.push(1); }; })();',
    body: 'var seen = add();',
    apart: true,
  },
  'a map': { around: 'var m = new Map();', body: 'm.set(m.size, 1); var seen = m.size;', apart: true },
  'a prototype': { around: '', body: 'Array.prototype.n = ([].n || 0) + 1; var seen = [].n;', apart: true },
  'a promise': {
    around: 'var n = 0;',
    body: 'var seen = n + 1; Promise.resolve().then(function () { n++; });',
    apart: true,
  },
  eval: { around: 'var n = 0;', body: "eval('n++'); var seen = n;", apart: true },
};

state('whatever a run changed is as it was loaded in the next one', async () => {
  await withJavaScript({}, async ({ load, log }) => {
    for (const [name, { around, body, apart }] of Object.entries(counters)) {
      log.length = 0;
      const files = { 'a.js': hookText(`${body} request.SetHeaders['X-N'] = String(seen);`, around) };
      const { run } = await load(files, [{}], { configData: { n: 0 } });
      for (let i = 0; i < 6; i++) assert.is(headerOf(await run(), 'X-N'), '1', name);
      assert.is(
        log.some(({ message }) => message.includes('fresh context')),
        apart,
        name,
      );
    }
  });
});

state('a module made by a function that shares nothing which changes keeps its context', async () => {
  await withJavaScript({}, async ({ load, log }) => {
    const around = 'var lib = (function () { function shout(s) { return s + "!"; } return { shout: shout }; })();';
    const { run } = await load({ 'a.js': hookText("request.SetHeaders['X-A'] = lib.shout('hi');", around) });
    assert.is(headerOf(await run(), 'X-A'), 'hi!');
    assert.not.ok(log.some(({ message }) => message.includes('fresh context')));
  });
});

state('APIs do not see each other', async () => {
  await withJavaScript({}, async ({ load }) => {
    const text = hookText(
      "request.SetHeaders['X-S'] = typeof secret + Object.keys({}.constructor.prototype).length; secret = 1;",
    );
    const [a, b] = [await load({ 'a.js': text }), await load({ 'b.js': text })];
    for (const { run } of [a, b, a, b]) assert.is(headerOf(await run(), 'X-S'), 'undefined0');
  });
});

state(
  'a hook that waits for the host runs on from there, with its globals and its log as if it had never stopped',
  async () => {
    await withJavaScript({}, async (scripts) => {
      scripts.answer = (_, args) => ({ alias: (args as { key: string }).key });
      const { run } = await scripts.load({
        'a.js': hookText(
          "n++; log('before'); var a = JSON.parse(TykGetKeyData('one', 'x')).alias; log('between');" +
            " try { var b = JSON.parse(TykGetKeyData(a + '-two', 'x')).alias; } catch (e) { b = 'caught'; }" +
            " request.SetHeaders['X-Out'] = [n, a, b].join(); log('after');",
          'var n = 0;',
        ),
      });
      assert.is(headerOf(await run(), 'X-Out'), '1,one,one-two');
      assert.equal(
        scripts.asked.map(({ args }) => (args as { key: string }).key),
        ['one', 'one-two'],
      );
      const lines = scripts.log.map(({ message }) => message).filter((line) => /before|between|after/.test(line));
      assert.equal(lines, ['before', 'between', 'after']);
    });
  },
);

state(
  'what a hook drew from chance and from the clock before it waited for the host is still so afterwards',
  async () => {
    await withJavaScript({}, async (scripts) => {
      scripts.answer = () => new Promise((resolve) => setTimeout(() => resolve(null), 20));
      const draw =
        "[Math.random(), Date.now(), new Date().getTime(), +new (class extends Date {})(), Date()].join('|')";
      for (const around of ['', 'var seen = new Map();']) {
        scripts.asked.length = 0;
        const { run } = await scripts.load({
          'a.js': hookText(
            `var a = ${draw}; TykSetKeyData('first', JSON.stringify({alias: a}), '1');` +
              ` var start = Date.now(); while (Date.now() < start + 3);` +
              ` var b = ${draw}; TykSetKeyData('second', JSON.stringify({alias: b}), '1');` +
              " request.SetHeaders['X-Out'] = [a, b, Math.random()].join();",
            around,
          ),
        });
        const tokens = new Set<string>();
        for (let i = 0; i < 3; i++) {
          const [a = '', b = '', c = ''] = headerOf(await run(), 'X-Out')?.split(',') ?? [];
          const sent = scripts.asked
            .splice(0)
            .map(({ args }) => (args as { session: { alias: string } }).session.alias);
          assert.equal([a, b], sent);
          for (const text of [a, b, c]) tokens.add(text.split('|')[0] as string);
        }
        assert.is(tokens.size, 9);
      }
    });
  },
);

state('a hook that catches everything does not see that it was stopped, in its log either', async () => {
  await withJavaScript({}, async (scripts) => {
    scripts.answer = () => true;
    const { run } = await scripts.load({
      'a.js': hookText(
        "var got; try { got = TykStorageSetNX('a', 'b', 5); log('claimed ' + got); } catch (e) { log('no store: ' + e); }" +
          " finally { log('done'); } request.SetHeaders['X-Out'] = String(got);",
      ),
    });
    assert.is(headerOf(await run(), 'X-Out'), 'true');
    assert.equal(
      scripts.log.map(({ message }) => message).filter((line) => /claimed|no store|done/.test(line)),
      ['claimed true', 'done'],
    );
  });
});

state('event handlers keep their globals, and hooks of the same file do not see them', async () => {
  await withJavaScript({}, async (scripts) => {
    const text =
      'var n = 0; var handler = new TykJS.TykEventHandlers.NewEventHandler({});' +
      " handler.NewHandler(function (event, context) { n++; TykSetKeyData('seen', JSON.stringify({alias: event.Type + n}), '1'); });";
    const { run } = await scripts.load({ 'a.js': text }, [{ type: 'event', name: 'handler' }]);
    const payload = JSON.stringify({
      message: { Type: 'KeyExpired', Meta: {}, TimeStamp: '' },
      spec: { APIID: 'a', OrgID: 'o' },
    });
    for (let i = 0; i < 2; i++) await run(0, { body: payload });
    assert.equal(
      scripts.asked.map(({ args }) => (args as { session: { alias: string } }).session.alias),
      ['KeyExpired1', 'KeyExpired2'],
    );
  });
});

state.run();
