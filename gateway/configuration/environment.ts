import { nearest } from './nearest.ts';
import { type Path, type Problem, pathText } from './problem.ts';
import { jsonSchema, type SchemaNode } from './schema/index.ts';
import { put, valueAt } from './tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const prefix = 'INTERPOSE_';
/** They belong to the command line, and name no keys. */
const options = new Set(['INTERPOSE_CONFIG', 'INTERPOSE_TYK_CONF', 'INTERPOSE_DEBUG']);

/** What a key came from where it is not the file: path as text to the words for it, as `environment variable X`. */
export type Origins = Map<string, string>;

/** `limits.hookTimeoutMs` is set by `INTERPOSE_LIMITS_HOOK_TIMEOUT_MS`. */
export function variableName(path: Path): string {
  return prefix + path.map((step) => screaming(String(step))).join('_');
}

function screaming(word: string): string {
  return word
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase();
}

export interface Overlaid {
  readonly tree: unknown;
  readonly problems: readonly Problem[];
  /** Variables with our prefix that set nothing. They may be somebody's `env://` secrets, or misspelt. */
  readonly unused: readonly string[];
}

/**
 * Write `INTERPOSE_...` variables over a tree. Where the schema has a number or a flag the text is read as one, lists of texts are
 * separated by commas, and maps and lists may be given as JSON. An empty variable counts as unset. A name that begins like a section
 * and leads nowhere is a problem.
 */
export function overlayEnvironment(tree: unknown, environment: Environment, origins: Origins): Overlaid {
  const problems: Problem[] = [];
  const unused: string[] = [];
  let result = tree;
  // Sorted, so that a whole section given as JSON comes before the keys that change it.
  for (const name of Object.keys(environment).sort((a, b) => (a < b ? -1 : 1))) {
    const text = environment[name];
    if (!name.startsWith(prefix) || options.has(name) || text === undefined || text === '') continue;
    const found = find(jsonSchema(), name.slice(prefix.length), result, [], isJson(text));
    if (found !== undefined) {
      result = put(result, found.path, readValue(found.node, text));
      origins.set(pathText(found.path), `environment variable ${name}`);
    } else if (beginsLikeSection(name)) problems.push(leadsNowhere(name));
    else unused.push(name);
  }
  return { tree: result, problems, unused };
}

/** The name of a variable that sets something, which a name that sets nothing was probably meant to be. */
export function nearestVariable(name: string): string | undefined {
  return nearest(
    name.slice(prefix.length),
    variableNames().map((known) => known.slice(prefix.length)),
  )?.replace(/^/, prefix);
}

interface Found {
  readonly path: Path;
  readonly node: SchemaNode;
}

/** The key below `node` that `rest` of a variable's name stands for. `tree` tells which names its maps have by now. */
function find(node: SchemaNode, rest: string, tree: unknown, path: Path, json: boolean): Found | undefined {
  if (rest === '') return { path, node };
  for (const [key, inner] of Object.entries(propertiesOf(node))) {
    const below = after(rest, screaming(key));
    const found = below === undefined ? undefined : find(inner, below, valueAt(tree, [key]), [...path, key], json);
    if (found !== undefined) return found;
  }
  if (typeof node.additionalProperties === 'object')
    return findNamed(node.additionalProperties, rest, tree, path, json);
  const index = node.items === undefined ? null : /^(\d{1,3})(?:_(.+))?$/.exec(rest);
  if (node.items === undefined || index === null) return undefined;
  const step = Number(index[1]);
  return find(node.items, index[2] ?? '', valueAt(tree, [step]), [...path, step], json);
}

/** In a map the name comes first, and ends where a known key begins: `FRAUD_CHECK_TIMEOUT_MS` is `timeoutMs` of `fraud-check`. */
function findNamed(node: SchemaNode, rest: string, tree: unknown, path: Path, json: boolean): Found | undefined {
  const words = rest.split('_');
  const nameOf = (word: string): string =>
    Object.keys((tree as object | undefined) ?? {}).find((key) => screaming(key) === word) ??
    word.toLowerCase().replaceAll('_', '-');
  if (node.properties === undefined || json) return { path: [...path, nameOf(rest)], node };
  for (let length = 1; length < words.length; length++) {
    const name = nameOf(words.slice(0, length).join('_'));
    const found = find(node, words.slice(length).join('_'), valueAt(tree, [name]), [...path, name], json);
    if (found !== undefined) return found;
  }
  return undefined;
}

function propertiesOf(node: SchemaNode): Readonly<Record<string, SchemaNode>> {
  if (node.oneOf === undefined) return node.properties ?? {};
  return Object.assign({}, ...node.oneOf.map((one) => one.properties)) as Record<string, SchemaNode>;
}

function after(rest: string, word: string): string | undefined {
  if (rest === word) return '';
  return rest.startsWith(`${word}_`) ? rest.slice(word.length + 1) : undefined;
}

function isJson(text: string): boolean {
  return /^\s*[[{]/.test(text);
}

/** Text that is not what the schema wants stays text, so that the schema says so. */
function readValue(node: SchemaNode, text: string): unknown {
  if (isJson(text) && node.type !== 'string') {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  if (node.type === 'array') return text.split(',').map((part) => part.trim());
  const numeric =
    node.type === 'integer' || node.type === 'number' || node.anyOf?.some((one) => one.type === 'integer');
  if (numeric && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (node.type === 'boolean' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  return text;
}

function beginsLikeSection(name: string): boolean {
  return Object.keys(propertiesOf(jsonSchema())).some(
    (key) => after(name.slice(prefix.length), screaming(key)) !== undefined,
  );
}

function leadsNowhere(name: string): Problem {
  const meant = nearestVariable(name);
  return {
    source: `environment variable ${name}`,
    path: '',
    message: 'it sets nothing: no key has this name',
    cure:
      meant === undefined
        ? 'docs/configuration.md has all names; unset it if it is not meant for us.'
        : `Did you mean ${meant}?`,
  };
}

/** Of all keys that have a fixed name. */
function variableNames(node: SchemaNode = jsonSchema(), path: Path = []): string[] {
  const inner = Object.entries(propertiesOf(node)).flatMap(([key, below]) => variableNames(below, [...path, key]));
  return path.length === 0 || inner.length > 0 ? inner : [variableName(path)];
}
