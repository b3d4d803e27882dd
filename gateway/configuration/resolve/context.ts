import { isAbsolute, resolve } from 'node:path';
import { parseAddress } from '../address.ts';
import type { Address } from '../configuration.ts';
import { type Path, type Problem, pathText } from '../problem.ts';
import type { Locate } from '../secrets.ts';

/** What resolving one configuration needs and gathers. */
export interface Context {
  readonly source: string;
  /** Where relative paths start. */
  readonly folder: string;
  readonly locate: Locate;
  readonly problems: Problem[];
  readonly warnings: string[];
}

export function refuse(context: Context, path: Path, message: string, cure: string): void {
  context.problems.push({ path: pathText(path), ...context.locate(path), message, cure });
}

/** The path from the file system's root; `undefined` stays. */
export function absolute<Text extends string | undefined>(context: Context, path: Text): Text {
  return (path === undefined || isAbsolute(path) ? path : resolve(context.folder, path)) as Text;
}

/** An address; for one that is none, a problem and a stand-in. */
export function address(context: Context, path: Path, text: string): Address {
  const parsed = parseAddress(text, context.folder);
  if (parsed !== undefined) return parsed;
  const cure = 'Write host:port, :port for all interfaces, or unix:PATH; for example: 127.0.0.1:8080';
  refuse(context, path, `must be an address, got ${JSON.stringify(text)}`, cure);
  return { kind: 'tcp', host: '127.0.0.1', port: 0 };
}

/** 0 stands for no limit. */
export function orInfinity(limit: number): number {
  return limit === 0 ? Number.POSITIVE_INFINITY : limit;
}
