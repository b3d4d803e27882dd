import type { Api, VersionRule } from '../../definitions/api.ts';
import type { ApiVersion } from '../../definitions/api-version.ts';
import { firstMatch } from '../../definitions/endpoint-path.ts';
import type { Exchange } from '../../exchange.ts';
import { sendReply } from '../../replies.ts';
import { endpointMethod, endpointPaths } from '../endpoint-paths.ts';
import { type ChainParts, fireEvent, refuse, type Step } from '../hooks.ts';
import { namedVersion, stripVersion } from '../version-name.ts';

/** Find the request's version, and ask its lists: paths that are mocked, blocked, allowed or free (spec/platform-contract §5 step 1). */
export function versionStep(api: Api, parts: ChainParts): Step | undefined {
  const { single } = api.versions;
  if (single !== undefined && api.expires === undefined && plain(single)) return undefined;
  return (exchange) => {
    if (isPast(api.expires)) {
      return refuseVersion(exchange, 'API has expired, please check documentation or contact administrator', parts);
    }
    const version = single ?? chosenVersion(api, api.versions, exchange);
    if (typeof version === 'string') {
      return refuseVersion(exchange, version, parts);
    }
    if (isPast(version.expires)) {
      return refuseVersion(
        exchange,
        'Api Version has expired, please check documentation or contact administrator',
        parts,
      );
    }
    exchange.version = version;
    const expires = version.expires ?? api.expires;
    if (expires !== undefined) addResponseHeader(exchange, 'X-Tyk-Api-Expires', rfc1123(expires));
    return checkAccess(exchange, version, parts);
  };
}

/**
 * Ask the lists again for a path that a hook made: a request may not reach by a detour what is blocked. The original does not look
 * twice.
 */
export function movedPathStep(parts: ChainParts): Step {
  return (exchange) => {
    const version = exchange.version ?? exchange.api.versions.single;
    if (version === undefined || exchange.state === undefined) return false;
    const rule = firstMatch(version.endpoints.access, endpointMethod(exchange), endpointPaths(exchange));
    if (rule?.action !== 'block' && rule?.action !== 'internal') return false;
    if (rule.action === 'internal' && exchange.loops > 0) return false;
    return refuseVersion(exchange, 'Requested endpoint is forbidden', parts);
  };
}

function refuseVersion(exchange: Exchange, reason: string, parts: ChainParts): true {
  fireEvent('VersionFailure', 'Attempted access to disallowed version / path.', exchange, parts, reason);
  refuse(exchange, 403, reason, parts);
  return true;
}

function plain(version: ApiVersion): boolean {
  return version.expires === undefined && version.endpoints.access.length === 0 && !version.endpoints.closed;
}

function isPast(expires: number | undefined): boolean {
  return expires !== undefined && expires <= Date.now();
}

function checkAccess(exchange: Exchange, version: ApiVersion, parts: ChainParts): boolean {
  const { access, closed } = version.endpoints;
  if (access.length === 0 && !closed) return false;
  const paths = endpointPaths(exchange);
  const rule = firstMatch(
    access.filter((one) => one.action !== 'internal' || exchange.loops === 0),
    endpointMethod(exchange),
    paths,
  );
  if (rule === undefined ? closed : rule.action === 'block' || rule.action === 'internal') {
    return refuseVersion(exchange, 'Requested endpoint is forbidden', parts);
  }
  if (rule?.action === 'ignore') exchange.ignoresAuth = true;
  if (rule?.action !== 'reply') return false;
  sendReply(exchange.response, { ...rule.reply, template: false });
  return true;
}

/** The version that the request names, or why there is none. */
export function chosenVersion(api: Api, rule: VersionRule, exchange: Exchange): ApiVersion | string {
  const named = namedVersion(api, exchange);
  if (rule.stripVersion && (rule.location === 'url' ? rule.byName.has(named) : named !== ''))
    stripVersion(api, named, exchange);
  const name = named === '' ? rule.defaultName : named;
  if (name === '') return 'Version information not found';
  return rule.byName.get(name) ?? 'This API version does not seem to exist';
}

function addResponseHeader(exchange: Exchange, name: string, value: string): void {
  exchange.responseHeaders ??= [];
  exchange.responseHeaders.push([name, value]);
}

/** As Go writes it: the zone is UTC, not GMT. */
function rfc1123(unixMs: number): string {
  return new Date(unixMs).toUTCString().replace('GMT', 'UTC');
}
