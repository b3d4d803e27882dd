import { fromByteString } from '../../../contract/text.ts';
import { unescapeBytes } from '../../../contract/url.ts';
import type { Api, RateLimit } from '../../definitions/api.ts';
import { firstMatch } from '../../definitions/endpoint-path.ts';
import type { Exchange } from '../../exchange.ts';
import {
  checkAccessRights,
  checkExpiry,
  checkGranularAccess,
  extractId,
  findToken,
  isRefusal,
  providesIdentity,
  type Refusal,
  readsBody,
  refusals,
  stripCredentials,
} from '../../session/index.ts';
import { endpointMethod, endpointPaths } from '../endpoint-paths.ts';
import {
  type AcceptSession,
  type ChainRun,
  ensureBody,
  ensureState,
  fireEvent,
  hookStep,
  refuse,
  type Step,
} from '../hooks.ts';
import type { FixedError, RequestStepParts } from '../request-steps.ts';
import { contextValue } from '../variables.ts';
import { versions } from '../versions.ts';
import { versionOf } from './request-rules.ts';

/**
 * Who is it? The custom auth plugin first, then the key; where both are asked, both must agree to let the request in, and the definition
 * says whose session counts (spec/platform-contract §5 step 13).
 */
export function authSteps(
  api: Api,
  run: ChainRun | undefined,
  problem: FixedError | undefined,
  parts: RequestStepParts,
): Step[] {
  const steps: Step[] = [];
  if (api.auth.custom) steps.push(customAuth(api, run, problem, parts));
  if (api.auth.token) steps.push(keyAuth(api, parts));
  return steps;
}

function customAuth(
  api: Api,
  run: ChainRun | undefined,
  problem: FixedError | undefined,
  parts: RequestStepParts,
): Step {
  const { extractor } = api.auth;
  const hooks = run && hookStep(run, parts, accept(parts));

  /** The caller by an extracted id that the plugin has let in before. True: the request has ended. */
  async function recall(exchange: Exchange): Promise<boolean | 'known'> {
    if (extractor === undefined) return false;
    const state = ensureState(exchange);
    if (readsBody(extractor, state.method) && !(await ensureBody(exchange, state, parts))) return true;
    const id = extractId(extractor, state, api, parts.keyHashFunction);
    if (typeof id !== 'string') return deny(exchange, id, parts);
    exchange.extractedId = id;
    const caller = await parts.sessions.recall(id, api);
    if (caller === undefined) return false;
    if (providesIdentity(api, 'custom')) exchange.caller = caller;
    return 'known';
  }

  return async (exchange) => {
    if (exchange.ignoresAuth) return false;
    if (problem !== undefined) {
      refuse(exchange, problem.status, problem.message, parts);
      return true;
    }
    const recalled = await recall(exchange);
    if (recalled !== false) return recalled === true;
    return hooks === undefined ? deny(exchange, refusals.nobody, parts) : hooks(exchange);
  };
}

function accept(parts: RequestStepParts): AcceptSession {
  return async (exchange, answer) => {
    const { api } = exchange;
    const caller = await parts.sessions.acceptPluginSession(answer, api, exchange.extractedId);
    if (caller === undefined) return false;
    if (isRefusal(caller)) return deny(exchange, caller, parts);
    exchange.caller = caller;
    return false;
  };
}

function keyAuth(api: Api, parts: RequestStepParts): Step {
  return async (exchange) => {
    if (exchange.ignoresAuth) return false;
    const key = findToken(api.auth.tokenSource, ensureState(exchange));
    if (key === undefined) return deny(exchange, refusals.keyMissing, parts);
    const found = parts.sessions.authenticateKey(key, api);
    const caller = found instanceof Promise ? await found : found;
    if (isRefusal(caller)) return deny(exchange, caller, parts);
    if (providesIdentity(api, 'token') || exchange.caller === undefined) exchange.caller = caller;
    return false;
  };
}

/** May it do that, and how often? In the contract's order: expiry, access rights, paths, rate and quota. */
export function limitSteps(api: Api, parts: RequestStepParts): Step[] {
  return [
    async (exchange) => {
      if (exchange.ignoresAuth) return false;
      const { caller } = exchange;
      if (caller === undefined) return deny(exchange, refusals.nobody, parts);
      const state = ensureState(exchange);
      if (api.auth.stripCredentials) {
        stripCredentials(api.auth.tokenSource, state);
        stripCredentials(api.auth.customSource, state);
      }
      const path = fromByteString(unescapeBytes(state.url.path));
      const refusal =
        checkExpiry(caller) ?? checkAccessRights(caller) ?? checkGranularAccess(caller, state.method, path);
      if (refusal !== undefined) return deny(exchange, refusal, parts);
      if (exchange.loops > 0 && !exchange.checksLimits) return false;
      const counted = {
        method: state.method,
        paths: () => endpointPaths(exchange),
        context: (name: string) => contextValue(name, exchange),
      };
      const limited = await parts.sessions.checkRateAndQuota(caller, api, counted);
      return limited === undefined ? false : deny(exchange, limited, parts);
    },
  ];
}

/** Limits of the API itself, and of its endpoints, whoever calls. */
export function apiRateStep(api: Api, parts: RequestStepParts): Step | undefined {
  const ofApi = api.limits.skipRateLimit ? undefined : api.limits.api;
  const ofEndpoints = versions(api).some((version) => version.endpoints.rateLimits.length > 0);
  if (ofApi === undefined && !ofEndpoints) return undefined;
  const check = async (exchange: Exchange, limit: RateLimit, endpoint?: string): Promise<boolean> => {
    const limited = await parts.sessions.checkApiRate(api, limit, endpoint);
    return limited === undefined ? false : deny(exchange, limited, parts);
  };
  return async (exchange) => {
    if (exchange.loops > 0 && !exchange.checksLimits) return false;
    const { rateLimits } = versionOf(exchange).endpoints;
    const rule = firstMatch(rateLimits, endpointMethod(exchange), endpointPaths(exchange));
    if (rule !== undefined) return check(exchange, rule.limit, `${rule.method}:${rule.path}`);
    return ofApi === undefined ? false : check(exchange, ofApi);
  };
}

/** Answer a refusal, in the operator's words where there are some. */
function deny(exchange: Exchange, refusal: Refusal, parts: RequestStepParts): true {
  const own = refusal.id === undefined ? undefined : parts.errorMessages[refusal.id];
  if (refusal.event !== undefined) {
    const message = refusal.event === 'AuthFailure' ? 'Auth Failure' : refusal.message;
    fireEvent(refusal.event, message, exchange, parts);
  }
  refuse(exchange, own?.status ?? refusal.status, own?.message ?? refusal.message, parts);
  return true;
}
