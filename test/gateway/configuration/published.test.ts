import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { jsonSchema, type SchemaNode } from '../../../gateway/configuration/schema/index.ts';
import { publishedFiles } from '../../../scripts/schema.ts';

const published = suite('published schema and docs of the configuration');
const root = join(import.meta.dirname, '../../..');

published('they are current: "node --conditions=source scripts/schema.ts" makes them', async () => {
  for (const [path, text] of await publishedFiles()) assert.is(await readFile(join(root, path), 'utf8'), text, path);
});

published('every key has a description, in the schema and so in editors and docs', () => {
  const without: string[] = [];
  const look = (node: SchemaNode, path: string): void => {
    for (const [key, below] of Object.entries(node.properties ?? {})) {
      if (below.description === undefined) without.push(`${path}${key}`);
      look(below, `${path}${key}.`);
    }
    for (const inner of [...(node.oneOf ?? []), node.items, node.additionalProperties])
      if (typeof inner === 'object') look(inner, path);
  };
  look(jsonSchema(), '');
  assert.equal(without, []);
});

published('every number of time or size says its unit, in its name and in the schema', () => {
  const wrong: string[] = [];
  const look = (node: SchemaNode, path: string): void => {
    for (const [key, below] of Object.entries(node.properties ?? {})) {
      const unit = key.endsWith('Ms') ? 'ms' : key.endsWith('Bytes') ? 'bytes' : undefined;
      if (below.unit !== unit) wrong.push(`${path}${key}`);
      look(below, `${path}${key}.`);
    }
    for (const inner of [...(node.oneOf ?? []), node.items, node.additionalProperties])
      if (typeof inner === 'object') look(inner, path);
  };
  look(jsonSchema(), '');
  assert.equal(wrong, []);
});

published.run();
