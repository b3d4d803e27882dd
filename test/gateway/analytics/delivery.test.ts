import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RecordWriter, type RecordWriterOptions } from '../../../gateway/analytics/record-writer.ts';
import { withUpstream } from '../with-gateway.ts';
import { listKey, secret, withRecords } from './with-records.ts';

const delivery = suite('delivery of analytics records');

type Lines = Parameters<RecordWriterOptions['log']>[];

/** A writer whose store answers as `append` does. */
function writerOn(
  append: RecordWriterOptions['lists']['append'],
  more: Partial<RecordWriterOptions> = {},
): [writer: RecordWriter, lines: Lines] {
  const lines: Lines = [];
  const writer = new RecordWriter({
    lists: { append, expireUnlessLimited: async () => {} },
    maxRecords: 3,
    expireMs: 60_000,
    multipleKeys: false,
    calmMs: 0,
    log: (...line) => lines.push(line),
    ...more,
  });
  return [writer, lines];
}

const record = (bytes = 1): Buffer => Buffer.alloc(bytes);

delivery('what waits is bounded, by number and by size, and the log is told once', async () => {
  const pushed: number[] = [];
  const [writer, lines] = writerOn(async (_, values) => void pushed.push(values.length));
  for (let i = 0; i < 10; i++) writer.push(record());
  assert.is(writer.dropped, 7);
  assert.equal(lines, [['warn', 'analytics records are dropped: more than 3 of them, or 64 MiB, wait to be written']]);
  await writer.close();
  assert.equal([pushed, writer.written, writer.dropped], [[3], 3, 7]);
  assert.equal(lines.slice(1), [['info', 'analytics records are written again', { dropped: 7 }]]);

  const [large] = writerOn(async () => {}, { maxRecords: 1000 });
  for (let i = 0; i < 70; i++) large.push(record(1 << 20));
  assert.is(large.dropped, 6);
  await large.close();
  assert.is(large.written, 64);
});

delivery('overflow that comes and goes is one line in the log, not one per batch', async () => {
  const [writer, lines] = writerOn(async () => {}, { calmMs: 10_000 });
  for (let batch = 0; batch < 5; batch++) {
    for (let i = 0; i < 4; i++) writer.push(record());
    await writer.close();
  }
  assert.equal([writer.written, writer.dropped, lines.length], [15, 5, 1]);
});

delivery('records on their way to a store that is slow to answer count too', async () => {
  let answer = (): void => {};
  let begun = (): void => {};
  const appending = new Promise<void>((resolve) => (begun = resolve));
  const [writer] = writerOn(() => {
    begun();
    return new Promise((resolve) => (answer = resolve));
  });
  // The writer's own timer keeps nobody from ending.
  const alive = setInterval(() => {}, 1000);
  for (let i = 0; i < 2; i++) writer.push(record());
  await appending;
  clearInterval(alive);
  for (let i = 0; i < 5; i++) writer.push(record());
  assert.is(writer.dropped, 4);
  answer();
  const closed = writer.close();
  await new Promise(setImmediate);
  answer();
  await closed;
  assert.is(writer.written, 3);
});

delivery('what the store does not take is dropped, and what comes later is written', async () => {
  let works = false;
  const [writer, lines] = writerOn(async () => {
    if (!works) throw new Error('Redis does not answer');
  });
  writer.push(record());
  await writer.close();
  works = true;
  writer.push(record());
  await writer.close();
  assert.equal([writer.written, writer.dropped], [1, 1]);
  assert.equal(
    lines.map(([, message]) => message),
    ['analytics records are dropped: Redis does not answer', 'analytics records are written again'],
  );
});

delivery('records are spread over ten lists, and lists get a lifetime', async () => {
  await withUpstream(async ({ url }) => {
    const apis = { api: { proxy: { target_url: url } } };
    const analytics = { multipleKeys: true, expireMs: 30_000 };
    await withRecords({ apis, analytics, redisArgs: ['--notify-keyspace-events', 'Kgl'] }, async (peers) => {
      const { gateway, redis } = peers;
      const watcher = redis.duplicate();
      await watcher.psubscribe(`__keyspace@0__:${listKey}_*`);
      const seen: string[] = [];
      watcher.on('pmessage', (_, channel: string, event: string) => {
        const list = channel.slice(channel.indexOf(':') + 1).slice(listKey.length);
        seen.push(`${list} ${event}`);
        watcher.emit('told', event);
      });
      for (let i = 0; i < 2; i++) {
        const limited = new Promise<void>((resolve) =>
          watcher.on('told', (event: string) => event === 'expire' && resolve()),
        );
        assert.is((await fetch(`${gateway.url}/api/`)).status, 200);
        await limited;
      }
      watcher.disconnect();
      assert.equal(seen, ['_0 rpush', '_0 expire', '_1 rpush', '_1 expire']);
      const left = await redis.ttl(`${listKey}_1`);
      assert.ok(left > 0 && left <= 30, `the list lives ${left} s`);
    });
  });
});

delivery('what waits is written when the gateway ends', async () => {
  await withUpstream(async ({ url }) => {
    await withRecords({ apis: { api: { proxy: { target_url: url } } } }, async ({ gateway, redis }) => {
      await fetch(`${gateway.url}/api/`);
      await gateway.running.close();
      assert.is(await redis.llen(listKey), 1);
    });
  });
});

delivery('while Redis dies under traffic no request fails or waits, and the metrics tell what was lost', async () => {
  await withUpstream(async ({ url }) => {
    const apis = { api: { proxy: { target_url: url } } };
    const analytics = { maxQueuedRecords: 20 };
    await withRecords({ apis, analytics }, async ({ gateway, redis, server, next }) => {
      const statuses = new Set<number>();
      let longestMs = 0;
      const ask = async (): Promise<void> => {
        const since = performance.now();
        const answer = await fetch(`${gateway.url}/api/`);
        await answer.arrayBuffer();
        statuses.add(answer.status);
        longestMs = Math.max(longestMs, performance.now() - since);
      };
      const dropped = async (): Promise<number> => {
        const text = await (await fetch(`${gateway.control}/metrics`, { headers: secret })).text();
        return Number(/^interpose_analytics_records_total\{outcome="dropped"\} (\d+)$/m.exec(text)?.[1]);
      };
      await ask();
      assert.is((await next()).ResponseCode, 200);
      const gone = once(redis, 'close');
      await Promise.all([server.close(), Promise.all(Array.from({ length: 50 }, ask))]);
      await gone;
      const before = await dropped();
      do await ask();
      while ((await dropped()) === before);
      assert.equal([...statuses], [200]);
      assert.ok(longestMs < 1000, `a request took ${longestMs} ms`);
    });
  });
});

delivery.run();
