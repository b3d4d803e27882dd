import { z } from 'zod';
import type { Environment } from '../environment.ts';
import { type Path, pathText } from '../problem.ts';
import { put } from '../tree.ts';
import { fateOf, shapeOf } from './field.ts';
import { tykConf } from './table.ts';

const prefix = 'TYK_GW_';
/** They steer the reading itself. */
const others = new Set(['TYK_GW_OMITCONFIGFILE']);

/**
 * Write `TYK_GW_...` variables over a tyk.conf. A name is the original's field names in upper case, without underscores within a level
 * and with one between levels. Lists are separated by commas, maps are `key:value,key:value`. An empty one counts as unset.
 */
export function overlayTykEnvironment(
  tree: unknown,
  environment: Environment,
  origins: Map<string, string>,
): { tree: unknown; warnings: string[] } {
  let result: unknown = tree;
  const unknown: string[] = [];
  for (const name of Object.keys(environment).sort((a, b) => (a < b ? -1 : 1))) {
    const text = environment[name];
    if (!name.startsWith(prefix) || others.has(name) || text === undefined || text === '') continue;
    const found = find(tykConf.shape, name.slice(prefix.length).toUpperCase().split('_'), []);
    if (found === undefined) unknown.push(name);
    else {
      result = put(result, found.path, readValue(found.field, text));
      origins.set(pathText(found.path), `environment variable ${name}`);
    }
  }
  const warnings =
    unknown.length === 0 ? [] : [`Environment variables that set nothing are ignored: ${unknown.join(', ')}.`];
  return { tree: result, warnings };
}

interface Found {
  readonly path: Path;
  readonly field: z.core.$ZodType;
}

function find(shape: z.core.$ZodShape, words: readonly string[], path: Path): Found | undefined {
  for (let length = words.length; length > 0; length--) {
    // A few of the original's names have an underscore after all.
    const word = words.slice(0, length).join('_');
    for (const [key, field] of Object.entries(shape)) {
      if ((fateOf(field).go ?? key.replaceAll('_', '')).toUpperCase() !== word) continue;
      const below = shapeOf(field);
      if (length === words.length) return { path: [...path, key], field };
      return below === undefined ? undefined : find(below, words.slice(length), [...path, key]);
    }
  }
  return undefined;
}

/** The text as the field's type; as it is where it fits none, so that the type check says so. */
function readValue(field: z.core.$ZodType, text: string): unknown {
  const type = field instanceof z.ZodOptional ? field.unwrap() : field;
  if (type instanceof z.ZodBoolean) return readFlag(text);
  if (type instanceof z.ZodNumber) return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  if (type instanceof z.ZodString || type instanceof z.ZodEnum) return text;
  if (/^\s*[[{]/.test(text)) return readJson(text);
  if (type instanceof z.ZodArray) return text.split(',');
  if (type instanceof z.ZodRecord) {
    return Object.fromEntries(
      text.split(',').map((pair) => [pair.split(':', 1)[0] as string, pair.slice(pair.indexOf(':') + 1)]),
    );
  }
  // Of features and harmless keys only "off" matters.
  return readFlag(text) === false || text === '0' ? false : text === 'true' ? true : text;
}

function readFlag(text: string): boolean | string {
  if (/^(1|t|true)$/i.test(text)) return true;
  return /^(0|f|false)$/i.test(text) ? false : text;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
