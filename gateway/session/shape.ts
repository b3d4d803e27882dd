import { goInt, goJson, goString, sortedKeys } from './go-json.ts';

/**
 * What a JSON value must look like, as Go's decoder sees it: a struct (`record`) has named fields, found in any letter case; a value of
 * a wrong type refuses the whole; `null` leaves the zero value.
 */
export type Kind =
  | 'int'
  | 'float'
  | 'string'
  | 'bool'
  /** RFC 3339 text. */
  | 'time'
  /** Anything. */
  | 'any'
  | { readonly list: Kind }
  | { readonly map: Kind }
  | { readonly record: Shape };

export interface Field {
  readonly name: string;
  readonly kind: Kind;
  /** Written even when it is zero. */
  readonly always: boolean;
}

/** Fields in the order in which they are written. */
export class Shape {
  readonly fields: readonly Field[];
  private readonly byFoldedName: ReadonlyMap<string, Field>;

  constructor(fields: readonly Field[]) {
    this.fields = fields;
    this.byFoldedName = new Map(fields.map((field) => [field.name.toLowerCase(), field]));
  }

  find(key: string): Field | undefined {
    return this.byFoldedName.get(key.toLowerCase());
  }
}

export function field(name: string, kind: Kind): Field {
  return { name, kind, always: false };
}

export function fieldAlways(name: string, kind: Kind): Field {
  return { name, kind, always: true };
}

/** A JSON value does not have the type that its place asks for. */
export class ShapeError extends Error {
  constructor(path: string, expected: string, value: unknown) {
    super(`"${path}" must be ${expected}, got ${JSON.stringify(value).slice(0, 60)}`);
    this.name = 'ShapeError';
  }
}

/**
 * A parsed JSON value as a record of this shape: fields under their own names, zero values left out. Maps have no prototype, so names
 * out of a client's hands are safe in them.
 * @param keepUnknown take along fields that the shape does not have.
 * @throws {ShapeError}
 */
export function readRecord(shape: Shape, value: unknown, keepUnknown: boolean, path = ''): Record<string, unknown> {
  if (value === null) return emptyMap();
  if (typeof value !== 'object' || Array.isArray(value))
    throw new ShapeError(path || 'the document', 'an object', value);
  const record = emptyMap();
  for (const [key, entry] of Object.entries(value)) {
    const known = shape.find(key);
    if (known === undefined) {
      if (keepUnknown) record[key] = entry;
      continue;
    }
    const read = readValue(known.kind, entry, keepUnknown, path === '' ? known.name : `${path}.${known.name}`);
    // Of one field in two spellings the last one counts, also when it is zero.
    if (read === undefined || (!known.always && isZero(known.kind, read))) delete record[known.name];
    else record[known.name] = read;
  }
  return record;
}

function readValue(kind: Kind, value: unknown, keepUnknown: boolean, path: string): unknown {
  if (kind === 'any') return value;
  if (value === null) return undefined;
  if (typeof kind === 'object') return readNested(kind, value, keepUnknown, path);
  switch (kind) {
    case 'int':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw new ShapeError(path, 'a whole number', value);
      return value;
    case 'float':
      if (typeof value !== 'number') throw new ShapeError(path, 'a number', value);
      return value;
    case 'bool':
      if (typeof value !== 'boolean') throw new ShapeError(path, 'true or false', value);
      return value;
    case 'string':
      if (typeof value !== 'string') throw new ShapeError(path, 'a text', value);
      return value;
    case 'time':
      if (typeof value !== 'string' || !time.test(value))
        throw new ShapeError(path, 'a time as 2026-01-31T12:00:00Z', value);
      return value.startsWith(zeroTime) ? undefined : value;
  }
}

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const zeroTime = '0001-01-01T00:00:00';

function readNested(kind: Extract<Kind, object>, value: unknown, keepUnknown: boolean, path: string): unknown {
  if ('record' in kind) return readRecord(kind.record, value, keepUnknown, path);
  if ('list' in kind) {
    if (!Array.isArray(value)) throw new ShapeError(path, 'a list', value);
    return value.map((entry, i) => readValue(kind.list, entry, keepUnknown, `${path}[${i}]`) ?? zeroOf(kind.list));
  }
  if (typeof value !== 'object' || Array.isArray(value)) throw new ShapeError(path, 'an object', value);
  const map = emptyMap();
  for (const [key, entry] of Object.entries(value as object)) {
    map[key] = readValue(kind.map, entry, keepUnknown, `${path}.${key}`) ?? zeroOf(kind.map);
  }
  return map;
}

export function emptyMap(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

function zeroOf(kind: Kind): unknown {
  if (typeof kind === 'object') return 'record' in kind ? emptyMap() : null;
  if (kind === 'int' || kind === 'float') return 0;
  if (kind === 'bool') return false;
  return kind === 'any' ? null : '';
}

/** The record as JSON text: fields of the shape in its order, zero values left out, then fields that the shape does not have. */
export function writeRecord(shape: Shape, record: object): string {
  const source = record as Record<string, unknown>;
  const parts: string[] = [];
  for (const { name, kind, always } of shape.fields) {
    const value = source[name];
    if (always) parts.push(`${goString(name)}:${writeValue(kind, value ?? zeroOf(kind))}`);
    else if (!isZero(kind, value)) parts.push(`${goString(name)}:${writeValue(kind, value)}`);
  }
  for (const [key, value] of Object.entries(source)) {
    if (value !== undefined && shape.find(key) === undefined) parts.push(`${goString(key)}:${goJson(value)}`);
  }
  return `{${parts.join(',')}}`;
}

function writeValue(kind: Kind, value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof kind === 'object') {
    if ('record' in kind) return writeRecord(kind.record, value as object);
    if ('list' in kind) return `[${(value as unknown[]).map((entry) => writeValue(kind.list, entry)).join(',')}]`;
    const map = value as Record<string, unknown>;
    return `{${sortedKeys(map)
      .map((key) => `${goString(key)}:${writeValue(kind.map, map[key])}`)
      .join(',')}}`;
  }
  return kind === 'int' ? goInt(value as number) : goJson(value);
}

/** Zero, empty, or a record of nothing but such. */
function isZero(kind: Kind, value: unknown): boolean {
  if (typeof value !== 'object') return value === undefined || value === 0 || value === '' || value === false;
  if (value === null) return true;
  if (typeof kind === 'object' && 'record' in kind) {
    return Object.entries(value).every(([key, entry]) => {
      const known = kind.record.find(key);
      return known !== undefined && !known.always && isZero(known.kind, entry);
    });
  }
  return Object.keys(value).length === 0;
}
