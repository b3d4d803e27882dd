import type { RequestEdits } from './answer.ts';
import { canonicalName } from './canonical.ts';
import { HeaderList } from './header-list.ts';
import { encodeQuery, parseQuery, sameQuery } from './query.ts';
import { parseTarget, type UrlParts, urlText } from './url.ts';

/** What of the contract's behaviour an operator can switch. */
export interface ContractOptions {
  /** Keep header names as plugins write them (`ignore_canonical_mime_header_key`). */
  readonly keepHeaderCase: boolean;
}

export const defaultContractOptions: ContractOptions = { keepHeaderCase: false };

/**
 * A request on its way through the hooks. The gateway holds one per request that has hooks; the coprocess holds its own of what
 * plugins see. Both change theirs with {@link applyRequestEdits}, so both stay the same. Strings are byte strings.
 */
export interface RequestState {
  /** What built-in steps go by. */
  method: string;
  /** The method for the upstream, once a hook or a method transform has spoken. */
  parkedMethod: string | undefined;
  /** Where the request goes, the listen path included. */
  url: UrlParts;
  /** Target of a URL rewrite that has fired and not yet taken effect; plugins see it in place of `url`. */
  rewrite: UrlParts | undefined;
  /** The request target as the client wrote it. */
  readonly requestUri: string;
  readonly scheme: 'http' | 'https';
  /** The client's `Host` or `:authority`; not among `headers`. */
  readonly host: string;
  readonly headers: HeaderList;
  body: Buffer;
}

/** The method plugins see: the parked one, if there is one. */
export function visibleMethod(state: RequestState): string {
  return state.parkedMethod === undefined || state.parkedMethod === '' ? state.method : state.parkedMethod;
}

/** The URL plugins see. */
export function visibleUrl(state: RequestState): string {
  return urlText(state.rewrite ?? state.url);
}

/** The request target plugins see: the client's, or that of a pending rewrite. */
export function visibleRequestUri(state: RequestState): string {
  return state.rewrite === undefined ? state.requestUri : urlText({ ...state.rewrite, prefix: '' });
}

export function cloneRequest(state: RequestState): RequestState {
  return { ...state, url: { ...state.url }, headers: state.headers.clone() };
}

export const emptyBody: Buffer = Buffer.alloc(0);

/**
 * Apply a hook's edits, in the contract's order (spec/coprocess-contract §3.1 step 6): body, deleted headers, set headers, query, URL,
 * method.
 * @throws {PluginFailure} `REPLY_INVALID` when the URL is none; the URL is then as before, the rest is not.
 */
export function applyRequestEdits(state: RequestState, edits: RequestEdits, options: ContractOptions): void {
  if (edits.body !== undefined) state.body = edits.body;
  if (edits.deleteHeaders !== undefined) {
    for (const name of edits.deleteHeaders) state.headers.delete(canonicalName(name));
  }
  if (edits.setHeaders !== undefined) {
    for (const [name, value] of edits.setHeaders) {
      state.headers.set(options.keepHeaderCase ? name : canonicalName(name), value);
    }
  }
  if (edits.url !== undefined || edits.deleteParams !== undefined || edits.addParams !== undefined) {
    applyUrl(state, edits);
  }
  if (edits.query !== undefined) state.url = { ...state.url, query: edits.query === '' ? undefined : edits.query };
  if (edits.method !== undefined || state.parkedMethod === '') {
    const method = edits.method ?? visibleMethod(state);
    if (state.parkedMethod === '') state.method = method;
    else state.parkedMethod = method;
  }
}

/** The query of a returned URL does not count: the old one comes back, with the parameters deleted and added. */
function applyUrl(state: RequestState, edits: RequestEdits): void {
  const query = parseQuery(state.url.query);
  for (const key of edits.deleteParams ?? []) query.delete(key);
  for (const [key, value] of edits.addParams ?? []) query.set(key, [value]);
  if (edits.url !== undefined) {
    const target = parseTarget(edits.url);
    if (state.rewrite === undefined) state.url = target;
    else state.rewrite = target;
  }
  if (!sameQuery(query, parseQuery(state.url.query))) {
    const text = encodeQuery(query);
    state.url = { ...state.url, query: text === '' ? undefined : text };
  }
}

/** A request built by hand: for tests and for callers that have no HTTP request. */
export function requestState(parts: Partial<RequestState> & { method: string; url: UrlParts }): RequestState {
  return {
    parkedMethod: undefined,
    rewrite: undefined,
    requestUri: urlText(parts.url),
    scheme: 'http',
    host: '',
    headers: new HeaderList(),
    body: emptyBody,
    ...parts,
  };
}
