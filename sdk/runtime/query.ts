import { encodeQuery, parseQuery, type Query } from '../../contract/query.ts';
import { fromByteString, toByteString } from '../../contract/text.ts';
import type { QueryParams } from '../message.ts';

/** Changes to a query, as the contract can carry them: one value per parameter. */
export interface QueryEdits {
  deleteParams?: string[];
  /** Name, value, name, value, ... */
  addParams?: string[];
}

/** A query, read when first asked for, and what a hook changed of it. */
export class EditedQuery implements QueryParams {
  private text: string | undefined;
  private parsed: Query | undefined;
  private deleted: Set<string> | undefined;
  private added: Map<string, string> | undefined;

  /** `text` as it stands in the URL, without `?`; as byte string. */
  constructor(text: string | undefined) {
    this.text = text;
  }

  get changed(): boolean {
    return this.deleted !== undefined || this.added !== undefined;
  }

  get(name: string): string | null {
    const value = this.values(name)?.[0];
    return value === undefined ? null : fromByteString(value);
  }

  getAll(name: string): string[] {
    return (this.values(name) ?? []).map(fromByteString);
  }

  has(name: string): boolean {
    return this.values(name) !== undefined;
  }

  set(name: string, value: string): void {
    this.query.set(toByteString(name), [toByteString(String(value))]);
    this.added ??= new Map();
    this.added.set(name, String(value));
    this.deleted?.delete(name);
  }

  delete(name: string): void {
    if (!this.query.delete(toByteString(name))) return;
    this.deleted ??= new Set();
    this.deleted.add(name);
    this.added?.delete(name);
  }

  /** Make it this query and no other. */
  replace(text: string | undefined): void {
    for (const [name] of this) this.delete(name);
    for (const [name, values] of parseQuery(text)) this.set(fromByteString(name), fromByteString(values[0] as string));
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (const [name, values] of this.query) {
      for (const value of values) yield [fromByteString(name), fromByteString(value)];
    }
  }

  /** As it stands in a URL: as it came, unless it was changed. */
  toString(): string | undefined {
    return this.changed ? encodeQuery(this.query) || undefined : this.text;
  }

  collect(edits: QueryEdits): void {
    if (this.deleted !== undefined && this.deleted.size > 0) edits.deleteParams = [...this.deleted];
    if (this.added !== undefined && this.added.size > 0) edits.addParams = [...this.added].flat();
  }

  private get query(): Query {
    this.parsed ??= parseQuery(this.text);
    return this.parsed;
  }

  private values(name: string): string[] | undefined {
    return this.query.get(toByteString(name));
  }
}
