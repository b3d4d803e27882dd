import type { z } from 'zod';
import { type ConfigurationDocument, parseText, readText } from '../document.ts';
import type { Environment } from '../environment.ts';
import { nearest } from '../nearest.ts';
import { ConfigurationError, type Path, type Problem, pathText } from '../problem.ts';
import type { Locate } from '../secrets.ts';
import { valueAt } from '../tree.ts';
import { overlayTykEnvironment } from './environment.ts';
import { fateOf, shapeOf } from './field.ts';
import { type TykConf, tykConf } from './table.ts';

/** A tyk.conf that was read: keys as the table has them, `null` left out. */
export interface TykFile {
  readonly conf: TykConf;
  readonly locate: Locate;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

type Json = Record<string, unknown>;

/**
 * Read a tyk.conf and the `TYK_GW_` environment over it. As in the original, keys match in any case and unknown ones are ignored.
 * @throws {ConfigurationError} when the file is not there, is no JSON, or has a value of a wrong type.
 */
export function readTykConf(file: string, environment: Environment): TykFile {
  const omitted = /^(1|t|true)$/i.test(environment.TYK_GW_OMITCONFIGFILE ?? '');
  const text = omitted ? '{}' : readText(file);
  const raw = parseJson(file, text);
  const written = new Map<string, Path>();
  const unknown: string[] = [];
  const origins = new Map<string, string>();
  const folded = foldKeys(raw, tykConf.shape, { canonical: [], written: [] }, { written, unknown });
  const overlay = overlayTykEnvironment(folded, environment, origins);
  const locate = locator(file, text, written, origins);

  const parsed = tykConf.safeParse(overlay.tree);
  if (!parsed.success)
    throw new ConfigurationError(parsed.error.issues.map((issue) => wrongType(issue, overlay.tree, locate)));
  return {
    conf: parsed.data,
    locate,
    problems: features(overlay.tree as Json, { tree: overlay.tree as Json, shape: tykConf.shape, path: [] }, locate),
    warnings: [...ignored(file, unknown), ...overlay.warnings],
  };
}

function parseJson(file: string, text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch (error) {
    const message = (error as Error).message;
    const [, line, column] = /line (\d+) column (\d+)/.exec(message) ?? [];
    const cure = 'Check commas, quotes and brackets there; JSON has no comments. Our own YAML goes with --config.';
    const place = line === undefined ? {} : { line: Number(line), column: Number(column) };
    const what = message.replace(/ (in JSON )?at position.*$/, '').replace(/, ".*" is not valid JSON$/s, '');
    throw new ConfigurationError([
      { source: file, ...place, path: '', message: `this is no valid JSON: ${what}`, cure },
    ]);
  }
  const cure = 'A tyk.conf is a map, as {"listen_port": 8080}.';
  throw new ConfigurationError([{ source: file, path: '', message: 'this is JSON, and no map of settings', cure }]);
}

interface Seen {
  readonly written: Map<string, Path>;
  readonly unknown: string[];
}

/** The tree with the table's spelling of keys. Of keys that differ in case only the exact one counts, else the last. */
function foldKeys(raw: Json, shape: z.core.$ZodShape, at: { canonical: Path; written: Path }, seen: Seen): Json {
  const known = new Map(Object.keys(shape).map((key) => [key.toLowerCase(), key]));
  const tree: Json = {};
  for (const [key, value] of Object.entries(raw)) {
    const name = known.get(key.toLowerCase());
    const written = [...at.written, key];
    if (name === undefined) {
      if (!key.startsWith('//') && key !== '_comment') seen.unknown.push(pathText(written));
      continue;
    }
    if (value === null || (name !== key && Object.hasOwn(raw, name))) continue;
    const canonical = [...at.canonical, name];
    seen.written.set(pathText(canonical), written);
    const below = shapeOf(shape[name] as z.core.$ZodType);
    const isBlock = below !== undefined && typeof value === 'object' && !Array.isArray(value);
    tree[name] = isBlock ? foldKeys(value as Json, below, { canonical, written }, seen) : value;
  }
  return tree;
}

/** Positions cost a second parse, so they are looked for only when there is something to say. */
function locator(file: string, text: string, written: Map<string, Path>, origins: Map<string, string>): Locate {
  let document: ConfigurationDocument | undefined;
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const variable = origins.get(pathText(path.slice(0, length)));
      if (variable !== undefined) return { source: variable };
      const known = written.get(pathText(path.slice(0, length)));
      if (known === undefined) continue;
      try {
        document ??= parseText(file, text);
      } catch {
        return { source: file };
      }
      return { source: file, ...document.positionOf([...known, ...path.slice(length)]) };
    }
    return { source: file };
  };
}

const kinds: Readonly<Record<string, readonly [string, string]>> = {
  boolean: ['true or false', 'true'],
  number: ['a number', '1'],
  string: ['a text', '"text"'],
  array: ['a list', '["text"]'],
  object: ['a map', '{}'],
  record: ['a map', '{}'],
};

/** Values are not shown: any text of a tyk.conf may be a secret. */
function wrongType(issue: z.core.$ZodIssue, tree: unknown, locate: Locate): Problem {
  const path = issue.path as Path;
  const got = valueAt(tree, path);
  const shown = Array.isArray(got)
    ? 'a list'
    : typeof got === 'object'
      ? 'a map'
      : typeof got === 'string'
        ? 'a text'
        : JSON.stringify(got);
  const values = issue.code === 'invalid_value' ? issue.values.filter(Boolean) : [];
  const [wanted, example] =
    values.length > 0
      ? [`one of ${values.join(', ')}`, JSON.stringify(values[0])]
      : ((issue.code === 'invalid_type' ? kinds[issue.expected] : undefined) ?? ['of another type', '...']);
  const cure = `For example: "${path.at(-1)}": ${example}. The original refuses the whole file for this.`;
  return { path: pathText(path), ...locate(path), message: `must be ${wanted}, got ${shown}`, cure };
}

interface Place {
  readonly tree: Json;
  readonly shape: z.core.$ZodShape;
  readonly path: Path;
}

/** What is switched on and not here. */
function features(root: Json, { tree, shape, path }: Place, locate: Locate): Problem[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const field = shape[key];
    if (field === undefined) return [];
    const here = [...path, key];
    const below = shapeOf(field);
    const { fate, isOn, note, switch: toggle } = fateOf(field);
    if (toggle !== undefined && root[toggle] !== true) return [];
    if (below !== undefined) return features(root, { tree: value as Json, shape: below, path: here }, locate);
    if (fate !== 'feature' || !isOn?.(value as never)) return [];
    const cure = `${note.replace(/^./, (letter) => letter.toUpperCase())}.`;
    return [{ path: pathText(here), ...locate(here), message: 'switches on something that we do not have', cure }];
  });
}

function ignored(file: string, unknown: readonly string[]): string[] {
  if (unknown.length === 0) return [];
  const known = Object.keys(tykConf.shape);
  const words = unknown.map((key) => {
    const meant = key.includes('.') ? undefined : nearest(key, known);
    return meant === undefined ? key : `${key} (${meant} was meant?)`;
  });
  return [`${file}: unknown keys are ignored, as in the original: ${words.join(', ')}.`];
}
