import { percent, unescapeBytes } from './url.ts';

/**
 * Query strings the way the contract reads and writes them: pairs that hold `;` or a bad escape are not seen; `+` is a space;
 * re-encoding sorts by key. Keys and values are byte strings.
 */
export type Query = Map<string, string[]>;

export function parseQuery(text: string | undefined): Query {
  const query: Query = new Map();
  if (text === undefined || text === '') return query;
  for (const pair of text.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const equals = pair.indexOf('=');
    const key = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
    if (key === undefined || value === undefined) continue;
    const values = query.get(key);
    if (values === undefined) query.set(key, [value]);
    else values.push(value);
  }
  return query;
}

/** `a=1&b=2`, sorted by key; values of one key keep their order. */
export function encodeQuery(query: Query): string {
  const pairs: string[] = [];
  for (const key of [...query.keys()].sort((a, b) => (a < b ? -1 : 1))) {
    for (const value of query.get(key) as string[]) pairs.push(`${encodeText(key)}=${encodeText(value)}`);
  }
  return pairs.join('&');
}

export function sameQuery(a: Query, b: Query): boolean {
  if (a.size !== b.size) return false;
  for (const [key, values] of a) {
    const others = b.get(key);
    if (others === undefined || others.length !== values.length) return false;
    if (values.some((value, i) => value !== others[i])) return false;
  }
  return true;
}

function decode(text: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
  return unescapeBytes(text.includes('+') ? text.replaceAll('+', ' ') : text);
}

/** A byte string as a key or value of a query. */
export function encodeText(text: string): string {
  return text.replace(/[^A-Za-z0-9\-._~]/g, (byte) => (byte === ' ' ? '+' : percent(byte)));
}
