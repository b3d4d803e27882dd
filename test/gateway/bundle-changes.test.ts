import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BundleSpec } from '../conformance/peers/bundle.ts';
import { bad, python, stamping, until, withPolling } from './with-polling.ts';

const changes = suite('changes of bundles');

const startTimeoutMs = 1500;

changes('two coprocesses: what one has found the other fetches, and both serve it, also after a restart', async () => {
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
  changes(`a bundle in ${language} changes, and stays as it was where the new one does not load`, async () => {
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

changes('reloads that come while a bundle changes end on the new one', async () => {
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

changes(
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

changes('a revision that never loads in time is refused after three tries', async () => {
  await withPolling(
    'two services',
    { 'a.zip': stamping('old') },
    async ({ server, headers, health }) => {
      assert.is((await headers())['x-bundle'], 'old');
      await server.publish('a.zip', python('import time\ntime.sleep(25)', { pre: [{ name: 'stamp' }] }));
      const startMs = performance.now();
      const said = await until(health, ({ details }) => details['bundle "a.zip"'] !== undefined, 20_000);
      assert.match(said.details['bundle "a.zip"']?.output as string, /still loading.*; its last good revision serves$/);
      assert.ok(performance.now() - startMs > 3 * startTimeoutMs);
      assert.is((await headers())['x-bundle'], 'old');
      await server.publish('a.zip', stamping('new'));
      await until(headers, (found) => found['x-bundle'] === 'new');
    },
    { one: 'a.zip' },
    { startTimeoutMs },
  );
});

changes.run();
