import { readdir } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BundleSpec } from '../conformance/peers/bundle.ts';
import { bad, hook, type Parts, python, stamping, until, withPolling } from './with-polling.ts';

const polling = suite('bundles that change without a reload');

for (const mode of ['one process', 'two services'] as const) {
  polling(`${mode}: a changed bundle serves without a reload, to all APIs that share it, by one download`, async () => {
    const shared = { one: 'a.zip', two: 'a.zip', three: 'a.zip' };
    await withPolling(
      mode,
      { 'a.zip': stamping('old') },
      async ({ server, headers, folder }) => {
        assert.is((await headers())['x-bundle'], 'old');
        await server.asked(3);
        assert.ok(server.answered.slice(1).every(({ status, bytes }) => status === 304 && bytes === 0));
        const before = server.answered.length;
        await server.publish('a.zip', stamping('new'));
        await until(headers, (found) => found['x-bundle'] === 'new');
        for (const api of ['two', 'three']) assert.is((await headers(api))['x-bundle'], 'new');
        await server.asked(2);
        assert.is(server.answered.slice(before).filter(({ status }) => status === 200).length, 1);
        await until(
          () => readdir(folder),
          (names) => names.length === 2,
        );
      },
      shared,
    );
  });

  polling(
    `${mode}: what is refused leaves the last good one, is said, is not tried again; a good one heals`,
    async () => {
      await withPolling(
        mode,
        { 'a.zip': stamping('old') },
        async ({ server, headers, health, metrics, reload, restart }) => {
          await headers();
          for (const [what, [bundle, reason]] of Object.entries(bad)) {
            const before = server.answered.length;
            await server.publish('a.zip', bundle);
            const said = await until(health, ({ details }) => reason.test(details['bundle "a.zip"']?.output ?? ''));
            assert.is(said.status, 'warn', what);
            assert.match(said.details['bundle "a.zip"']?.output as string, /last good revision serves/);
            assert.match(await metrics(), /interpose_bundle_current\{bundle="a.zip"\} 0\n/);
            assert.is((await headers())['x-bundle'], 'old', what);
            await server.asked(3);
            assert.is(server.answered.slice(before).filter(({ status }) => status === 200).length, 1, what);
          }
          const pid = Number((await headers())['x-pid']);
          process.kill(pid, 'SIGKILL');
          await until(
            async () => fetchPid(headers),
            (other) => other !== undefined && other !== pid,
          );
          assert.is((await headers())['x-bundle'], 'old');
          await reload();
          assert.is((await headers())['x-bundle'], 'old');
          const before = server.answered.length;
          await restart();
          assert.is((await headers())['x-bundle'], 'old');
          await until(health, ({ details }) => details['bundle "a.zip"'] !== undefined);
          await server.asked(2);
          assert.ok(server.answered.slice(before).every(({ status }) => status === 304));
          await server.publish('a.zip', stamping('good'));
          await until(headers, (found) => found['x-bundle'] === 'good');
          await until(health, ({ status }) => status === 'pass');
          assert.match(await metrics(), /interpose_bundle_current\{bundle="a.zip"\} 1\n/);
        },
      );
    },
  );

  polling(`${mode}: hooks of a new manifest run, those that it does not have any more do not`, async () => {
    await withPolling(mode, { 'a.zip': stamping('old') }, async ({ server, headers }) => {
      await headers();
      const code = `${hook('first', 'X-First', '1')}${hook('last', 'X-Last', '1')}`;
      await server.publish('a.zip', python(code, { pre: [{ name: 'first' }], post: [{ name: 'last' }] }));
      const found = await until(headers, (now) => now['x-last'] === '1');
      assert.is(found['x-first'], '1');
      assert.is(found['x-bundle'], undefined);
    });
  });

  polling(
    `${mode}: a server in trouble changes nothing, not at a restart either; what it has later serves`,
    async () => {
      await withPolling(mode, { 'a.zip': stamping('old') }, async ({ server, headers, health, restart }) => {
        await headers();
        await server.publish('a.zip', stamping('new'));
        for (const trouble of ['dies', 'stalls', 'truncates', 500, 'cuts'] as const) {
          server.trouble = trouble;
          await server.asked(2);
          assert.is((await headers())['x-bundle'], 'old', String(trouble));
          await until(health, ({ details }) => details['bundle "a.zip"'] !== undefined);
          if (trouble !== 'dies') continue;
          await restart();
          assert.is((await headers())['x-bundle'], 'old');
        }
        server.trouble = undefined;
        await until(headers, (found) => found['x-bundle'] === 'new');
        await until(health, ({ status }) => status === 'pass');
        server.trouble = 'dies';
        await restart();
        assert.is((await headers())['x-bundle'], 'new');
      });
    },
  );

  polling(
    `${mode}: under traffic no request fails or meets two revisions, and nothing is left of six changes`,
    async () => {
      const twice = (text: string): BundleSpec =>
        python(`${hook('stamp', 'X-Bundle', text)}${hook('again', 'X-Again', text)}`, {
          pre: [{ name: 'stamp' }],
          post: [{ name: 'again' }],
        });
      await withPolling(mode, { 'a.zip': twice('0') }, async ({ server, headers, folder }) => {
        let going = true;
        const pids = new Set<number>();
        const client = async (): Promise<void> => {
          while (going) {
            const found = await headers();
            assert.is(found['x-bundle'], found['x-again']);
            for (const pid of (found['x-pid'] as string).split(', ')) pids.add(Number(pid));
          }
        };
        const clients = Array.from({ length: 2 }, client);
        let open = 0;
        for (let i = 1; i <= 6; i++) {
          await server.publish('a.zip', twice(String(i)));
          await until(headers, (found) => found['x-bundle'] === String(i));
          if (i === 2) open = (await readdir('/proc/self/fd')).length;
        }
        going = false;
        await Promise.all(clients);
        await until(
          () => readdir(folder),
          (names) => names.length === 2,
        );
        await until(
          async () => [...pids].filter(isAlive).length,
          (alive) => alive === 1,
        );
        assert.ok(pids.size > 3, `${pids.size} guests were seen`);
        await until(
          async () => (await readdir('/proc/self/fd')).length,
          (now) => now <= open + 4,
        );
      });
    },
  );
}

async function fetchPid(headers: Parts['headers']): Promise<number | undefined> {
  return headers().then(
    (found) => Number(found['x-pid']),
    () => undefined,
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

polling.run();
