import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Api } from './api.ts';
import type { Parsed } from './classic.ts';
import { type DefinitionFile, type Fingerprint, fingerprintOf, parseFile, sameFingerprint } from './definition-file.ts';
import { type DefinitionOptions, defaultDefinitionOptions } from './options.ts';
import type { Refusal } from './problem.ts';

/** What a folder of definitions comes to. */
export interface LoadedDefinitions {
  readonly apis: readonly Api[];
  readonly refusals: readonly Refusal[];
  /** What the operator should hear, one line each. */
  readonly warnings: readonly string[];
  /** Keys that are in no table, as `file: path`; for a debug log. */
  readonly unknownKeys: readonly string[];
  /** For the next load. */
  readonly cache: DefinitionCache;
}

/** Definitions by file, with what tells that a file has not changed. */
export interface DefinitionCache {
  readonly options: Partial<DefinitionOptions> | undefined;
  readonly entries: ReadonlyMap<string, CacheEntry>;
}

interface CacheEntry {
  readonly fingerprint: Fingerprint;
  readonly parsed: Parsed;
  /** The API at the listen path that it was moved to, when another has the same. */
  moved: Api | undefined;
}

/**
 * Read every definition in a folder: Classic `*.json`, twins `{id}.json` and `{id}-oas.json`, and OpenAPI documents alone (`*.json`,
 * `*.yaml`, `*.yml`). A file that cannot be honoured is refused; the others load.
 * @param previous the last load of the same folder: with the same `options` object, files that have not changed are not read again, and
 *   keep their `Api` objects.
 * @throws {Error} when the folder cannot be read.
 */
export async function loadDefinitions(
  folder: string,
  options?: Partial<DefinitionOptions>,
  previous?: LoadedDefinitions,
): Promise<LoadedDefinitions> {
  const settled = { ...defaultDefinitionOptions, ...options };
  const { files, warnings } = definitionFiles(folder);
  const known = previous?.cache.options === options ? previous?.cache.entries : undefined;
  const entries = new Map<string, CacheEntry>();
  let turnBegan = performance.now();
  for (const file of files) {
    entries.set(file.path, loadFile(file, known?.get(file.path), settled));
    // Definitions are loaded while requests are served; nobody should wait for thousands of files.
    if (performance.now() - turnBegan < longestTurnMs) continue;
    await nextTurn();
    turnBegan = performance.now();
  }
  return conclude(entries, warnings, settled, options);
}

const longestTurnMs = 8;

function loadFile(file: DefinitionFile, known: CacheEntry | undefined, options: DefinitionOptions): CacheEntry {
  const fingerprint = fingerprintOf(file);
  if (known !== undefined && sameFingerprint(known.fingerprint, fingerprint)) return known;
  const { parsed, volatile } = parseFile(file, options);
  return { fingerprint: volatile ? undefined : fingerprint, parsed, moved: undefined };
}

/** The definitions among a folder's files, and what is to be said about the others. */
function definitionFiles(folder: string): { files: readonly DefinitionFile[]; warnings: string[] } {
  const names = listFolder(folder).filter((name) => /\.(?:json|ya?ml)$/.test(name) && !name.startsWith('.'));
  const all = new Set(names);
  const warnings: string[] = [];
  const files: DefinitionFile[] = [];
  for (const name of names.sort((a, b) => (a < b ? -1 : 1))) {
    const twin = /^(.+)-(?:oas|mcp)\.json$/.exec(name);
    const path = join(folder, name);
    if (twin === null) {
      const companion = name.replace(/\.json$/, '-oas.json');
      files.push({ path, companion: companion !== name && all.has(companion) ? join(folder, companion) : undefined });
    } else if (!all.has(`${twin[1]}.json`)) {
      warnings.push(
        `${path}: is left out, for ${twin[1]}.json is not beside it; to serve the document alone, rename it to ${twin[1]}.json`,
      );
    }
  }
  return { files, warnings };
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Error(
      `the folder of API definitions "${folder}" cannot be read (${code}); create it, or change definitions.folder`,
      {
        cause: error,
      },
    );
  }
}

function conclude(
  entries: ReadonlyMap<string, CacheEntry>,
  warnings: string[],
  settled: DefinitionOptions,
  options: Partial<DefinitionOptions> | undefined,
): LoadedDefinitions {
  const refusals: Refusal[] = [];
  const unknownKeys: string[] = [];
  const accepted: CacheEntry[] = [];
  const ids = new Map<string, string>();
  for (const [path, entry] of entries) {
    const { api, refusal } = entry.parsed;
    warnings.push(...entry.parsed.warnings);
    for (const key of entry.parsed.unknownKeys) unknownKeys.push(`${path}: ${key}`);
    if (refusal !== undefined) refusals.push(refusal);
    if (api === undefined) continue;
    const other = ids.get(api.id);
    if (other === undefined) {
      ids.set(api.id, api.source);
      accepted.push(entry);
    } else refusals.push(doubleId(api, other));
  }
  const apis = separate(accepted, settled.customDomains, warnings);
  return { apis, refusals, warnings, unknownKeys, cache: { options, entries } };
}

function doubleId(api: Api, other: string): Refusal {
  const what = `"${api.id}" is also the id of ${other}`;
  return {
    source: api.source,
    kind: 'invalid',
    problems: [{ path: api.format === 'oas' ? 'id' : 'api_id', what, cure: 'give one of them another id' }],
    id: api.id,
    listenPath: '',
    domain: '',
  };
}

/** APIs that share host and listen path are moved, all of them, to `{listen path}-{api id}` (recorded). */
function separate(entries: readonly CacheEntry[], customDomains: boolean, warnings: string[]): readonly Api[] {
  const places = new Map<string, number>();
  const placeOf = ({ listen }: Api): string => `${customDomains ? (listen.domain ?? '') : ''} ${listen.path}`;
  for (const { parsed } of entries) {
    const api = parsed.api as Api;
    if (isRouted(api)) places.set(placeOf(api), (places.get(placeOf(api)) ?? 0) + 1);
  }
  return entries.map((entry) => {
    const api = entry.parsed.api as Api;
    if (!isRouted(api) || (places.get(placeOf(api)) ?? 0) < 2) return api;
    const path = `${api.listen.path}-${api.id}`;
    warnings.push(`${api.source}: another API has the listen path ${api.listen.path}; this one answers on ${path}`);
    entry.moved ??= { ...api, listen: { ...api.listen, path } };
    return entry.moved;
  });
}

function isRouted(api: Api): boolean {
  return api.active && !api.internal;
}
