import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '..');
const page = join(root, 'docs/compatibility.md');
const begin = '<!-- made: exceptions -->';
const end = '<!-- end -->';

/** docs/compatibility.md as it should be: its table made from the list of deliberate differences. */
export async function compatibilityPage(): Promise<string> {
  const text = await readFile(page, 'utf8');
  const exceptions = parse(await readFile(join(root, 'test/conformance/exceptions.yaml'), 'utf8')) as Record<
    string,
    string
  >;
  const byReason = Map.groupBy(Object.entries(exceptions), ([, reason]) => reason);
  const rows = [...byReason].map(
    ([reason, cases]) => `- ${sentence(reason)} _(${cases.map(([id]) => id).join(', ')})_`,
  );
  const at = text.indexOf(begin) + begin.length;
  return `${text.slice(0, at)}\n\n${rows.join('\n')}\n\n${text.slice(text.indexOf(end, at))}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

if (import.meta.main) await writeFile(page, await compatibilityPage());
