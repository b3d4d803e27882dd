import { encodeQuery, parseQuery } from '../../contract/query.ts';
import { toByteString } from '../../contract/text.ts';
import type { Api } from '../definitions/api.ts';
import type { Exchange } from '../exchange.ts';
import { withoutListenPath } from '../object/target.ts';
import { ensureState } from './hooks.ts';

/** The name of a version that the request carries, where the definition says; empty without one. */
export function namedVersion(api: Api, exchange: Exchange): string {
  const { location, key, urlPattern } = api.versions;
  const { headers, url } = ensureState(exchange);
  if (location === 'header') return headers.get(key) ?? '';
  if (location === 'url-param') return parseQuery(url.query).get(toByteString(key))?.[0] ?? '';
  const segment = withoutListenPath(api, url.path).split('/', 2)[1] ?? '';
  return urlPattern === undefined || urlPattern.test(segment) ? segment : '';
}

/** Take what names the version out of the request; `name` is what {@link namedVersion} found. */
export function stripVersion(api: Api, name: string, exchange: Exchange): void {
  const { location, key } = api.versions;
  const state = ensureState(exchange);
  if (location === 'header') return state.headers.delete(key);
  const { path, query } = state.url;
  if (location === 'url-param') {
    const kept = parseQuery(query);
    kept.delete(toByteString(key));
    state.url = { ...state.url, query: kept.size === 0 ? undefined : encodeQuery(kept) };
    return;
  }
  const rest = withoutListenPath(api, path).slice(1);
  const front = path.slice(0, path.length - rest.length);
  state.url = { ...state.url, path: front + rest.slice(name.length).replace(/^\//, '') };
}
