import { isIPv4, isIPv6 } from 'node:net';
import { parseQuery } from '../../../contract/query.ts';
import { fromByteString, toByteString } from '../../../contract/text.ts';
import { parseTarget, unescapeBytes, urlText } from '../../../contract/url.ts';
import type { Api } from '../../definitions/api.ts';
import type {
  ApiVersion,
  HeaderSteps,
  RewriteCondition,
  RewriteRule,
  RewriteTrigger,
} from '../../definitions/api-version.ts';
import { firstMatch } from '../../definitions/endpoint-path.ts';
import type { TextPattern } from '../../definitions/text-pattern.ts';
import type { Exchange } from '../../exchange.ts';
import { clientAddress } from '../client-address.ts';
import { endpointMethod, endpointPaths } from '../endpoint-paths.ts';
import { type ChainParts, ensureBody, ensureState, refuse, type Step } from '../hooks.ts';
import { contextValue, fillIn, fillInUrl } from '../variables.ts';

/** Built-in steps that stand between the pre and the post hooks, in the contract's order (spec/platform-contract §5). */

export function versionOf(exchange: Exchange): ApiVersion {
  return (exchange.version ?? exchange.api.versions.single) as ApiVersion;
}

/**
 * IP lists, after the pre hooks. The address is the peer's, or what a header says that the *client* sent: a hook cannot talk its way
 * past a list (the original lets it).
 */
export function ipStep(api: Api, parts: ChainParts): Step | undefined {
  const { allow, deny } = api.ipAccess;
  if (allow === undefined && deny === undefined) return undefined;
  return (exchange) => {
    const address = clientAddress(exchange.request, parts.forwardedFor);
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    const known = isIPv4(address) || isIPv6(address);
    const refused =
      (allow !== undefined && !(known && allow.check(address, family))) ||
      (deny !== undefined && known && deny.check(address, family));
    if (refused) refuse(exchange, 403, 'access from this IP has been disallowed', parts);
    return refused;
  };
}

/** Methods whose bodies no size limit measures. */
const unmeasured = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/** The larger of the stated length and the body that hooks made counts. */
export function bodySizeStep(parts: ChainParts): Step {
  return async (exchange) => {
    const version = versionOf(exchange);
    const state = ensureState(exchange);
    if (unmeasured.has(state.method)) return false;
    const rule = firstMatch(version.endpoints.bodySizes, endpointMethod(exchange), endpointPaths(exchange));
    const limit = Math.min(rule?.maxBodyBytes ?? Number.POSITIVE_INFINITY, version.maxBodyBytes);
    if (!Number.isFinite(limit)) return false;
    const stated = state.headers.get('Content-Length');
    if (
      stated === undefined &&
      exchange.request.headers['transfer-encoding'] === undefined &&
      exchange.request.httpVersionMajor < 2
    ) {
      refuse(exchange, 411, 'Content length is required for this request', parts);
      return true;
    }
    if (stated === undefined && !exchange.bodyRead && !(await ensureBody(exchange, state, parts))) return true;
    const length = Math.max(Number(stated ?? 0), exchange.bodyRead ? state.body.length : 0);
    if (length <= limit) return false;
    refuse(exchange, 400, 'Request is too large', parts);
    return true;
  };
}

/** Header edits: those of the endpoint, then those for every path. */
export function requestHeadersStep(): Step {
  return (exchange) => {
    const version = versionOf(exchange);
    const rule =
      version.endpoints.requestHeaders.length === 0
        ? undefined
        : firstMatch(version.endpoints.requestHeaders, endpointMethod(exchange), endpointPaths(exchange));
    const { headers } = ensureState(exchange);
    applyHeaderSteps(version.requestHeaders, headers, exchange);
    if (rule !== undefined) applyHeaderSteps(rule.headers, headers, exchange);
    return false;
  };
}

export function applyHeaderSteps(
  steps: HeaderSteps,
  headers: { delete(name: string): void; set(name: string, value: string): void },
  exchange: Exchange,
): void {
  for (const name of steps.delete) headers.delete(name);
  for (const [name, value] of steps.set) headers.set(name, toByteString(fillIn(value, exchange)));
}

/** URL rewrites: the target is pending until the chain ends, and post hooks see it. */
export function rewriteStep(parts: ChainParts): Step {
  return async (exchange) => {
    const version = versionOf(exchange);
    const rule = firstMatch(version.endpoints.rewrites, endpointMethod(exchange), endpointPaths(exchange));
    if (rule === undefined) return false;
    if (readsBody(rule) && !(await ensureBody(exchange, ensureState(exchange), parts))) return true;
    rewrite(exchange, rule);
    return false;
  };
}

