import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cancellation } from '../../../contract/cancellation.ts';
import { failure } from '../guest/with-guest.ts';
import { guestOf, withPlugins } from './with-plugins.ts';

const faults = suite('TypeScript plugins that misbehave');

const file = 'faults.ts';

for (const isolation of ['process', 'none'] as const) {
  const where = isolation === 'none' ? 'trusted' : 'in a guest';

  faults(`a throw is a failure that names the line of the source, and the trace is logged (${where})`, async () => {
    const set = (['throws', 'throwsLater', 'throwsText', 'badHeader', 'noBody'] as const).map(
      (name) => [name, 'pre', file] as const,
    );
    await withPlugins(set, { isolation }, async ({ run, host }) => {
      const { reason, message } = await failure(run('throws'));
      assert.is(reason, 'HOOK_THREW');
      assert.match(message, /^TypeError: Cannot read properties of null \(reading 'name'\) \(faults\.ts:13:\d+\)$/);
      const { level, fields } = await host.line((line) => line.message === message);
      assert.is(level, 'error');
      assert.match(fields?.stack as string, /typescript\/faults\.ts:13:\d+\)$/);
      assert.match((await failure(run('throwsLater'))).message, /^RangeError: out of luck \(faults\.ts:18:\d+\)$/);
      assert.is((await failure(run('throwsText'))).message, 'the hook threw "just text"');
      assert.match(
        (await failure(run('badHeader'))).message,
        /^TypeError: "x y" is no header name \(faults\.ts:\d+:\d+\)$/,
      );
      assert.match((await failure(run('noBody'))).message, /this hook did not ask for a body/);
    });
  });

  faults(`a hook that never answers times out on time, and its signal is aborted (${where})`, async () => {
    await withPlugins([['never', 'pre', file]], { isolation }, async ({ run, host }) => {
      const beganMs = performance.now();
      assert.is((await failure(run('never', { timeoutMs: 100 }))).reason, 'HOOK_TIMED_OUT');
      const tookMs = performance.now() - beganMs;
      assert.ok(tookMs >= 98 && tookMs < 150, `${tookMs} ms`);
      await host.line((line) => line.message.startsWith('aborted: '));
    });
  });

  faults(`when the client goes away, the hook is told (${where})`, async () => {
    await withPlugins([['never', 'pre', file]], { isolation }, async ({ run, host }) => {
      const cancellation = new Cancellation();
      const call = failure(run('never', { cancellation }));
      cancellation.cancel();
      assert.is((await call).reason, 'CANCELLED');
      await host.line((line) => line.message.startsWith('aborted: '));
    });
  });
}

for (const name of ['spin', 'spinLater']) {
  faults(
    `an endless loop (${name}) is ended and its guest replaced, while another set goes on undisturbed`,
    async () => {
      await withPlugins([['json', 'pre', 'hooks.ts']], { apiId: 'other' }, async (other) => {
        const set = [
          [name, 'pre', file],
          ['logs', 'pre', file],
        ] as const;
        await withPlugins(set, { cancelGraceMs: 300 }, async ({ run, host }) => {
          await run('logs');
          const beganMs = performance.now();
          const looping = failure(run(name, { timeoutMs: 100 }));
          await host.line((line) => line.message === 'spinning');
          const behind = failure(run('logs'));
          let worstMs = 0;
          let done = false;
          const others = (async () => {
            while (!done) {
              const startMs = performance.now();
              await other.run('json');
              worstMs = Math.max(worstMs, performance.now() - startMs);
              await new Promise((resolve) => setTimeout(resolve, 5));
            }
          })();
          assert.is((await looping).reason, 'HOOK_TIMED_OUT');
          const { reason, message } = await behind;
          assert.is(reason, 'DRIVER_UNAVAILABLE');
          assert.match(message, /typescript guest of orders \(pid \d+\) is gone: it ignored the end of a call/);
          await run('logs');
          assert.ok(performance.now() - beganMs < 1500, 'whole again within a moment of the deadline');
          done = true;
          await others;
          assert.ok(worstMs < 250, `the other set waited ${worstMs} ms`);
        });
      });
    },
  );
}

