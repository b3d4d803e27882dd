import type { Parent } from './parent.ts';

/** One format of trace headers: how a context is read from Node's `rawHeaders`, and written for headers that go out. */
export interface HeaderFormat {
  read(rawHeaders: readonly string[]): Parent | undefined;
  /** Append name, value, name, value, ... */
  write(context: Parent, headers: string[]): void;
  /** Headers of this format, in lower case: the client's are taken out where ours are written. */
  readonly fields: readonly string[];
}
