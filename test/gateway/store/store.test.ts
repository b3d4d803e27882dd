import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Store } from '../../../gateway/store/index.ts';
import { endServers, kinds, withStores } from './stores.ts';

for (const kind of kinds) {
  const stores = suite(`store: ${kind}`);

  const withTwo = (use: (a: Store, b: Store) => Promise<void>): Promise<void> =>
    withStores(kind, async ({ open }) => use(await open(), await open()));

  stores('what one gateway sets another reads, until it is deleted', () =>
    withTwo(async (a, b) => {
      await a.set('apikey-one', '{"alias":"é ☃"}', 0);
      await a.set('apikey-two', 'two', 60);
      assert.is(await b.get('apikey-one'), '{"alias":"é ☃"}');
      assert.equal(await b.getMany(['apikey-two', 'apikey-none', 'apikey-one']), ['two', undefined, '{"alias":"é ☃"}']);
      assert.is(await b.delete(['apikey-one', 'apikey-none']), 1);
      assert.is(await a.get('apikey-one'), undefined);
    }),
  );

  stores('a value ends with its lifetime', () =>
    withTwo(async (a, b) => {
      await a.set('apikey-brief', 'x', 1);
      const since = performance.now();
      while ((await b.get('apikey-brief')) !== undefined) await new Promise((resolve) => setTimeout(resolve, 20));
      const lived = performance.now() - since;
      assert.ok(lived > 900 && lived < 1500, `lived ${lived} ms`);
    }),
  );

  stores('keys are listed by how they begin, and wildcards in a name mean themselves', () =>
    withTwo(async (a, b) => {
      await Promise.all(Array.from({ length: 2500 }, async (_, i) => a.set(`apikey-org${i}`, 'x', 0)));
      await a.set('apikey-*[?]\\1', 'x', 0);
      await a.set('other', 'x', 0);
      assert.is((await b.keys('apikey-')).length, 2501);
      assert.is((await b.keys('apikey-org249')).length, 11);
      assert.equal(await b.keys('apikey-*[?]\\'), ['apikey-*[?]\\1']);
    }),
  );

  stores('a value is replaced only where it is still what was read', () =>
    withTwo(async (a, b) => {
      await a.set('apikey-r', 'one', 0);
      assert.is(await b.replace('apikey-r', 'one', 'two', 0), true);
      assert.is(await a.replace('apikey-r', 'one', 'three', 0), false);
      assert.is(await a.get('apikey-r'), 'two');
      await a.delete(['apikey-r']);
      assert.is(await b.replace('apikey-r', 'two', 'three', 9), false);
      assert.is(await b.get('apikey-r'), undefined);
    }),
  );

  stores('a rate admits its limit in any window of its length, over all gateways', () =>
    withTwo(async (a, b) => {
      const rate = { key: 'rate-limit-r', limit: 5, perMs: 400 };
      const answers = await Promise.all(
        Array.from({ length: 12 }, async (_, i) => (i % 2 ? a : b).admit(rate, undefined)),
      );
      assert.is(answers.filter(({ refusedBy }) => refusedBy === undefined).length, 5);
      assert.is(answers.filter(({ refusedBy }) => refusedBy === 'rate').length, 7);
      const refused = await a.admit(rate, undefined);
      assert.ok(refused.rateResetMs > 0 && refused.rateResetMs <= 401, `room after ${refused.rateResetMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, refused.rateResetMs + 5));
      assert.is((await b.admit(rate, undefined)).refusedBy, undefined);
      assert.is(await a.delete(['rate-limit-r']), 1);
      assert.is((await b.admit(rate, undefined)).rateRemaining, 4);
    }),
  );

  stores('a large rate, too, admits no more than its limit in any window, and hardly less', () =>
    withTwo(async (a, b) => {
      const rate = { key: 'rate-limit-l', limit: 1000, perMs: 1000 };
      const moments: number[] = [];
      const ask = async (store: Store): Promise<void> => {
        const { refusedBy } = await store.admit(rate, undefined);
        if (refusedBy === undefined) moments.push(performance.now());
      };
      const until = performance.now() + 2500;
      while (performance.now() < until) {
        await Promise.all(Array.from({ length: 20 }, (_, i) => ask(i % 2 ? a : b)));
        await new Promise((resolve) => setImmediate(resolve));
      }
      // What one caller sees: a window that is shorter by the time that answers take.
      const most = Math.max(...moments.map((start) => moments.filter((at) => at >= start && at < start + 900).length));
      assert.ok(most <= 1000, `${most} in one window`);
      assert.ok(moments.length >= 2 * 990, `${moments.length} in 2.5 s`);
      assert.is(await b.delete(['rate-limit-l']), 1);
      assert.is((await a.admit(rate, undefined)).rateRemaining, 999);
    }),
  );

  stores('a quota counts every request, and begins anew when its period is over', () =>
    withTwo(async (a, b) => {
      const quota = { key: 'quota-q', max: 2, renewalSeconds: 1 };
      const verdicts = [
        await a.admit(undefined, quota),
        await b.admit(undefined, quota),
        await a.admit(undefined, quota),
      ];
      assert.equal(
        verdicts.map(({ refusedBy, quotaUsed }) => [refusedBy, quotaUsed]),
        [
          [undefined, 1],
          [undefined, 2],
          ['quota', 3],
        ],
      );
      assert.equal(await b.quotasUsed(['quota-q', 'quota-none']), [3, undefined]);
      const left = (await b.admit(undefined, quota)).quotaResetMs;
      assert.ok(left > 0 && left <= 1000, `ends after ${left} ms`);
      await new Promise((resolve) => setTimeout(resolve, left + 20));
      assert.is((await b.admit(undefined, quota)).quotaUsed, 1);
    }),
  );

  stores('a quota without renewal never ends, and one that gets a renewal does', () =>
    withTwo(async (a, b) => {
      assert.is((await a.admit(undefined, { key: 'quota-n', max: 1, renewalSeconds: 0 })).quotaResetMs, 0);
      assert.is((await b.admit(undefined, { key: 'quota-n', max: 1, renewalSeconds: 0 })).refusedBy, 'quota');
      assert.ok((await b.admit(undefined, { key: 'quota-n', max: 1, renewalSeconds: 60 })).quotaResetMs > 59_000);
    }),
  );

  stores('what the rate refuses does not count for the quota', () =>
    withTwo(async (a, b) => {
      const rate = { key: 'rate-limit-b', limit: 1, perMs: 60_000 };
      const quota = { key: 'quota-b', max: 5, renewalSeconds: 60 };
      const answers = [await a.admit(rate, quota), await b.admit(rate, quota)];
      assert.equal(
        answers.map((answer) => answer.refusedBy),
        [undefined, 'rate'],
      );
      assert.equal(await a.quotasUsed(['quota-b']), [1]);
    }),
  );

  stores('what one gateway publishes all hear', () =>
    withTwo(async (a, b) => {
      const heard: string[] = [];
      let all = (): void => {};
      const both = new Promise<void>((resolve) => (all = resolve));
      const stop = [a, b].map((store, i) =>
        store.subscribe('interpose.test', (message) => {
          if (heard.push(`${i}${message}`) === 2) all();
        }),
      );
      // A channel is subscribed to in the background; the publisher tries until it was.
      const timer = setInterval(() => heard.length === 0 && a.publish('interpose.test', '!'), 20);
      await both;
      clearInterval(timer);
      assert.equal(new Set(heard.slice(0, 2)), new Set(['0!', '1!']));
      for (const end of stop) end();
    }),
  );

  stores.after(endServers);
  stores.run();
}
