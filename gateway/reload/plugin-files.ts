import { createHash } from 'node:crypto';
import type { PluginFileStamps } from '../../contract/plugin-files.ts';
import type { Turn } from '../../contract/turn.ts';
import type { Api } from '../definitions/api.ts';

/** Asks those who run plugins how their files stand; undefined: nobody could say. */
export type LookAtFiles = (names: readonly string[]) => Promise<PluginFileStamps | undefined>;

/**
 * Tells whether an API's plugin files have changed since the last load: its own files by themselves; and sources beside and below them
 * that no definition names, which others may import, all together.
 */
export class PluginFiles {
  private readonly stamps: ReadonlyMap<string, string>;
  private readonly beside: string;

  private constructor(stamps: ReadonlyMap<string, string>, beside: string) {
    this.stamps = stamps;
    this.beside = beside;
  }

  /** @param last what was seen in the load before: it counts when nobody can say how files stand now. */
  static async look(
    apis: readonly Api[],
    last: PluginFiles | undefined,
    look: LookAtFiles,
    turn: Turn,
  ): Promise<PluginFiles> {
    const named = new Set<string>();
    for (const api of apis) {
      for (const name of filesOf(api)) named.add(name);
      if (turn.isOver) await turn.next();
    }
    if (named.size === 0) return new PluginFiles(new Map(), '');
    const names = [...named];
    const seen = await look(names);
    if (seen === undefined) return last ?? new PluginFiles(new Map(), '');
    return new PluginFiles(new Map(names.map((name, i) => [name, seen.files[i] ?? ''])), seen.beside);
  }

  /** Undefined for an API without plugin files of its own. */
  of(api: Api): string | undefined {
    const names = filesOf(api);
    if (names.length === 0) return undefined;
    const hash = createHash('sha256').update(this.beside);
    for (const name of names) hash.update(`${name} ${this.stamps.get(name) ?? ''}\n`);
    return hash.digest('hex');
  }
}

/** Files of its hooks, as the definition has them. Those of a bundle are the bundle's affair. */
function filesOf(api: Api): readonly string[] {
  let files = known.get(api);
  if (files === undefined) {
    files = namedFiles(api);
    known.set(api, files);
  }
  return files;
}

const known = new WeakMap<Api, readonly string[]>();
const none: readonly string[] = [];

function namedFiles({ plugins, eventHandlers }: Api): readonly string[] {
  if (plugins.bundle !== '') return none;
  const hooks = [...plugins.hooks, ...plugins.endpointHooks].filter(
    ({ driver, path, code }) => driver !== 'grpc' && path !== '' && code === undefined,
  );
  const handlers = eventHandlers.flatMap((handler) => (handler.kind === 'javascript' ? [handler.path] : []));
  return hooks.length + handlers.length === 0 ? none : [...new Set([...hooks.map(({ path }) => path), ...handlers])];
}
