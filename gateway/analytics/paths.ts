import { fromByteString } from '../../contract/text.ts';
import { parseTarget, type UrlParts, unescapeBytes } from '../../contract/url.ts';
import type { EndpointRule } from '../definitions/api-version.ts';
import { firstMatch } from '../definitions/endpoint-path.ts';
import type { Exchange } from '../exchange.ts';
import { withoutListenPath } from '../object/target.ts';

/** Where a request went, as its record tells. Texts, percent-decoded, unless said. */
export interface RecordedPaths {
  /** Without the listen path, where that is taken off. */
  readonly path: string;
  /** As the client sent it. */
  readonly original: string;
  /** `path` with the query, as it stands in a request line; byte string. */
  readonly target: string;
}

export function pathsOf(exchange: Exchange): RecordedPaths {
  const { api, state, request } = exchange;
  const sent = urlOf(request.url ?? '/');
  const url = state === undefined ? sent : (state.rewrite ?? state.url);
  const path = slashed(api.listen.strip ? withoutListenPath(api, url.path) : url.path);
  return {
    path: text(path),
    original: text(slashed(sent.path)),
    target: url.query === undefined ? path : `${path}?${url.query}`,
  };
}

/** The rule among `rules` that the request falls under; a rewrite does not count. */
export function matchOf({ api, state, request }: Exchange, rules: readonly EndpointRule[]): EndpointRule | undefined {
  if (rules.length === 0) return undefined;
  const { path } = state?.url ?? urlOf(request.url ?? '/');
  const paths = [unescapeBytes(withoutListenPath(api, path)), unescapeBytes(path)];
  return firstMatch(rules, state?.method ?? request.method ?? '', paths);
}

/** A target that is no URL has its answer, and its record. */
function urlOf(target: string): UrlParts {
  try {
    return parseTarget(target);
  } catch {
    return { prefix: '', path: '/', query: undefined };
  }
}

function slashed(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function text(path: string): string {
  return fromByteString(unescapeBytes(path));
}
