/** What a header is to an intermediary; `ordinary` ones pass untouched. */
export const headerKind = {
  ordinary: 0,
  /** Concerns one connection only (RFC 9110 §7.6.1), and goes no further. */
  hopByHop: 1,
  /** Names further headers of that sort. */
  connection: 2,
  /** Of `TE`, `trailers` alone may pass: gRPC servers look for it. */
  te: 3,
  /** Says which trailers come; passed on where trailers can be. */
  trailer: 4,
  /** Length of the body: the sender's own business. */
  contentLength: 5,
  contentType: 6,
  contentEncoding: 7,
  acceptEncoding: 8,
  range: 9,
  /** Set by the sender itself: `Host` from the request's host; `Expect` was answered by the listener. */
  sendersOwn: 10,
} as const;

export type HeaderKind = (typeof headerKind)[keyof typeof headerKind];

const known: Readonly<Record<string, HeaderKind>> = {
  connection: headerKind.connection,
  'proxy-connection': headerKind.hopByHop,
  'keep-alive': headerKind.hopByHop,
  'proxy-authenticate': headerKind.hopByHop,
  'proxy-authorization': headerKind.hopByHop,
  'transfer-encoding': headerKind.hopByHop,
  upgrade: headerKind.hopByHop,
  'http2-settings': headerKind.hopByHop,
  te: headerKind.te,
  trailer: headerKind.trailer,
  'content-length': headerKind.contentLength,
  'content-type': headerKind.contentType,
  'content-encoding': headerKind.contentEncoding,
  'accept-encoding': headerKind.acceptEncoding,
  range: headerKind.range,
  host: headerKind.sendersOwn,
  expect: headerKind.sendersOwn,
};

/** The kind of a header, by its name in any case. */
export function headerKindOf(name: string): HeaderKind {
  const kind = kinds.get(name);
  if (kind !== undefined) return kind;
  const lower = name.toLowerCase();
  const found = Object.hasOwn(known, lower) ? (known[lower] as HeaderKind) : headerKind.ordinary;
  if (kinds.size >= maxCachedNames) kinds.clear();
  kinds.set(name, found);
  return found;
}

/** Clients choose names, so the cache is bounded. It spares a lower-cased copy of each name of each request. */
const maxCachedNames = 4096;
const kinds = new Map<string, HeaderKind>();

/** The lower-case names that a `Connection` value makes hop-by-hop; none for the usual `keep-alive`, `close` and `upgrade`. */
export function namedByConnection(value: string): string[] {
  const names: string[] = [];
  for (const part of value.split(',')) {
    const name = part.trim().toLowerCase();
    if (name !== '' && name !== 'keep-alive' && name !== 'close' && name !== 'upgrade') names.push(name);
  }
  return names;
}

/** The list without the lines of these lower-case names. */
export function withoutNames(entries: readonly string[], names: readonly string[]): string[] {
  const left: string[] = [];
  for (let i = 0; i + 1 < entries.length; i += 2) {
    const name = entries[i] as string;
    if (!names.includes(name.toLowerCase())) left.push(name, entries[i + 1] as string);
  }
  return left;
}
