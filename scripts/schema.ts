import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonSchema, type SchemaNode } from '../gateway/configuration/schema/index.ts';
import { type Fate, fateOf, shapeOf } from '../gateway/configuration/tyk-conf/field.ts';
import { tykConf } from '../gateway/configuration/tyk-conf/table.ts';

const root = join(import.meta.dirname, '..');

/** The files that are made from the configuration's schema, by path, as they should be. Prose of the docs stays as it is. */
export async function publishedFiles(): Promise<ReadonlyMap<string, string>> {
  const docs = 'docs/configuration.md';
  const prose = await readFile(join(root, docs), 'utf8');
  return new Map([
    ['schema/interpose.schema.json', `${JSON.stringify(jsonSchema(), undefined, 2)}\n`],
    [docs, replacePart(replacePart(prose, 'keys', keyTables()), 'tyk.conf', tykTables())],
  ]);
}

/** What stands between `<!-- made: NAME -->` and `<!-- end -->`. */
function replacePart(text: string, name: string, part: string): string {
  const begin = `<!-- made: ${name} -->`;
  const at = text.indexOf(begin);
  const end = text.indexOf('<!-- end -->', at);
  if (at < 0 || end < 0) throw new Error(`docs/configuration.md lacks ${begin} ... <!-- end -->`);
  return `${text.slice(0, at)}${begin}\n${part}\n${text.slice(end)}`;
}

function keyTables(): string {
  const sections = Object.entries(jsonSchema().properties ?? {}).filter(([name]) => name !== '$schema');
  const clientTls = jsonSchema().properties?.coprocess?.properties?.tls;
  const text = 'The same keys wherever we call somebody: `tls` of `coprocess`, `servers.NAME`, `store`, `tracing`.';
  return [
    ...sections.map(
      ([name, node]) => `### ${name}\n\n${sentence(node.description ?? '')}\n\n${table(rowsOf(node, ''))}\n`,
    ),
    `### Client TLS\n\n${text}\n\n${table(rowsOf({ ...clientTls }, ''))}\n`,
  ].join('\n');
}

function table(rows: readonly string[]): string {
  return ['| key | default | |', '| --- | --- | --- |', ...rows].join('\n');
}

/** One row for each key below a node. */
function rowsOf(node: SchemaNode, path: string): string[] {
  if (node.oneOf !== undefined) return node.oneOf.flatMap((one) => rowsOf(one, path));
  if (node.items !== undefined) return rowsOf(node.items, `${path}[]`);
  if (typeof node.additionalProperties === 'object') return rowsOf(node.additionalProperties, keyPath(path, 'NAME'));
  return Object.entries(node.properties ?? {}).flatMap(([key, below]) => {
    const here = keyPath(path, key);
    const isRequired = node.required?.includes(key) ?? false;
    if (isClientTls(below))
      return [row(here, { ...below, description: `${below.description}. See [client TLS](#client-tls)` }, false)];
    return [row(here, below, isRequired), ...rowsOf(below, here)];
  });
}

function isClientTls(node: SchemaNode): boolean {
  return node.properties?.serverName !== undefined && node.properties.insecureSkipVerify !== undefined;
}

function keyPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function row(path: string, node: SchemaNode, isRequired: boolean): string {
  const unit = node.unit === undefined ? '' : ` ${node.unit}`;
  const fallback = node.properties === undefined ? node.default : undefined;
  const shown =
    isRequired && node.const === undefined
      ? 'required'
      : fallback === undefined
        ? ''
        : `\`${JSON.stringify(fallback)}\`${unit}`;
  const values = node.enum === undefined ? '' : ` (${node.enum.map((value) => `\`${String(value)}\``).join(', ')})`;
  const constant = node.const === undefined ? '' : ` (\`${JSON.stringify(node.const).replaceAll('"', '')}\`)`;
  return `| \`${path}\` | ${shown} | ${sentence(`${node.description ?? ''}`).replace(/\.$/, `${values}${constant}.`)} |`;
}

function tykTables(): string {
  const rows = tykRows(tykConf.shape, '');
  const part = (fate: Fate['fate'], title: string, head: string): string =>
    `### ${title}\n\n| key | ${head} |\n| --- | --- |\n${rows
      .filter((one) => one.fate === fate)
      .map(({ path, text }) => `| \`${path}\` | ${text} |`)
      .join('\n')}\n`;
  return [
    part('honoured', 'Honoured', 'becomes'),
    part('feature', 'Refused when switched on', 'instead'),
    part('harmless', 'Without effect', 'why'),
  ].join('\n');
}

interface TykRow {
  readonly path: string;
  readonly fate: Fate['fate'];
  readonly text: string;
}

function tykRows(shape: NonNullable<ReturnType<typeof shapeOf>>, above: string): TykRow[] {
  return Object.entries(shape).flatMap(([key, field]) => {
    const path = above + key;
    const below = shapeOf(field);
    if (below !== undefined) return tykRows(below, `${path}.`);
    const { fate, note, to, unit } = fateOf(field);
    const text = to === undefined ? note : `\`${to}\`${unit === 's' ? ', in milliseconds there' : ''}`;
    return [{ path, fate, text: sentence(text) }];
  });
}

function sentence(text: string): string {
  const capital = text.replace(/^[a-z]/, (letter) => letter.toUpperCase());
  return /[.!?]$/.test(capital) || capital === '' ? capital : `${capital}.`;
}

if (import.meta.main) {
  for (const [path, text] of await publishedFiles()) await writeFile(join(root, path), text);
}
