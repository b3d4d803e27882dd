import { canonicalName, isHeaderName, isHeaderValue } from '../../contract/canonical.ts';
import type { RequestHeaders, ResponseHeaders } from '../message.ts';
import type { RequestSource } from './source.ts';

/** Changes to request headers: kept beside the headers, for only what changed travels back. */
export interface HeaderEdits {
  deleteHeaders?: string[];
  /** Name, value, name, value, ... */
  setHeaders?: string[];
}

/** The headers of a request, and what a hook changed of them. */
export class EditedHeaders implements RequestHeaders {
  private readonly source: RequestSource;
  /** By canonical name: the name as written and the value, or null for "deleted". */
  private edits: Map<string, readonly [name: string, value: string] | null> | undefined;

  constructor(source: RequestSource) {
    this.source = source;
  }

  get(name: string): string | null {
    const key = canonicalName(name);
    const edit = this.edits?.get(key);
    if (edit !== undefined) return edit === null ? null : edit[1];
    const { headers, host } = this.source;
    if (key === 'Host') return host === '' ? null : this.source.text(host);
    const at = find(headers, key, 0);
    return at < 0 ? null : this.source.text(headers[at + 1] as string);
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  set(name: string, value: string): void {
    const text = checked(name, value);
    this.edits ??= new Map();
    this.edits.set(canonicalName(name), [name, text]);
  }

  delete(name: string): void {
    this.edits ??= new Map();
    this.edits.set(canonicalName(name), null);
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    const { headers, host } = this.source;
    const seen = new Set<string>();
    for (let i = 0; i < headers.length; i += 2) {
      const key = canonicalName(headers[i] as string);
      if (seen.has(key)) continue;
      seen.add(key);
      const value = this.get(key);
      if (value !== null) yield [key, value];
    }
    if (host !== '' && !seen.has('Host')) {
      seen.add('Host');
      const value = this.get('Host');
      if (value !== null) yield ['Host', value];
    }
    for (const [key, edit] of this.edits ?? []) if (edit !== null && !seen.has(key)) yield [edit[0], edit[1]];
  }

  /** Put the changes into `edits`. Returns whether there were any. */
  collect(edits: HeaderEdits): boolean {
    if (this.edits === undefined) return false;
    for (const [key, edit] of this.edits) {
      if (edit === null) {
        edits.deleteHeaders ??= [];
        edits.deleteHeaders.push(key);
      } else {
        edits.setHeaders ??= [];
        edits.setHeaders.push(edit[0], edit[1]);
      }
    }
    return this.edits.size > 0;
  }
}

/** All headers of a response, with what a hook changed: they travel back as a whole, or not at all. */
export class HeaderListView implements ResponseHeaders {
  private list: readonly string[];
  private readonly text: (raw: string) => string;
  /** The list is a copy of our own, and its values are text. */
  private edited: string[] | undefined;

  constructor(list: readonly string[], text: (raw: string) => string) {
    this.list = list;
    this.text = text;
  }

  /** All headers, if any was changed. */
  get changed(): readonly string[] | undefined {
    return this.edited;
  }

  get(name: string): string | null {
    const at = find(this.list, canonicalName(name), 0);
    return at < 0 ? null : this.valueAt(at);
  }

  getAll(name: string): string[] {
    const key = canonicalName(name);
    const values: string[] = [];
    for (let at = find(this.list, key, 0); at >= 0; at = find(this.list, key, at + 2)) values.push(this.valueAt(at));
    return values;
  }

  has(name: string): boolean {
    return find(this.list, canonicalName(name), 0) >= 0;
  }

  set(name: string, value: string): void {
    const text = checked(name, value);
    const key = canonicalName(name);
    const list = this.own();
    const at = find(list, key, 0);
    if (at < 0) list.push(name, text);
    else {
      list[at + 1] = text;
      removeFrom(list, key, at + 2);
    }
  }

  append(name: string, value: string): void {
    this.own().push(name, checked(name, value));
  }

  delete(name: string): void {
    if (this.has(name)) removeFrom(this.own(), canonicalName(name), 0);
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (let i = 0; i < this.list.length; i += 2) yield [this.list[i] as string, this.valueAt(i)];
  }

  private valueAt(at: number): string {
    const raw = this.list[at + 1] as string;
    return this.edited === undefined ? this.text(raw) : raw;
  }

  private own(): string[] {
    if (this.edited === undefined) {
      this.edited = this.list.map(this.text);
      this.list = this.edited;
    }
    return this.edited;
  }
}

/** Position of a header by canonical name. Plugins may have written a name in another case. */
function find(list: readonly string[], key: string, start: number): number {
  for (let i = start; i < list.length; i += 2) {
    const name = list[i] as string;
    if (name === key || (name.length === key.length && canonicalName(name) === key)) return i;
  }
  return -1;
}

function removeFrom(list: string[], key: string, start: number): void {
  for (let at = find(list, key, start); at >= 0; at = find(list, key, at)) list.splice(at, 2);
}

function checked(name: string, value: string): string {
  const text = String(value);
  if (!isHeaderName(name)) throw new TypeError(`${JSON.stringify(name)} is no header name`);
  if (!isHeaderValue(text)) throw new TypeError(`the value of header "${name}" holds a control character`);
  return text;
}
