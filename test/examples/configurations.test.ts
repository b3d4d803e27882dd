import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadConfiguration } from '../../gateway/configuration/index.ts';

const root = join(import.meta.dirname, '../..');
const files = await Array.fromAsync(glob(['examples/*/interpose.yaml', 'deploy/interpose.yaml'], { cwd: root }));

const configurations = suite('configurations that we ship');

configurations('there are some', () => {
  assert.ok(files.includes('examples/quickstart/interpose.yaml') && files.length > 4, files.join());
});

for (const file of files) {
  configurations(`${file} is taken without a warning`, () => {
    const { warnings } = loadConfiguration(join(root, file), { INTERPOSE_SECRET: '0123456789abcdef0123' });
    assert.equal(warnings, []);
  });
}

configurations.run();
