import type { z } from 'zod';
import { variableName } from './environment.ts';
import { nearest } from './nearest.ts';
import { type Path, type Problem, pathText } from './problem.ts';
import { jsonSchema, type SchemaNode } from './schema/index.ts';
import type { Locate } from './secrets.ts';
import { valueAt } from './tree.ts';

type Issue = z.core.$ZodIssue;

/** What the schema says about a tree, in words for the one who wrote it. `written` is the tree before `env://` was filled in, so that no secret is shown. */
export function problemsOf(issues: readonly Issue[], written: unknown, locate: Locate): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path as Path;
    if (issue.code === 'invalid_key') return [badName(path, locate)];
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, written, locate));
    const node = nodeAt(path);
    const got = valueAt(written, path);
    const message = got === undefined ? 'is missing' : `must be ${wanted(issue, node)}, got ${shown(got, node, path)}`;
    return [{ path: pathText(path), ...locate(path), message, cure: cureOf(path, node, got) }];
  });
}

function unknownKey(path: Path, key: string, written: unknown, locate: Locate): Problem {
  const known = Object.keys(propertiesOf(nodeAt(path), valueAt(written, path)));
  const meant = nearest(key, known);
  return {
    path: pathText([...path, key]),
    ...locate([...path, key]),
    message: 'is no key that we know',
    cure: meant === undefined ? `Known here are ${known.join(', ')}.` : `Did you mean "${meant}"?`,
  };
}

function badName(path: Path, locate: Locate): Problem {
  const message = 'is no name: it must have letters, digits, ".", "_" and "-" only';
  return { path: pathText(path), ...locate(path), message, cure: 'Rename it here, and where it is used.' };
}

/** What may stand there: `a whole number`, `one of json, text`. */
function wanted(issue: Issue, node: SchemaNode | undefined): string {
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    const limit = issue.code === 'too_small' ? issue.minimum : issue.maximum;
    const side = issue.code === 'too_small' ? 'at least' : 'at most';
    // "Greater than 0" of a whole number is "at least 1".
    const bound = issue.inclusive === false ? Number(limit) + 1 : limit;
    if (issue.origin === 'string') return 'a text that is not empty';
    if (issue.origin === 'array') return `a list with ${side} ${bound}`;
    return `${side} ${bound}`;
  }
  if (issue.code === 'invalid_union' && 'options' in issue) return alternatives(issue.options as unknown[]);
  if (issue.code === 'invalid_value') return alternatives(issue.values);
  if (issue.code === 'invalid_format') {
    if (issue.format === 'url') return 'an http or https URL';
    if (issue.format === 'starts_with') return 'a path that begins with "/"';
    return 'of the right form';
  }
  return kindOf(node);
}

function kindOf(node: SchemaNode | undefined): string {
  if (node?.enum !== undefined) return alternatives(node.enum);
  if (node?.const !== undefined) return JSON.stringify(node.const);
  const inner = node?.anyOf ?? [];
  if (inner.length > 0) return inner.map(kindOf).join(' or ');
  const unit = node?.unit === 'ms' ? ' of milliseconds' : node?.unit === 'bytes' ? ' of bytes' : '';
  const kinds: Record<string, string> = {
    integer: `a whole number${unit}`,
    number: 'a number',
    boolean: 'true or false',
    string: 'a text',
    array: 'a list',
    object: 'a map (key: value)',
  };
  return kinds[node?.type ?? 'object'] ?? 'something else';
}

function alternatives(values: readonly unknown[]): string {
  const words = values.map((value) => String(value));
  return words.length === 1 ? `"${words[0]}"` : `one of ${words.join(', ')}`;
}

function shown(value: unknown, node: SchemaNode | undefined, path: Path): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  if (value === null) return 'nothing';
  const secret = node?.writeOnly === true || path.some((_, i) => nodeAt(path.slice(0, i))?.writeOnly === true);
  if (secret && !(typeof value === 'string' && value.startsWith('env://'))) return `a ${typeof value} (not shown)`;
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** What the key is for, and how it may look. */
function cureOf(path: Path, node: SchemaNode | undefined, got: unknown): string {
  const key = path.at(-1);
  if (node === undefined || key === undefined)
    return 'A configuration is a map of sections: see docs/configuration.md.';
  const description = node.description === undefined ? '' : `${sentence(node.description)} `;
  if (typeof got === 'string' && got.startsWith('env://') && node.type !== 'string') {
    return `${description}env:// stands for texts only; ${variableName(path)} in the environment sets this key.`;
  }
  const example = node.examples?.[0] ?? node.default ?? (node.const as unknown) ?? firstOf(node);
  if (example === undefined || typeof key === 'number') return description.trim() || 'See docs/configuration.md.';
  return `${description}For example: ${key}: ${exampleText(example)}`;
}

/** As it may stand in YAML, also within braces. */
function exampleText(example: unknown): string {
  if (typeof example !== 'string') return JSON.stringify(example);
  return /^[[{&*!|>%@`]|, |: /.test(example) ? JSON.stringify(example) : example;
}

function firstOf(node: SchemaNode): unknown {
  return node.enum?.[0] ?? (node.type === 'boolean' ? true : undefined);
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** The schema of the key at a path; undefined where there is none. */
function nodeAt(path: Path): SchemaNode | undefined {
  let node: SchemaNode | undefined = jsonSchema();
  for (const step of path) {
    const inner: SchemaNode | undefined = propertiesOf(node, undefined)[step];
    const rest: SchemaNode | boolean | undefined = typeof step === 'number' ? node?.items : node?.additionalProperties;
    node = inner ?? (typeof rest === 'object' ? rest : undefined);
  }
  return node;
}

/** Keys of a map; of the alternative that `value` has chosen by its `kind`, where there are several. */
function propertiesOf(node: SchemaNode | undefined, value: unknown): Readonly<Record<string, SchemaNode>> {
  if (node?.oneOf === undefined) return node?.properties ?? {};
  const kind = (value as { kind?: unknown } | undefined)?.kind;
  const chosen = node.oneOf.filter((one) => kind === undefined || one.properties?.kind?.const === kind);
  return Object.assign({}, ...chosen.map((one) => one.properties)) as Record<string, SchemaNode>;
}
