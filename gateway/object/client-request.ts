import { canonicalName } from '../../contract/canonical.ts';
import { HeaderList } from '../../contract/header-list.ts';
import { emptyBody, type RequestState } from '../../contract/request-state.ts';
import { parseTarget } from '../../contract/url.ts';
import type { ClientRequest } from '../exchange.ts';

/**
 * A client's request as hooks see it. Of its headers, `Host` is kept apart and the framing is not shown (spec/coprocess-contract §2.2).
 * @throws {PluginFailure} when the target is no URL.
 */
export function stateOf(request: ClientRequest): RequestState {
  const target = request.url ?? '/';
  const url = parseTarget(target);
  const headers = readHeaders(request);
  const host = url.prefix === '' ? hostOf(request) : url.prefix.slice(url.prefix.indexOf('://') + 3);
  return {
    method: request.method ?? 'GET',
    parkedMethod: undefined,
    url,
    rewrite: undefined,
    requestUri: target,
    scheme: isEncrypted(request) ? 'https' : 'http',
    host,
    headers,
    body: emptyBody,
  };
}

/** The client's `Host` or `:authority`; empty when it sent none. */
export function hostOf(request: ClientRequest): string {
  return (request.headers[':authority'] as string | undefined) ?? request.headers.host ?? '';
}

function isEncrypted(request: ClientRequest): boolean {
  return (request.socket as { encrypted?: boolean } | null)?.encrypted === true;
}

function readHeaders(request: ClientRequest): HeaderList {
  const raw = request.rawHeaders;
  const entries: string[] = [];
  let cookies: string | undefined;
  let chunked = false;
  let noCache = false;
  const isHttp2 = request.httpVersionMajor === 2;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const written = raw[i] as string;
    if (written.charCodeAt(0) === colon) continue;
    const name = canonicalName(written);
    const value = raw[i + 1] as string;
    if (name === 'Host') continue;
    if (name === 'Transfer-Encoding') {
      chunked = true;
      continue;
    }
    // HTTP/2 may split cookies over several fields, which stand for one (RFC 9113 §8.2.3).
    if (isHttp2 && name === 'Cookie') {
      cookies = cookies === undefined ? value : `${cookies}; ${value}`;
      continue;
    }
    if (name === 'Pragma' && value === 'no-cache') noCache = true;
    entries.push(name, value);
  }
  if (cookies !== undefined) entries.push('Cookie', cookies);
  const headers = new HeaderList(entries);
  if (chunked) headers.delete('Trailer');
  // Plugins of the original have always seen it: its HTTP library reads the old spelling as the new one.
  if (noCache && headers.get('Cache-Control') === undefined) headers.add('Cache-Control', 'no-cache');
  return headers;
}

const colon = 58;
