import { hasEntries } from './field-table.ts';
import type { Fields } from './fields.ts';

/**
 * Whether `cache_options` of a Classic definition cache anything. Switched on alone they do not: requests must be picked, all safe ones or
 * those of an endpoint. The original's dashboard writes them like that into every definition.
 */
export function cachesSomething(_: unknown, api: Fields): boolean {
  const options = api.object('cache_options');
  if (!options.boolean('enable_cache')) return false;
  if (options.boolean('cache_all_safe_requests')) return true;
  return api
    .object('version_data')
    .objectMap('versions')
    .some(([, version]) => version.boolean('use_extended_paths') && picksEndpoints(version.object('extended_paths')));
}

function picksEndpoints(paths: Fields): boolean {
  return hasEntries(paths.raw('cache')) || hasEntries(paths.raw('advance_cache_config'));
}

/** The same of the extension of an OAS document: `cache` of its global middleware, and of its operations. */
export function oasCachesSomething(_: unknown, global: Fields, extension: Fields): boolean {
  const cache = global.object('cache');
  if (!cache.boolean('enabled')) return false;
  if (cache.boolean('cacheAllSafeRequests')) return true;
  return extension
    .object('middleware')
    .objectMap('operations')
    .some(([, operation]) => operation.object('cache').boolean('enabled'));
}
