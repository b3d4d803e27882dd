import type { HeaderList } from '../../contract/header-list.ts';
import { encodeQuery, parseQuery } from '../../contract/query.ts';
import type { RequestState } from '../../contract/request-state.ts';
import type { Api, KeySource } from '../definitions/api.ts';
import type { Caller } from './caller.ts';
import { cookieValue, withoutCookie } from './cookies.ts';
import { type Refusal, refusals } from './refusal.ts';

/** The steps of the chain that need no store. Each answers why the request goes no further, or undefined to go on. */

/** A request as far as credentials are concerned. Byte strings. */
export type CredentialRequest = Pick<RequestState, 'headers' | 'url'>;

/**
 * The key that a request carries: in a cookie, else in a query parameter, else in a header; of several values the first, and an empty
 * one is none. A `Bearer ` in front, in any case, is taken off. Undefined: there is none ({@link refusals.keyMissing}).
 */
export function findToken(source: KeySource, request: CredentialRequest): string | undefined {
  const found = inCookie(source, request.headers) || inQuery(source, request) || inHeader(source, request.headers);
  return found ? withoutBearer(found) : undefined;
}

function inCookie({ cookie }: KeySource, headers: HeaderList): string | undefined {
  return cookie === undefined ? undefined : cookieValue(headers, cookie);
}

function inQuery({ param }: KeySource, { url }: CredentialRequest): string | undefined {
  if (param === undefined || url.query === undefined) return undefined;
  return parseQuery(url.query).get(param)?.[0];
}

function inHeader({ header }: KeySource, headers: HeaderList): string | undefined {
  return header === undefined ? undefined : headers.get(header);
}

function withoutBearer(text: string): string {
  return /^bearer /i.test(text) ? text.slice(7) : text;
}

/** Take the credential out of the request (`strip_auth_data`). Where parameters are looked at, the query is written anew (recorded). */
export function stripCredentials(source: KeySource, request: CredentialRequest): void {
  if (source.header !== undefined) request.headers.delete(source.header);
  if (source.param !== undefined && request.url.query !== undefined) {
    const query = parseQuery(request.url.query);
    query.delete(source.param);
    request.url.query = query.size === 0 ? undefined : encodeQuery(query);
  }
  if (source.cookie !== undefined) withoutCookie(request.headers, source.cookie);
}

/** Whether it is this method whose session later steps see. Where none is named, each method's counts, and so the last one's. */
export function providesIdentity(api: Api, method: 'custom' | 'token'): boolean {
  const { baseIdentity } = api.auth;
  return baseIdentity === '' || baseIdentity === (method === 'custom' ? 'custom_auth' : 'auth_token');
}

/** A session that was switched off, or whose time is over. */
export function checkExpiry({ session }: Caller): Refusal | undefined {
  if (session.is_inactive === true) return refusals.inactive;
  const expires = session.expires ?? 0;
  return expires >= 1 && expires * 1000 < Date.now() ? refusals.expired : undefined;
}

/** Whether the session opens this API at all. */
export function checkAccessRights({ apiLimits }: Caller): Refusal | undefined {
  return apiLimits.allowed ? undefined : refusals.noRight;
}

/**
 * Whether the session opens this path with this method.
 * @param path percent-decoded, with the listen path, without query.
 */
export function checkGranularAccess({ apiLimits }: Caller, method: string, path: string): Refusal | undefined {
  const { urls } = apiLimits;
  if (urls.length === 0) return undefined;
  for (const { pattern, methods } of urls) if (methods.includes(method) && pattern.test(path)) return undefined;
  return refusals.noRightToResource;
}
