import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from '../peers/command.ts';

const root = join(import.meta.dirname, '../..');
const files = await Array.fromAsync(glob(['examples/*/interpose.yaml', 'deploy/interpose.yaml'], { cwd: root }));

const configurations = suite('configurations that we ship');

configurations('there is one for every example and one to deploy', () => {
  const needed = ['deploy', 'examples/go', 'examples/java', 'examples/python', 'examples/quickstart'];
  const missing = needed.filter((folder) => !files.includes(`${folder}/interpose.yaml`));
  assert.equal(missing, []);
});

for (const file of files) {
  configurations(`interpose validate takes ${file} and its API definitions`, async () => {
    const said = await run({
      program: process.execPath,
      args: ['--conditions=source', join(root, 'cli/index.ts'), 'validate', '--config', file],
      cwd: root,
      env: { INTERPOSE_SECRET: '0123456789abcdef0123' },
      cure: 'npm ci',
    });
    assert.match(said, /: \d+ APIs? in .*; all is well\.\n$/);
  });
}

configurations.run();
