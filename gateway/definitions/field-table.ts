import { Fields, isObject, type JsonObject, pathOf } from './fields.ts';
import { Report } from './problem.ts';

/**
 * What becomes of one field of a definition.
 *
 * - `honoured`: it acts here. - `harmless`: it has no effect here, and needs none. - `feature`: something we do not have; a definition that
 *   switches it on is refused.
 */
export interface Field {
  readonly role: 'honoured' | 'harmless' | 'feature';
  /** For the reader of docs/definitions.md; for a feature: what to do without it. */
  readonly note: string;
  /** Name for `definitions.ignoreFeatures`. */
  readonly feature?: string;
  /** Whether the feature is switched on; `siblings` is the object that holds the field, `document` the whole. */
  readonly isOn?: (value: unknown, siblings: Fields, document: Fields) => boolean;
  /** Switch among the siblings without which nothing below counts. */
  readonly switch?: string;
  /** Fields below: of an object, of each entry of a list, or of each value of a map (`*`). Absent: anything may stand there. */
  readonly below?: FieldTree;
  readonly shape?: 'object' | 'list' | 'map' | 'listMap';
}

export type FieldTree = Readonly<Record<string, Field>>;

export function honoured(note: string): Field {
  return { role: 'honoured', note };
}

export function harmless(note: string): Field {
  return { role: 'harmless', note };
}

export function feature(name: string, isOn: NonNullable<Field['isOn']>, cure: string): Field {
  return { role: 'feature', feature: name, isOn, note: cure };
}

export function section(below: FieldTree): Field {
  return { role: 'honoured', note: '', below, shape: 'object' };
}

/** A section that counts only when its sibling `name` is true. */
export function switchedSection(name: string, below: FieldTree): Field {
  return { ...section(below), switch: name };
}

export function listOf(below: FieldTree, note = ''): Field {
  return { role: 'honoured', note, below, shape: 'list' };
}

export function mapOf(below: FieldTree): Field {
  return { role: 'honoured', note: '', below, shape: 'map' };
}

/** A map of lists of objects. */
export function listMapOf(below: FieldTree): Field {
  return { role: 'honoured', note: '', below, shape: 'listMap' };
}

export function isTrue(value: unknown): boolean {
  return value === true;
}

/** True, of an API that asks callers who they are at all. */
export function isTrueUnlessKeyless(value: unknown, api: Fields): boolean {
  return value === true && !api.boolean('use_keyless');
}

/** Not empty: a text, a list, an object, a number. */
export function isFilled(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isObject(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** A list with an entry that is not disabled. */
export function hasEntries(value: unknown): boolean {
  return Array.isArray(value) && value.some((entry) => !isObject(entry) || !quiet(entry).boolean('disabled'));
}

/** An object whose switch `name` is on. */
export function switchedOn(name: string): (value: unknown) => boolean {
  return (value) => isObject(value) && quiet(value).boolean(name);
}

/** Fields that nobody reports on. */
function quiet(json: JsonObject): Fields {
  return new Fields(json, '', new Report('', []));
}

/** What a survey finds. */
export interface Survey {
  feature(path: string, field: Field): void;
  /** A key that is in no table, and the known key that it looks like, if there is one. */
  unknown(path: string, nearest: string | undefined): void;
}

/** Walk over a document once, and tell the features that it switches on, and the keys that nobody knows. */
export function surveyFields(json: JsonObject, tree: FieldTree, survey: Survey, path = ''): void {
  surveyObject(json, tree, { ...survey, document: quiet(json) }, path);
}

interface Walk extends Survey {
  readonly document: Fields;
}

function surveyObject(json: JsonObject, tree: FieldTree, survey: Walk, path: string): void {
  let siblings: Fields | undefined;
  for (const key of Object.keys(json)) {
    const field = fieldOf(tree, key);
    const at = pathOf(path, key);
    const value = json[key];
    if (field === undefined) survey.unknown(at, nearestKey(tree, key));
    else if (value === null) continue;
    else if (field.isOn !== undefined) {
      siblings ??= quiet(json);
      if (field.isOn(value, siblings, survey.document)) survey.feature(at, field);
    } else if (field.below !== undefined && (field.switch === undefined || quiet(json).boolean(field.switch))) {
      surveyBelow(value, field, survey, at);
    }
  }
}

function surveyBelow(value: unknown, field: Field, survey: Walk, path: string): void {
  const tree = field.below as FieldTree;
  if (field.shape === 'object') {
    if (isObject(value)) surveyObject(value, tree, survey, path);
  } else if (field.shape === 'list') surveyList(value, tree, survey, path);
  else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      const entry = value[key];
      if (field.shape === 'listMap') surveyList(entry, tree, survey, pathOf(path, key));
      else if (isObject(entry)) surveyObject(entry, tree, survey, pathOf(path, key));
    }
  }
}

function surveyList(value: unknown, tree: FieldTree, survey: Walk, path: string): void {
  if (!Array.isArray(value)) return;
  for (let i = 0; i < value.length; i++) {
    const entry: unknown = value[i];
    if (isObject(entry)) surveyObject(entry, tree, survey, `${path}[${i}]`);
  }
}

const foldedTrees = new WeakMap<FieldTree, Map<string, Field>>();

function fieldOf(tree: FieldTree, key: string): Field | undefined {
  if (Object.hasOwn(tree, key)) return tree[key];
  let folded = foldedTrees.get(tree);
  if (folded === undefined) {
    folded = new Map(Object.entries(tree).map(([name, field]) => [name.toLowerCase(), field]));
    foldedTrees.set(tree, folded);
  }
  return folded.get(key.toLowerCase());
}

/** A known key that differs in one or two letters: most likely what was meant. */
function nearestKey(tree: FieldTree, key: string): string | undefined {
  const wanted = key.toLowerCase();
  return Object.keys(tree).find((name) => name.length > 3 && isNear(name.toLowerCase(), wanted));
}

/** Whether two texts differ by at most two inserted, removed or changed letters. */
export function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 2) return false;
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, (previous[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    previous = row;
  }
  return (previous[b.length] as number) <= 2;
}
