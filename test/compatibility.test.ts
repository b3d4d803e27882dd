import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compatibilityPage } from '../scripts/compatibility.ts';

const compatibility = suite('docs/compatibility.md');

compatibility('lists every deliberate difference (made by scripts/compatibility.ts)', async () => {
  const page = await readFile(new URL('../docs/compatibility.md', import.meta.url), 'utf8');
  assert.is(page, await compatibilityPage());
});

compatibility.run();
