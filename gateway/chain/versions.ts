import type { Api } from '../definitions/api.ts';
import type { ApiVersion } from '../definitions/api-version.ts';

/** All versions of an API, to see at load which steps it needs. */
export function versions(api: Api): readonly ApiVersion[] {
  return [...api.versions.byName.values()];
}
