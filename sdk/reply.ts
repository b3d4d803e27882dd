/** An answer to the client in place of the upstream's. */
export interface Reply {
  readonly kind: 'reply';
  readonly status: number;
  /** Name, value, name, value, ... */
  readonly headers: readonly string[];
  readonly body: string | Uint8Array;
}

export type ReplyHeaders = Readonly<Record<string, string | readonly string[]>> | Iterable<readonly [string, string]>;

/**
 * Answer the client; the upstream and later hooks are not asked. A body that is neither text nor bytes goes out as JSON, with that
 * content type unless `headers` has one.
 *
 * @throws {TypeError} for a status that is none.
 * @example
 * return reply(403, { error: 'not you' }, { 'cache-control': 'no-store' });
 */
export function reply(status: number, body: unknown = '', headers: ReplyHeaders = {}): Reply {
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new TypeError(`reply(status): ${status} is no status of a final response`);
  }
  const flat = flatten(headers);
  if (typeof body === 'string' || body instanceof Uint8Array) return { kind: 'reply', status, headers: flat, body };
  const typed = flat.some((text, i) => i % 2 === 0 && text.toLowerCase() === 'content-type');
  if (!typed) flat.push('Content-Type', 'application/json');
  return { kind: 'reply', status, headers: flat, body: JSON.stringify(body) };
}

function flatten(headers: ReplyHeaders): string[] {
  const flat: string[] = [];
  const pairs = Symbol.iterator in headers ? (headers as Iterable<[string, string]>) : Object.entries(headers);
  for (const [name, value] of pairs) {
    for (const one of typeof value === 'string' ? [value] : value) flat.push(name, one);
  }
  return flat;
}
