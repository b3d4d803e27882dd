import { canonicalName } from './canonical.ts';

/**
 * Headers as they came: names in canonical form, values as byte strings, repeated headers kept apart, in order. A request has
 * a dozen of them, so a flat list that is searched from the front beats a map.
 */
export class HeaderList {
  private readonly entries: string[];

  constructor(entries: string[] = []) {
    this.entries = entries;
  }

  /** From Node's `rawHeaders`: name, value, name, value, ... Names in `skip` (canonical) are left out. */
  static fromRaw(raw: readonly string[], skip?: ReadonlySet<string>): HeaderList {
    const entries: string[] = [];
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = canonicalName(raw[i] as string);
      if (skip === undefined || !skip.has(name)) entries.push(name, raw[i + 1] as string);
    }
    return new HeaderList(entries);
  }

  clone(): HeaderList {
    return new HeaderList(this.entries.slice());
  }

  /** Number of header lines. */
  get size(): number {
    return this.entries.length / 2;
  }

  nameAt(index: number): string {
    return this.entries[index * 2] as string;
  }

  valueAt(index: number): string {
    return this.entries[index * 2 + 1] as string;
  }

  /** Whether an earlier line has the same name: then plugins do not see this one. */
  isRepeat(index: number): boolean {
    const name = this.entries[index * 2];
    for (let i = index * 2 - 2; i >= 0; i -= 2) if (this.entries[i] === name) return true;
    return false;
  }

  /** First value of a header, by canonical name. */
  get(name: string): string | undefined {
    for (let i = 0; i < this.entries.length; i += 2) if (this.entries[i] === name) return this.entries[i + 1];
    return undefined;
  }

  all(name: string): string[] {
    const values: string[] = [];
    for (let i = 0; i < this.entries.length; i += 2) {
      if (this.entries[i] === name) values.push(this.entries[i + 1] as string);
    }
    return values;
  }

  /** Replace all values of a header; it keeps its first place, or goes to the end. */
  set(name: string, value: string): void {
    for (let i = 0; i < this.entries.length; i += 2) {
      if (this.entries[i] !== name) continue;
      this.entries[i + 1] = value;
      this.removeFrom(name, i + 2);
      return;
    }
    this.entries.push(name, value);
  }

  add(name: string, value: string): void {
    this.entries.push(name, value);
  }

  delete(name: string): void {
    this.removeFrom(name, 0);
  }

  /** Take over all headers of another list. */
  replace(other: HeaderList): void {
    this.entries.splice(0, this.entries.length, ...other.entries);
  }

  /** Name, value, name, value, ...: the list itself, to be read only. */
  raw(): readonly string[] {
    return this.entries;
  }

  private removeFrom(name: string, start: number): void {
    for (let i = start; i < this.entries.length; ) {
      if (this.entries[i] === name) this.entries.splice(i, 2);
      else i += 2;
    }
  }
}
