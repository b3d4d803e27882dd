import { perSecond } from '../limit.ts';
import type { AccessRight, AllowedUrl, EndpointLimits } from '../session.ts';

/** Rights of a policy, without the API's id and name, joined to those that earlier policies gave. */
export function joinRights(right: AccessRight, given: AccessRight): AccessRight {
  const versions = union(right.versions, given.versions);
  const allowed_urls = joinUrls(right.allowed_urls ?? [], given.allowed_urls ?? []);
  const more: AccessRight = {};
  if (given.disable_introspection || right.disable_introspection) more.disable_introspection = true;
  for (const name of ['restricted_types', 'allowed_types', 'field_access_rights'] as const) {
    const lists = [right[name], given[name]].filter(Array.isArray);
    if (lists.length > 0) more[name] = lists.flat();
  }
  return {
    ...right,
    ...more,
    ...(versions.length > 0 ? { versions } : {}),
    ...(allowed_urls.length > 0 ? { allowed_urls } : {}),
  };
}

function joinUrls(before: readonly AllowedUrl[], given: readonly AllowedUrl[]): AllowedUrl[] {
  const byUrl = new Map(before.map(({ url, methods }) => [url, { url, methods }]));
  for (const { url, methods } of given) {
    byUrl.set(url, { url, methods: union(byUrl.get(url)?.methods ?? [], methods ?? []) });
  }
  return [...byUrl.values()];
}

/** Of two limits for one method of one path the more generous one counts. */
export function joinEndpoints(before: readonly EndpointLimits[], given: readonly EndpointLimits[]): EndpointLimits[] {
  const byPath = new Map(before.map((endpoint) => [endpoint.path, endpoint]));
  for (const { path, methods = [] } of given) {
    const known = new Map((byPath.get(path)?.methods ?? []).map((method) => [method.name, method]));
    for (const method of methods) {
      const other = known.get(method.name);
      if (other === undefined || perSecond(method.limit ?? {}) > perSecond(other.limit ?? {}))
        known.set(method.name, method);
    }
    byPath.set(path, { ...(path === undefined ? {} : { path }), methods: [...known.values()] });
  }
  return [...byPath.values()];
}

function union(a: readonly string[] = [], b: readonly string[] = []): string[] {
  return [...new Set([...a, ...b])];
}
