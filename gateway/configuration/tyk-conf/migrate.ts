import { dirname, relative, resolve } from 'node:path';
import { Document, isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';
import { type Environment, variableName } from '../environment.ts';
import { type Path, pathText } from '../problem.ts';
import { jsonSchema, type SchemaNode } from '../schema/index.ts';
import { readTykConf } from './read.ts';
import { translate } from './translate.ts';
import type { UserTree } from './tree.ts';

/** Keys whose texts are files or folders. */
const pathKeys = new Set(['folder', 'file', 'publicKey', 'templates', 'library', 'ca', 'cert', 'key']);

/**
 * A tyk.conf, with the `TYK_GW_` environment over it, as a YAML file of ours, to be put beside it. Each key says which one it came from.
 * Secrets are not written: they become references to the environment. What cannot be carried over stands at the head.
 * @throws {ConfigurationError} when the tyk.conf cannot be read.
 */
export function migrateTykConf(file: string, environment: Environment): string {
  const { conf, problems, warnings: ignored } = readTykConf(file, environment);
  const { tree, warnings } = translate(conf, file, environment);
  const folder = dirname(resolve(file));
  const document = new Document(written(tree.tree, jsonSchema(), [], folder));
  comment(document.contents, [], tree);
  document.commentBefore = [
    ` Made by "interpose migrate" from ${file}. Put it beside that file: relative paths start from here.`,
    ' Keys with the default of interpose are left out. INTERPOSE_... variables take the place of TYK_GW_... ones.',
    ' An API that cannot be loaded answers 503 here; with --tyk-conf it is 404 or 500, as in the original.',
    ...lost(conf),
    ...problems.map(({ path, cure }) => ` NOT CARRIED OVER: ${path}. ${cure}`),
    ...[...ignored, ...warnings].map((text) => ` ${text}`),
  ].join('\n');
  return document.toString({ lineWidth: 0 });
}

/** Switches that our file does not have, for everything is on. */
function lost(conf: ReturnType<typeof readTykConf>['conf']): string[] {
  const off = [
    conf.coprocess_options?.enable_coprocess ? '' : 'coprocess_options.enable_coprocess',
    conf.enable_jsvm ? '' : 'enable_jsvm',
  ].filter(Boolean);
  return off.map(
    (key) =>
      ` ${key} is off there, and cannot be switched off here: hooks that a definition names are run, or refused.`,
  );
}

/** The tree as it is to stand in the file: without defaults, without secrets, with paths that start from the file's folder. */
function written(value: unknown, node: SchemaNode | undefined, path: Path, folder: string): unknown {
  if (isSecret(path, node) && value !== '') {
    if (typeof value === 'string') return `env://${variableName(path)}`;
    const keys = Object.keys(value as object);
    return Object.fromEntries(keys.map((key) => [key, `env://${variableName([...path, key])}`]));
  }
  if (Array.isArray(value)) return value.map((item: unknown, i) => written(item, node?.items, [...path, i], folder));
  if (typeof value === 'object' && value !== null) {
    const order = Object.keys(node?.properties ?? {});
    const inOrder = Object.entries(value).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
    const entries = inOrder.flatMap(([key, inner]) => {
      const below = belowOf(node, key);
      const same = below?.default !== undefined && JSON.stringify(below.default) === JSON.stringify(inner);
      const text = same ? undefined : written(inner, below, [...path, key], folder);
      return text === undefined || (typeof text === 'object' && text !== null && Object.keys(text).length === 0)
        ? []
        : [[key, text]];
    });
    return Object.fromEntries(entries);
  }
  const isPath = pathKeys.has(String(path.at(-1))) && typeof value === 'string' && !value.includes('-----BEGIN');
  return isPath ? fromFolder(value, folder) : value;
}

/** Keys of TLS are files here, and stay. */
function isSecret(path: Path, node: SchemaNode | undefined): boolean {
  return node?.writeOnly === true && path.at(-1) !== 'key' && path.at(-1) !== 'url';
}

function belowOf(node: SchemaNode | undefined, key: string): SchemaNode | undefined {
  for (const one of node?.oneOf ?? []) if (one.properties?.kind?.const === 'redis') return one.properties[key];
  const rest = node?.additionalProperties;
  return node?.properties?.[key] ?? (typeof rest === 'object' ? rest : undefined);
}

function fromFolder(path: string, folder: string): string {
  const absolute = resolve(path);
  const short = relative(folder, absolute);
  return short.startsWith('..') ? absolute : short || '.';
}

/** Put the origin of each key behind it. */
function comment(node: unknown, path: Path, tree: UserTree): void {
  if (isSeq(node)) for (const [i, item] of node.items.entries()) comment(item, [...path, i], tree);
  if (!isMap(node)) return;
  for (const { key, value } of node.items as Pair<Node, Node>[]) {
    const here = [...path, String(isScalar(key) ? key.value : key)];
    const origin = tree.origins.get(pathText(here));
    const holder = isScalar(value) ? value : (key as Node);
    if (origin !== undefined) holder[isScalar(value) ? 'comment' : 'commentBefore'] = ` ${origin.join('.')}`;
    comment(value, here, tree);
  }
}
