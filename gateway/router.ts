/**
 * Which entry answers a path: the one with the longest listen path that the path begins with, among those of the request's host,
 * then among those of no host. Listen paths with `{name}` segments come after all plain ones of their host.
 *
 * Plain paths are looked up by length: a few thousand of them have a few dozen lengths, so a look-up costs about a microsecond
 * however many there are.
 */
export interface Route<Entry> {
  readonly domain: string | undefined;
  readonly path: string;
  readonly entry: Entry;
}

export interface Router<Entry> {
  find(host: string, path: string): Entry | undefined;
}

/** @param strict a listen path without a trailing slash matches whole segments only (`enable_strict_routes`). */
export function createRouter<Entry>(routes: readonly Route<Entry>[], strict = false): Router<Entry> {
  const hosts = new Map<string, HostTable<Entry>>();
  for (const route of routes) {
    const host = route.domain?.toLowerCase() ?? '';
    let table = hosts.get(host);
    if (table === undefined) {
      table = new HostTable(strict);
      hosts.set(host, table);
    }
    table.add(route.path, route.entry);
  }
  const patterns = [...hosts]
    .filter(([host]) => host.includes('{'))
    .map(([host, table]) => ({ match: wholeHost(host), table }));
  const anyHost = hosts.get('');
  const onlyAny = hosts.size === (anyHost === undefined ? 0 : 1);

  return {
    find(host, path) {
      if (!onlyAny) {
        const name = withoutPort(host).toLowerCase();
        const found = hosts.get(name)?.find(path);
        if (found !== undefined) return found;
        for (const { match, table } of patterns) {
          const entry = match.test(name) ? table.find(path) : undefined;
          if (entry !== undefined) return entry;
        }
      }
      return anyHost?.find(path);
    },
  };
}

class HostTable<Entry> {
  private readonly plain = new Map<string, Entry>();
  /** Lengths of the plain paths, longest first. */
  private lengths: number[] = [];
  private readonly templates: { readonly match: RegExp; readonly length: number; readonly entry: Entry }[] = [];
  private readonly strict: boolean;

  constructor(strict: boolean) {
    this.strict = strict;
  }

  add(path: string, entry: Entry): void {
    if (path.includes('{')) {
      const match = templatePrefix(path);
      this.templates.push({ match, length: path.replace(/\{[^}]*\}/g, '').length, entry });
      this.templates.sort((a, b) => b.length - a.length);
      return;
    }
    this.plain.set(path, entry);
    if (!this.lengths.includes(path.length)) this.lengths = [...this.lengths, path.length].sort((a, b) => b - a);
  }

  find(path: string): Entry | undefined {
    for (const length of this.lengths) {
      if (length > path.length) continue;
      const entry = this.plain.get(path.slice(0, length));
      if (entry !== undefined && (!this.strict || endsSegment(path, length))) return entry;
    }
    for (const { match, entry } of this.templates) if (match.test(path)) return entry;
    return undefined;
  }
}

/** Whether the path's first `length` characters are whole segments. */
function endsSegment(path: string, length: number): boolean {
  return path.length === length || path[length - 1] === '/' || path[length] === '/';
}

function templatePrefix(path: string): RegExp {
  return new RegExp(`^${templateSource(path, '[^/]+')}`);
}

function wholeHost(host: string): RegExp {
  return new RegExp(`^${templateSource(host, '[^.]+')}$`);
}

/** `{name}` is one segment, `{name:pattern}` what the pattern says. */
function templateSource(text: string, segment: string): string {
  return text
    .split(/(\{[^}]*\})/)
    .map((part) => {
      if (!part.startsWith('{')) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      const colon = part.indexOf(':');
      return colon < 0 ? segment : `(?:${part.slice(colon + 1, -1)})`;
    })
    .join('');
}

function withoutPort(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon < 0 || host.endsWith(']') ? host : host.slice(0, colon);
}
