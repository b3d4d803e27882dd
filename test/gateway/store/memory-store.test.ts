import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createMemoryStore } from '../../../gateway/store/memory/memory-store.ts';

const memory = suite('memory store');

async function withFile(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'store-'));
  try {
    await use(join(folder, 'deep', 'store'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

memory('a snapshot keeps keys and quotas from one start to the next', () =>
  withFile(async (snapshotPath) => {
    const quota = { key: 'quota-k', max: 9, renewalSeconds: 3600 };
    const first = await createMemoryStore({ snapshotPath });
    first.set('apikey-k', '{"alias":"é\\n"}', 0);
    first.set('apikey-brief', 'x', 60);
    first.set('apikey-over', 'x', 0.001);
    first.admit(undefined, quota);
    await first.close();
    const second = await createMemoryStore({ snapshotPath });
    assert.equal(second.getMany(['apikey-k', 'apikey-brief', 'apikey-over']), ['{"alias":"é\\n"}', 'x', undefined]);
    assert.is(second.admit(undefined, quota).quotaUsed, 2);
    await second.close();
    assert.is((await stat(snapshotPath)).mode & 0o777, 0o600);
  }),
);

memory('a snapshot is written while the process runs, too', () =>
  withFile(async (snapshotPath) => {
    const store = await createMemoryStore({ snapshotPath, snapshotIntervalMs: 20 });
    store.set('apikey-k', 'v', 0);
    let text = '';
    while (!text.includes('apikey-k')) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      text = await readFile(snapshotPath, 'utf8').catch(() => '');
    }
    await store.close();
  }),
);

memory('a file that is no snapshot is named, and left alone', () =>
  withFile(async (snapshotPath) => {
    const path = join(snapshotPath, '..', '..', 'notes');
    await writeFile(path, 'my notes\n');
    const error = await createMemoryStore({ snapshotPath: path }).then(
      () => 'it was taken',
      (thrown: Error) => thrown.message,
    );
    assert.match(error, `${path} is no snapshot`);
    assert.is(await readFile(path, 'utf8'), 'my notes\n');
  }),
);

memory('past its size the least recently used values go, and those in use stay', async () => {
  const store = await createMemoryStore({ maxBytes: 100_000 });
  store.set('apikey-used', 'x', 0);
  for (let i = 0; i < 2000; i++) {
    store.set(`apikey-${i}`, 'y'.repeat(100), 0);
    store.get('apikey-used');
  }
  assert.is(store.get('apikey-used'), 'x');
  assert.is(store.get('apikey-0'), undefined);
  assert.ok((await store.keys('apikey-')).length < 400);
});

memory.run();
