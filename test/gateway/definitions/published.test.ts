import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { publishedFiles } from '../../../scripts/definitions.ts';

const published = suite('files made from the tables of definition fields');

published('they are current: "node --conditions=source scripts/definitions.ts" makes them', async () => {
  const root = join(import.meta.dirname, '../../..');
  for (const [path, text] of await publishedFiles()) {
    assert.is(await readFile(join(root, path), 'utf8').catch(() => ''), text, path);
  }
});

published.run();
