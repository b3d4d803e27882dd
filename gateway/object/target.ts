import { escapePath, type UrlParts, unescapeBytes } from '../../contract/url.ts';
import type { Api, TargetBase } from '../definitions/api.ts';

/**
 * Path and query of the upstream request: the listen path taken off, the target's own path put in front
 * (spec/coprocess-contract §11 "URL / query").
 */
export function upstreamTarget(api: Api, url: UrlParts, base: TargetBase): string {
  const path = freshlyEncoded(stripped(api, url.path));
  const front = base.path.replace(/\/+$/, '');
  const rest = path.replace(/^\/+/, '');
  const joined = rest === '' ? (api.target.keepTrailingSlash ? `${front}/` : front) : `${front}/${rest}`;
  const query = joinQueries(base.query, url.query);
  return `${joined === '' ? '/' : joined}${query === undefined ? '' : `?${query}`}`;
}

function stripped(api: Api, path: string): string {
  return api.listen.strip ? withoutListenPath(api, path) : path;
}

/** The path without the listen path, whether or not the upstream gets it so; it always begins with a slash. */
export function withoutListenPath(api: Api, path: string): string {
  const rest = path.slice(listenPathLength(api, path));
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** How much of the path is the listen path; 0 when it does not begin with it. */
function listenPathLength({ listen }: Api, path: string): number {
  if (listen.pathPattern === undefined) return path.startsWith(listen.path) ? listen.path.length : 0;
  return listen.pathPattern.groups(path)?.[0]?.length ?? 0;
}

const plainPath = /^[A-Za-z0-9\-._~$&+,/:;=@]*$/;

/** A path without any escape is encoded afresh; one with an escape keeps its spelling. */
function freshlyEncoded(path: string): string {
  return plainPath.test(path) || path.includes('%') ? path : escapePath(unescapeBytes(path));
}

function joinQueries(base: string | undefined, own: string | undefined): string | undefined {
  if (base === undefined || base === '') return own;
  return own === undefined || own === '' ? base : `${base}&${own}`;
}