for (const name of ['bomb', 'heapBomb']) {
  faults(`a memory bomb (${name}) ends its own guest alone`, async () => {
    await withPlugins([['json', 'pre', 'hooks.ts']], { apiId: 'other' }, async (other) => {
      const set = [
        [name, 'pre', file],
        ['logs', 'pre', file],
      ] as const;
      await withPlugins(set, { memoryLimitBytes: 160 * 1024 * 1024 }, async ({ run, host }) => {
        assert.is((await failure(run(name, { timeoutMs: 20_000 }))).reason, 'DRIVER_UNAVAILABLE');
        await host.line((line) => /over its limit of 160 MiB|out of memory|SIGABRT/.test(line.message));
        await run('logs', { timeoutMs: 10_000 });
        assert.is((await other.run('json')).reply?.status, 200);
      });
    });
  });
}

faults('kill -9 under load: every call ends, none with the answer of another, and the next ones work', async () => {
  const set = [['list', 'pre', 'hooks.ts']] as const;
  await withPlugins(set, { apiId: 'other' }, async (other) => {
    await withPlugins(set, {}, async ({ run }) => {
      let [answered, rejected] = [0, 0];
      const ask = async (where: typeof run, id: string): Promise<void> => {
        try {
          const { reply } = await where('list', { url: `/${id}`, headers: { 'x-id': id } });
          const listed = JSON.parse(String(reply?.body)) as unknown[];
          assert.equal(listed[0], ['X-Id', id]);
          assert.is(listed[2], `/${id}`);
          answered++;
        } catch (error) {
          assert.is((error as { reason: string }).reason, 'DRIVER_UNAVAILABLE', String(error));
          rejected++;
        }
      };
      for (let round = 0; round < 3; round++) {
        while (guestOf('orders') === undefined) await ask(run, 'warm-up');
        const pid = guestOf('orders') as number;
        const calls = Array.from({ length: 200 }, (_, i) => ask(i % 2 === 0 ? run : other.run, `${round}-${i}`));
        setImmediate(() => process.kill(pid, 'SIGKILL'));
        await Promise.all(calls);
      }
      assert.ok(answered + rejected >= 600);
      assert.ok(answered >= 300, 'the other set lost nothing');
      await ask(run, 'last');
    });
  });
});

faults('a stray rejection is logged, and ends nothing', async () => {
  await withPlugins([['stray', 'pre', file]], {}, async ({ run, host }) => {
    await run('stray');
    const { message, level } = await host.line((line) => line.message.includes('nobody cares'));
    assert.is(level, 'error');
    assert.match(message, /a promise was rejected and nobody handled it: nobody cares \(faults\.ts:\d+:\d+\)/);
    await run('stray');
  });
});

faults('a plugin that ends its process ends what it owed, with the reason', async () => {
  const set = [
    ['exits', 'pre', file],
    ['logs', 'pre', file],
  ] as const;
  await withPlugins(set, {}, async ({ run }) => {
    assert.match((await failure(run('exits'))).message, /is gone: it exited with code 7/);
    await run('logs');
  });
});

faults('what a plugin prints and logs is in the log, with its source', async () => {
  const set = [
    ['prints', 'pre', file],
    ['logs', 'pre', file],
  ] as const;
  await withPlugins(set, {}, async ({ run, host }) => {
    await run('prints');
    await run('logs');
    const out = await host.line((line) => line.message === 'hello from the plugin');
    assert.is(out.level, 'info');
    assert.is(out.fields?.source, 'stdout');
    assert.is((await host.line((line) => line.message === 'and from its stderr')).level, 'warn');
    const logged = await host.line((line) => line.message === 'take care');
    assert.is(logged.level, 'warn');
    assert.equal(logged.fields, { guest: 'typescript guest of orders', hook: 'logs', of: 'yourself' });
  });
});

faults('a flood of output does not reach the log whole, nor stop the guest', async () => {
  await withPlugins([['floods', 'pre', file]], {}, async ({ run, host }) => {
    await run('floods', { timeoutMs: 10_000 });
    await host.line((line) => /said too much: \d+ lines of log dropped/.test(line.message));
    assert.ok(host.lines.length < 20_000, `${host.lines.length} lines`);
  });
});

faults('a plugin reaches its own folder and the network, and nothing else of the machine', async () => {
  process.env.INTERPOSE_TEST_SECRET = 'hush';
  await withPlugins([['reach', 'pre', file]], { env: { GIVEN: 'yes' } }, async ({ run }) => {
    const { reply } = await run('reach');
    assert.equal(JSON.parse(String(reply?.body)), {
      hostEnvironment: 'ERR_ACCESS_DENIED',
      passwd: 'ERR_ACCESS_DENIED',
      ownFolder: 'yes',
      spawn: 'ERR_ACCESS_DENIED',
      worker: 'ERR_ACCESS_DENIED',
      network: 'yes',
      secret: 'hidden',
      given: 'yes',
    });
  });
});

faults.run();
