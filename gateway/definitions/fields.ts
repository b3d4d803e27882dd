import type { Report } from './problem.ts';

export type JsonObject = { readonly [key: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A key below a path, as messages name it. */
export function pathOf(parent: string, key: string): string {
  return parent === '' ? key : `${parent}.${key}`;
}

const nothing: JsonObject = Object.freeze({});

/**
 * Reads the fields of one object of a definition by the contract's rules (spec/platform-contract §0): keys match whatever their case, an
 * exact match first; null and absence are the zero value; a wrong type is a problem, after which reading goes on with the zero
 * value, so that all problems are found at once.
 */
export class Fields {
  readonly json: JsonObject;
  readonly path: string;
  readonly report: Report;
  private folded: Map<string, unknown> | undefined;

  constructor(json: JsonObject, path: string, report: Report) {
    this.json = json;
    this.path = path;
    this.report = report;
  }

  /** Path of a field, for messages. */
  at(name: string): string {
    return pathOf(this.path, name);
  }

  /** The field as it stands there; undefined when it is absent or null. */
  raw(name: string): unknown {
    const exact = this.json[name];
    if (exact !== undefined) return exact ?? undefined;
    this.folded ??= foldKeys(this.json);
    return this.folded.get(name.toLowerCase()) ?? undefined;
  }

  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  string(name: string): string {
    const value = this.raw(name);
    if (typeof value === 'string') return value;
    if (value !== undefined) this.report.wrongType(this.at(name), 'a string', value);
    return '';
  }

  boolean(name: string): boolean {
    const value = this.raw(name);
    if (typeof value === 'boolean') return value;
    if (value !== undefined) this.report.wrongType(this.at(name), 'true or false', value);
    return false;
  }

  number(name: string): number {
    const value = this.raw(name);
    if (typeof value === 'number') return value;
    if (value !== undefined) this.report.wrongType(this.at(name), 'a number', value);
    return 0;
  }

  integer(name: string): number {
    const value = this.number(name);
    if (Number.isSafeInteger(value)) return value;
    this.report.wrongType(this.at(name), 'a whole number', value);
    return 0;
  }

  /** An object field; an empty one when it is absent. */
  object(name: string): Fields {
    return new Fields(this.objectJson(name) ?? nothing, this.at(name), this.report);
  }

  objectJson(name: string): JsonObject | undefined {
    const value = this.raw(name);
    if (value === undefined || isObject(value)) return value;
    this.report.wrongType(this.at(name), 'an object', value);
    return undefined;
  }

  /** A list of objects; null entries are empty objects. */
  objects(name: string): readonly Fields[] {
    return this.list(name).map((item, i) => {
      const path = `${this.at(name)}[${i}]`;
      if (item !== null && !isObject(item)) this.report.wrongType(path, 'an object', item);
      return new Fields(isObject(item) ? item : nothing, path, this.report);
    });
  }

  strings(name: string): readonly string[] {
    return this.list(name).map((item, i) => {
      if (typeof item === 'string') return item;
      if (item !== null) this.report.wrongType(`${this.at(name)}[${i}]`, 'a string', item);
      return '';
    });
  }

  /** A map whose keys are the user's own: objects by key. */
  objectMap(name: string): readonly (readonly [key: string, value: Fields])[] {
    const map = this.object(name);
    return Object.keys(map.json).map((key) => {
      const value = map.json[key];
      const path = map.at(key);
      if (value !== null && !isObject(value)) this.report.wrongType(path, 'an object', value);
      return [key, new Fields(isObject(value) ? value : nothing, path, this.report)];
    });
  }

  /** A map whose keys are the user's own: strings by key. */
  stringMap(name: string): readonly (readonly [key: string, value: string])[] {
    const map = this.object(name);
    return Object.keys(map.json).map((key) => {
      const value = map.json[key];
      if (value !== null && typeof value !== 'string') this.report.wrongType(map.at(key), 'a string', value);
      return [key, typeof value === 'string' ? value : ''];
    });
  }

  private list(name: string): readonly unknown[] {
    const value = this.raw(name);
    if (Array.isArray(value)) return value;
    if (value !== undefined) this.report.wrongType(this.at(name), 'a list', value);
    return [];
  }
}

function foldKeys(json: JsonObject): Map<string, unknown> {
  const folded = new Map<string, unknown>();
  for (const key of Object.keys(json)) folded.set(key.toLowerCase(), json[key]);
  return folded;
}
