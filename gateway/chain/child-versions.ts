import type { Api } from '../definitions/api.ts';
import type { Exchange } from '../exchange.ts';
import { withoutListenPath } from '../object/target.ts';
import { ensureState, refuse, type Step } from './hooks.ts';
import type { RequestStepParts } from './request-steps.ts';
import type { ServedApi } from './served-api.ts';
import { namedVersion, stripVersion } from './version-name.ts';

export interface ChildVersionParts extends RequestStepParts {
  readonly resolve: (nameOrId: string) => ServedApi | undefined;
}

/**
 * Versions that are other APIs: a request that names one goes on there, before any step of this one. A version whose API is there but could
 * not be loaded is answered as such, also where unknown names count as the default. Undefined for APIs without such versions.
 */
export function childVersionStep(api: Api, parts: ChildVersionParts): Step | undefined {
  const { children, location, urlPattern } = api.versions;
  if (children === undefined) return undefined;
  const isSelf = (name: string): boolean => name === 'self' || name === children.baseName;
  return async (exchange) => {
    // Once per API that it enters: versions that name each other would send it around for ever.
    if (exchange.versionChosen) return false;
    const given = namedVersion(api, exchange);
    let name = given === '' ? children.defaultName : given;
    if (name === '' && !isSelf('')) return refused(exchange, 403, 'Version information not found');
    const known = isSelf(name) || children.apiIds.has(name);
    if (!known) {
      if (!children.fallbackToDefault) return refused(exchange, 404, 'This API version does not seem to exist');
      name = children.defaultName;
      if (!isSelf(name) && !children.apiIds.has(name)) return refused(exchange, 500, 'Internal Server Error');
    }
    exchange.versionChosen = true;
    // A segment of the path that is no version, as far as anybody knows, is part of the path.
    const isVersion = known || location !== 'url' || urlPattern !== undefined;
    if (children.stripVersion && given !== '' && isVersion) stripVersion(api, given, exchange);
    if (isSelf(name)) return false;
    const target = parts.resolve(children.apiIds.get(name) as string);
    if (target === undefined) return refused(exchange, parts.notLoaded.status, parts.notLoaded.message);
    const state = ensureState(exchange);
    if (api.listen.strip) state.url = { ...state.url, path: withoutListenPath(api, state.url.path) };
    exchange.api = target.api;
    await target.handle(exchange);
    return true;
  };

  function refused(exchange: Exchange, status: number, message: string): true {
    refuse(exchange, status, message, parts);
    return true;
  }
}
