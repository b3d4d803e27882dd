import type { Api, RateLimit } from '../definitions/api.ts';
import { endpointPattern, type PathMatching } from '../definitions/endpoint-path.ts';
import { compilePattern, type TextPattern } from '../definitions/text-pattern.ts';
import type { QuotaCount, RateCount } from '../store/store.ts';
import { hashOfName } from './key-names.ts';
import { isEmptyLimit, ownEntry } from './limit.ts';
import type { AccessRight, Limit, Session } from './session.ts';

/** What a session may do with one API; worked out once per session and API. */
export interface ApiLimits {
  /** The session has the right to use the API. */
  readonly allowed: boolean;
  /** None: every path. */
  readonly urls: readonly UrlRule[];
  /** The right's own limit, or the session's. */
  readonly limit: Limit;
  /** Part of the counters' names; empty: those of the session as a whole. */
  readonly scope: string;
  readonly rate: RateCount | undefined;
  readonly quota: QuotaCount | undefined;
  /** Rates of single endpoints, in place of `rate`. */
  readonly endpoints: readonly EndpointRate[];
}

export interface UrlRule {
  readonly pattern: TextPattern;
  readonly methods: readonly string[];
}

export interface EndpointRate {
  readonly pattern: TextPattern;
  readonly method: string;
  readonly rate: RateCount | undefined;
}

/** @param storedName the name under which the session is stored; its counters are named after it. */
export function apiLimits(session: Session, storedName: string, api: Api, matching: PathMatching): ApiLimits {
  const rights = session.access_rights;
  const right = ownEntry(rights, api.id);
  const hasRights = rights !== undefined && Object.keys(rights).length > 0;
  const ownLimit = right !== undefined && !isEmptyLimit(right.limit);
  const limit: Limit = ownLimit ? (right.limit as Limit) : session;
  const scope = ownLimit ? (right.allowance_scope ?? '') : '';
  return {
    allowed: !hasRights || right !== undefined,
    urls: urlRules(right),
    limit,
    scope,
    rate: rateCount(rateKey(scope, storedName), limit.rate, limit.per),
    quota: quotaCount(scope, storedName, limit),
    endpoints: right === undefined ? [] : endpointRates(right, scope, storedName, matching),
  };
}

export function rateKey(scope: string, storedName: string): string {
  return `rate-limit-${scope === '' ? '' : `${scope}-`}${storedName}`;
}

export function quotaKey(scope: string, storedName: string): string {
  return `quota-${scope === '' ? '' : `${scope}-`}${storedName}`;
}

/** A rate as the store counts it; undefined: no limit. Less than one request a second is one request in a longer time. */
function rateCount(key: string, rate = 0, per = 0): RateCount | undefined {
  if (rate <= 0 || per <= 0) return undefined;
  if (rate < 1) return { key, limit: 1, perMs: (per / rate) * 1000 };
  return { key, limit: Math.floor(rate), perMs: per * 1000 };
}

/** The rate of an API as a whole, or of one of its endpoints (`METHOD:path`). */
export function apiRateCount(api: Api, limit: RateLimit, endpoint: string | undefined): RateCount | undefined {
  const key = `rate-limit-apilimiter-${api.orgId}${api.id}${endpoint === undefined ? '' : `-${hashOfName(endpoint)}`}`;
  return rateCount(key, limit.count, limit.seconds);
}

function quotaCount(scope: string, storedName: string, limit: Limit): QuotaCount | undefined {
  const { quota_max: max = 0, quota_renewal_rate: renewalSeconds = 0 } = limit;
  return max > 0 ? { key: quotaKey(scope, storedName), max, renewalSeconds: Math.max(0, renewalSeconds) } : undefined;
}

/** An expression that is none never matches (recorded). */
function urlRules(right: AccessRight | undefined): UrlRule[] {
  const rules: UrlRule[] = [];
  for (const { url, methods } of right?.allowed_urls ?? []) {
    try {
      rules.push({ pattern: compilePattern(url), methods: methods ?? [] });
    } catch {
      rules.push({ pattern: nothing, methods: [] });
    }
  }
  return rules;
}

const nothing: TextPattern = {
  source: '',
  groupCount: 0,
  test: () => false,
  groups: () => undefined,
  all: () => [],
};

function endpointRates(right: AccessRight, scope: string, storedName: string, matching: PathMatching): EndpointRate[] {
  return (right.endpoints ?? []).flatMap(({ path = '', methods = [] }) => {
    const pattern = endpointPattern(path, matching, false);
    return methods.map(({ name = '', limit = {} }) => {
      const key = `${rateKey(scope, storedName)}-${hashOfName(`${name}:${path}`)}`;
      return { pattern, method: name, rate: rateCount(key, limit.rate, limit.per) };
    });
  });
}
