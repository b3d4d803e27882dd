import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { start } from '../peers/server.ts';

const script = join(import.meta.dirname, '../../examples/quickstart/start.ts');

/** Runs `npm start`, and gives what it tells people to request. */
async function withQuickstart(use: (url: string, output: string) => Promise<void>): Promise<void> {
  const quickstart = await start({
    program: process.execPath,
    args: ['--conditions=source', script],
    readyPattern: /curl (\S+)[\s\S]*"Foo": "Bar"\n/,
    cure: 'npm ci',
  });
  try {
    await use(quickstart.ready[1] as string, quickstart.output());
  } finally {
    await quickstart.close();
  }
}

const quickstart = suite('quickstart');

quickstart('what it prints can be tried, and the answer is the one that it promises', async () => {
  await withQuickstart(async (url) => {
    const response = await fetch(url);
    assert.is(response.status, 200);
    const { path, headers } = (await response.json()) as { path: string; headers: Record<string, string> };
    assert.is(path, '/get');
    assert.is(headers.Foo, 'Bar');
  });
});

quickstart('it runs when the usual ports are taken', async () => {
  const taken = await Promise.all(
    [8080, 8081, 8082].map(async (port) => {
      const server = createServer().listen(port, '127.0.0.1');
      // Somebody else may have it: then it is taken all the same.
      await once(server, 'listening').catch(() => undefined);
      return server;
    }),
  );
  try {
    await withQuickstart(async (url) => {
      assert.is((await fetch(url)).status, 200);
      assert.not.match(url, /:8080\//);
    });
  } finally {
    for (const server of taken) server.close();
  }
});

quickstart.run();