function readsBody(rule: RewriteRule): boolean {
  return rule.triggers.some((trigger) => trigger.conditions.some((condition) => condition.source === 'body'));
}

function rewrite(exchange: Exchange, rule: RewriteRule): void {
  const state = ensureState(exchange);
  // As the client or a hook wrote it, listen path included; what does not match may do so without its escapes (recorded).
  const text = urlText({ prefix: '', path: state.url.path, query: state.url.query });
  const groups = rule.match.groups(fromByteString(text)) ?? rule.match.groups(fromByteString(unescapeBytes(text)));
  if (groups === undefined) return;
  const fired = rule.triggers.findIndex((trigger, number) => fires(trigger, number, exchange));
  const template = fired < 0 ? rule.to : (rule.triggers[fired] as RewriteTrigger).to;
  const target = fillInUrl(template, exchange, groups);
  if (target !== '') state.rewrite = parseTarget(toByteString(target));
}

/** The order in which a trigger looks at its conditions. */
const sources = ['header', 'query', 'path', 'session', 'context', 'body'] as const;

/** Conditions of one source hold together when they match at least as often as there are of them (as in the original); of `any`, once. */
function fires(trigger: RewriteTrigger, number: number, exchange: Exchange): boolean {
  for (const source of sources) {
    const conditions = trigger.conditions.filter((condition) => condition.source === source);
    if (conditions.length === 0) continue;
    const matches = conditions.reduce((count, one) => count + noteMatches(one, number, count, exchange), 0);
    if (trigger.on === 'any' && matches > 0) return true;
    if (trigger.on === 'all' && matches < conditions.length) return false;
  }
  return trigger.on === 'all';
}

/** How many values match; what they match becomes a variable, `trigger-N-name-M`, and their groups `trigger-N-name-M-G`. */
function noteMatches(condition: RewriteCondition, trigger: number, before: number, exchange: Exchange): number {
  const { source, key, pattern, negate } = condition;
  let count = 0;
  for (const [i, value] of valuesOf(condition, exchange).entries()) {
    const groups = pattern.groups(value);
    if (negate !== (groups === undefined)) continue;
    count++;
    if (groups === undefined) continue;
    exchange.contextValues ??= new Map();
    const name = `trigger-${trigger}-${source === 'body' ? 'payload' : key}`;
    if (source === 'body') noteAll(name, pattern, value, exchange.contextValues);
    else if (source === 'session' || source === 'context') note(name, groups, exchange.contextValues);
    else note(`${name}-${source === 'path' ? before + count - 1 : i}`, groups, exchange.contextValues);
  }
  return count;
}

function noteAll(name: string, pattern: TextPattern, text: string, values: Map<string, string>): void {
  for (const [i, match] of pattern.all(text).entries()) {
    if (i === 0) values.set(name, match);
    note(`${name}-${i}`, pattern.groups(match) ?? [match], values);
  }
}

function note(name: string, groups: readonly string[], values: Map<string, string>): void {
  values.set(name, groups[0] as string);
  for (const [g, group] of groups.slice(1).entries()) values.set(`${name}-${g}`, group);
}

function valuesOf({ source, key }: RewriteCondition, exchange: Exchange): readonly string[] {
  const state = ensureState(exchange);
  switch (source) {
    case 'header':
      return state.headers.all(key).map(fromByteString);
    case 'query':
      return (parseQuery(state.url.query).get(toByteString(key)) ?? []).map(fromByteString);
    case 'path':
      return fromByteString(unescapeBytes(state.url.path)).split('/');
    case 'body':
      return [state.body.toString('utf8')];
    case 'session': {
      const value = exchange.caller?.session.meta_data?.[key];
      return typeof value === 'string' ? [value] : [];
    }
    case 'context': {
      const value = contextValue(key, exchange);
      return value === undefined ? [] : [value];
    }
  }
}

/** A method for the upstream and for later hooks. */
export function methodStep(): Step {
  return (exchange) => {
    const rule = firstMatch(versionOf(exchange).endpoints.methods, endpointMethod(exchange), endpointPaths(exchange));
    if (rule !== undefined) ensureState(exchange).parkedMethod = rule.to;
    return false;
  };
}
