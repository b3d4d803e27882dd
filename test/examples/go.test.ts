import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createChannel, createClient } from 'nice-grpc';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DispatcherDefinition } from '../../proto/gen/coprocess_object.ts';
import { whileBuilding } from '../peers/built.ts';
import { run } from '../peers/command.ts';
import * as peers from '../peers/index.ts';

const root = join(import.meta.dirname, '../..');

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'go-example-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const example = suite('Go example');

example('listens on a unix socket too', async () => {
  await withFolder(async (folder) => {
    const listen = `unix:${join(folder, 'plugins.sock')}`;
    const server = await peers.go('examples/go', { listen });
    assert.is(server.address, listen);
    const channel = createChannel(`unix://${join(folder, 'plugins.sock')}`);
    try {
      const answer = await createClient(DispatcherDefinition, channel).dispatch({
        hookName: 'Route',
        request: { url: '/old/1' },
      });
      assert.is(answer.request?.url, '/new/1');
    } finally {
      channel.close();
      await server.close();
    }
  });
});

example('its generated code is what the contract says today', async () => {
  await peers.goProgram('examples/go'); // Names Go as missing, where it is; buf would not.
  await withFolder(async (folder) => {
    // The generators are Go programs too, built on first use.
    await whileBuilding('the generators of the Go example', 300_000, () =>
      run({
        program: join(root, 'node_modules/.bin/buf'),
        args: ['generate', join(root, 'proto/coprocess'), '--output', folder],
        cwd: join(root, 'examples/go'),
        cure: 'npm ci',
      }),
    );
    const committed = join(root, 'examples/go/coprocess');
    const names = await readdir(committed);
    assert.equal((await readdir(join(folder, 'coprocess'))).sort(), names.sort());
    for (const name of names) {
      const fresh = await readFile(join(folder, 'coprocess', name), 'utf8');
      assert.is(await readFile(join(committed, name), 'utf8'), fresh, `${name} is old: run go generate in examples/go`);
    }
  });
});

example.run();
