import type { TextPattern } from './definitions/text-pattern.ts';

/** Where an entry answers: see `ListenRule` in definitions/api.ts. */
export interface Route<Entry> {
  readonly domain?: string | undefined;
  readonly domainPattern?: TextPattern | undefined;
  readonly path: string;
  readonly pathPattern?: TextPattern | undefined;
  readonly entry: Entry;
}

/**
 * Which entry answers a path: the one with the longest listen path that the path begins with, among those of the request's host, then
 * among those of hosts with patterns, then among those of no host. Listen paths with patterns come after all plain ones of their host.
 */
export interface Router<Entry> {
  readonly find: (host: string, path: string) => Entry | undefined;
}

/** @param strict a listen path without a trailing slash matches whole segments only (`enable_strict_routes`). */
export function createRouter<Entry>(routes: readonly Route<Entry>[], strict = false): Router<Entry> {
  const hosts = Map.groupBy(routes, (route) => route.domain?.toLowerCase() ?? '');
  const plain = new Map<string, PathTable<Entry>>();
  const patterns: { readonly pattern: TextPattern; readonly paths: PathTable<Entry> }[] = [];
  for (const [host, its] of hosts) {
    const paths = new PathTable(its, strict);
    const pattern = its[0]?.domainPattern;
    if (pattern === undefined) plain.set(host, paths);
    else patterns.push({ pattern, paths });
  }
  const anyHost = plain.get('');
  const onlyAny = hosts.size === (anyHost === undefined ? 0 : 1);

  return {
    find(host, path) {
      if (!onlyAny) {
        const name = withoutPort(host).toLowerCase();
        const found = name === '' ? undefined : plain.get(name)?.find(path);
        if (found !== undefined) return found;
        for (const { pattern, paths } of patterns) {
          const entry = pattern.test(name) ? paths.find(path) : undefined;
          if (entry !== undefined) return entry;
        }
      }
      return anyHost?.find(path);
    },
  };
}

/** Listen paths of one host. */
class PathTable<Entry> {
  private readonly plain: PrefixTable<Entry>;
  private readonly patterns: PrefixTable<readonly PatternRoute<Entry>[]>;
  private readonly strict: boolean;

  constructor(routes: readonly Route<Entry>[], strict: boolean) {
    this.strict = strict;
    this.plain = new PrefixTable(
      routes.filter((route) => route.pathPattern === undefined).map(({ path, entry }) => [path, entry]),
    );
    // What stands before the first brace is plain text, so that few patterns are tried however many there are.
    const withPattern = routes.filter((route) => route.pathPattern !== undefined) as PatternRoute<Entry>[];
    const byFront = Map.groupBy(withPattern, ({ path }) => path.slice(0, path.indexOf('{')));
    this.patterns = new PrefixTable([...byFront]);
  }

  find(path: string): Entry | undefined {
    const { strict } = this;
    const entry = this.plain.first(path, strict ? endsSegment : undefined);
    return entry ?? (this.patterns.isEmpty ? undefined : this.findPattern(path));
  }

  private findPattern(path: string): Entry | undefined {
    let best: PatternRoute<Entry> | undefined;
    for (const route of this.patterns.all(path).flat()) {
      if (best !== undefined && best.path.length >= route.path.length) continue;
      const matched = route.pathPattern.groups(path)?.[0]?.length;
      if (matched !== undefined && (!this.strict || endsSegment(path, matched))) best = route;
    }
    return best?.entry;
  }
}

interface PatternRoute<Entry> extends Route<Entry> {
  readonly pathPattern: TextPattern;
}

/**
 * Values by prefix, looked up by length: a few thousand listen paths have a few dozen lengths, so a look-up costs about a microsecond
 * however many there are.
 */
class PrefixTable<Value> {
  private readonly values = new Map<string, Value>();
  /** Lengths of the prefixes, longest first. */
  private readonly lengths: readonly number[];

  constructor(entries: readonly (readonly [prefix: string, value: Value])[]) {
    for (const [prefix, value] of entries) this.values.set(prefix, value);
    this.lengths = [...new Set(entries.map(([prefix]) => prefix.length))].sort((a, b) => b - a);
  }

  get isEmpty(): boolean {
    return this.lengths.length === 0;
  }

  /** The value of the longest prefix of a path that `fits`. */
  first(path: string, fits: ((path: string, length: number) => boolean) | undefined): Value | undefined {
    for (const length of this.lengths) {
      if (length > path.length || (fits !== undefined && !fits(path, length))) continue;
      const value = this.values.get(path.slice(0, length));
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** Those of all prefixes, longest first. */
  all(path: string): Value[] {
    const found: Value[] = [];
    for (const length of this.lengths) {
      const value = length > path.length ? undefined : this.values.get(path.slice(0, length));
      if (value !== undefined) found.push(value);
    }
    return found;
  }
}

/** Whether the path's first `length` characters are whole segments. */
function endsSegment(path: string, length: number): boolean {
  return path.length === length || path[length - 1] === '/' || path[length] === '/';
}

function withoutPort(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon < 0 || host.endsWith(']') ? host : host.slice(0, colon);
}
