import { isEmptyLimit, isMore, ownEntry, perSecond, setNumber } from '../limit.ts';
import type { AccessRight, Limit, Session } from '../session.ts';
import { emptyMap } from '../shape.ts';
import { joinEndpoints, joinRights } from './join-rights.ts';
import { type Policy, readPolicy } from './policy.ts';

/** A session's policies cannot be applied: one is unknown or another organisation's, or none gives a right. */
export class PolicyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PolicyError';
  }
}

/** Ids of the policies that a session names. */
export function policyIds(session: Session): readonly string[] {
  if (session.apply_policies !== undefined && session.apply_policies.length > 0) return session.apply_policies;
  return session.apply_policy_id ? [session.apply_policy_id] : [];
}

/** Rights while policies are put together, with what of each was said by some policy. */
interface Draft {
  readonly right: AccessRight;
  acl: boolean;
  quota: boolean;
  rate: boolean;
  complexity: boolean;
  perApi: boolean;
  /** The policy that gave the right. */
  setBy: string;
}

/**
 * The session with the rights and limits of its policies, as a copy. Several policies join their rights, and of each limit the more
 * generous one counts (spec/platform-contract §6.5).
 * @param orgId organisation whose policies count; undefined: any.
 * @param counted session whose quota periods go on; by default the session itself.
 * @throws {PolicyError}
 */
export function applyPolicies(
  session: Session,
  find: (id: string) => Policy | undefined,
  orgId: string | undefined,
  counted: Session = session,
): Session {
  const applied = { ...session };
  const inline = inlinePolicies(session);
  const ids = inline === undefined ? policyIds(session) : [...inline.keys()];
  if (ids.length === 0) return withOwnScopes(applied);
  const policies = chosen(ids, inline === undefined ? find : (id) => inline.get(id), orgId);
  clear(applied, policies);
  const drafts = new Map<string, Draft>();
  applied.is_inactive = false;
  applied.meta_data = Object.assign(emptyMap(), session.meta_data);
  for (const policy of policies) {
    if (policy.partitions?.per_api) applyPerApi(policy, counted, drafts);
    else applyParts(policy, applied, counted, drafts);
    applied.is_inactive ||= policy.is_inactive === true;
    applied.hmac_enabled ||= policy.hmac_enabled === true;
    applied.enable_http_signature_validation ||= policy.enable_http_signature_validation === true;
    Object.assign(applied.meta_data, policy.meta_data);
    if ((policy.last_updated ?? '') > (applied.last_updated ?? ''))
      applied.last_updated = policy.last_updated as string;
    if (policy.post_expiry_action) {
      applied.post_expiry_action = policy.post_expiry_action;
      applied.post_expiry_grace_period = policy.post_expiry_grace_period ?? 0;
    }
  }
  applied.tags = [...new Set([...policies.flatMap(({ tags }) => tags ?? []), ...(session.tags ?? [])])];
  finish(applied, drafts);
  return applied;
}

/** Policies that the session carries itself, in its metadata, count in place of those that it names. */
function inlinePolicies(session: Session): Map<string, Policy> | undefined {
  const list = session.meta_data?.policies;
  if (!Array.isArray(list)) return undefined;
  try {
    return new Map(list.map((entry) => readPolicy(entry)).map((policy) => [policy.id ?? '', policy]));
  } catch {
    return undefined;
  }
}

function chosen(ids: readonly string[], find: (id: string) => Policy | undefined, orgId: string | undefined): Policy[] {
  const policies: Policy[] = [];
  for (const id of ids) {
    const policy = find(id);
    if (policy !== undefined && (orgId === undefined || (policy.org_id ?? '') === orgId)) policies.push(policy);
    else if (ids.length === 1) {
      throw new PolicyError(
        policy === undefined ? `there is no policy "${id}"` : `policy "${id}" is another organisation's`,
      );
    }
  }
  return policies;
}

/** The session's own limits give way where a policy sets them, also to less generous ones. */
function clear(session: Session, policies: readonly Policy[]): void {
  for (const policy of policies) {
    if (decides(policy, 'quota')) {
      delete session.quota_max;
      delete session.quota_remaining;
    }
    if (decides(policy, 'rate_limit')) {
      for (const name of ['rate', 'per', 'smoothing', 'throttle_interval', 'throttle_retry_limit'] as const) {
        delete session[name];
      }
    }
    if (decides(policy, 'complexity')) delete session.max_query_depth;
  }
}

type Part = 'quota' | 'rate_limit' | 'complexity' | 'acl';

function decides({ partitions = {} }: Policy, part: Part): boolean {
  return hasPartitions(partitions) ? partitions[part] === true : true;
}

function hasPartitions({ quota, rate_limit, complexity, acl }: NonNullable<Policy['partitions']>): boolean {
  return quota === true || rate_limit === true || complexity === true || acl === true;
}

function applyPerApi(policy: Policy, counted: Session, drafts: Map<string, Draft>): void {
  if (hasPartitions(policy.partitions ?? {})) {
    throw new PolicyError(`policy "${policy.id}" has per_api together with other partitions: one of the two`);
  }
  for (const [apiId, given] of Object.entries(policy.access_rights ?? {})) {
    const draft = drafts.get(apiId);
    if (draft !== undefined && !draft.perApi) {
      throw new PolicyError(
        `policy "${policy.id}" has per_api, and another one of the session sets limits for the same API`,
      );
    }
    const ownLimit = !isEmptyLimit(given.limit);
    const scope = ownLimit ? apiId : (policy.id ?? '');
    const before = ownEntry(counted.access_rights, apiId)?.limit;
    const limit = { ...(ownLimit ? given.limit : limitOf(policy)) };
    setNumber(limit, 'quota_remaining', before?.quota_remaining);
    setNumber(limit, 'quota_renews', before?.quota_renews);
    const right = draft === undefined ? { ...given } : joinRights(draft.right, given);
    drafts.set(apiId, {
      right: { ...right, limit, allowance_scope: scope },
      acl: true,
      quota: true,
      rate: true,
      complexity: true,
      perApi: true,
      setBy: scope,
    });
  }
}

function applyParts(policy: Policy, session: Session, counted: Session, drafts: Map<string, Draft>): void {
  for (const [apiId, given] of Object.entries(policy.access_rights ?? {})) {
    const draft = drafts.get(apiId) ?? emptyDraft();
    if (draft.perApi) {
      throw new PolicyError(
        `policy "${policy.id}" sets limits for an API for which another one of the session has per_api`,
      );
    }
    drafts.set(apiId, draft);
    const limit = draft.right.limit ?? {};
    draft.right.limit = limit;
    if (decides(policy, 'acl')) {
      draft.acl = true;
      Object.assign(draft.right, joinRights(draft.right, given));
      draft.setBy = policy.id ?? '';
    }
    if (decides(policy, 'quota')) {
      draft.quota = true;
      applyQuota(policy, limit, session);
    }
    if (decides(policy, 'rate_limit')) {
      draft.rate = true;
      applyRate(policy, limit, session);
      if (given.endpoints !== undefined)
        draft.right.endpoints = joinEndpoints(draft.right.endpoints ?? [], given.endpoints);
    }
    if (decides(policy, 'complexity')) {
      draft.complexity = true;
      const depth = policy.max_query_depth ?? 0;
      if (isMore(depth, limit.max_query_depth)) setNumber(limit, 'max_query_depth', depth);
      if (isMore(depth, session.max_query_depth)) setNumber(session, 'max_query_depth', depth);
    }
    setNumber(limit, 'quota_renews', ownEntry(counted.access_rights, apiId)?.limit?.quota_renews);
  }
}

function emptyDraft(): Draft {
  return { right: {}, acl: false, quota: false, rate: false, complexity: false, perApi: false, setBy: '' };
}

function applyQuota(policy: Policy, limit: Limit, session: Session): void {
  const { quota_max = 0, quota_renewal_rate = 0 } = policy;
  if (isMore(quota_max, limit.quota_max)) {
    limit.quota_max = quota_max;
    if (isMore(quota_max, session.quota_max)) session.quota_max = quota_max;
  }
  if (quota_renewal_rate > (limit.quota_renewal_rate ?? 0)) {
    limit.quota_renewal_rate = quota_renewal_rate;
    if (quota_renewal_rate > (session.quota_renewal_rate ?? 0)) session.quota_renewal_rate = quota_renewal_rate;
  }
}

function applyRate(policy: Policy, limit: Limit, session: Session): void {
  for (const target of [limit, session]) {
    if (perSecond(policy) > perSecond(target)) {
      target.rate = policy.rate as number;
      target.per = policy.per as number;
      if (policy.smoothing !== undefined && policy.smoothing !== null) target.smoothing = policy.smoothing;
    }
    if ((policy.throttle_retry_limit ?? 0) > (target.throttle_retry_limit ?? 0)) {
      target.throttle_retry_limit = policy.throttle_retry_limit as number;
    }
    if ((policy.throttle_interval ?? 0) > (target.throttle_interval ?? 0)) {
      target.throttle_interval = policy.throttle_interval as number;
    }
  }
}

/** What no policy said about a right comes from the session; then, with one API only, the session's own limits are that right's. */
function finish(session: Session, drafts: Map<string, Draft>): void {
  const given = [...drafts].filter(([, draft]) => draft.acl);
  const scopes = new Set(given.map(([, { setBy }]) => setBy).filter((setBy) => setBy !== ''));
  for (const [, { right, rate, complexity, quota, setBy }] of given) {
    const limit = right.limit as Limit;
    if (!rate) {
      for (const name of ['rate', 'per', 'throttle_interval', 'throttle_retry_limit'] as const) {
        setNumber(limit, name, session[name]);
      }
      delete right.endpoints;
    }
    if (!complexity) setNumber(limit, 'max_query_depth', session.max_query_depth);
    if (!quota) {
      for (const name of ['quota_max', 'quota_renewal_rate', 'quota_renews'] as const)
        setNumber(limit, name, session[name]);
    }
    if (scopes.size > 1 && !right.allowance_scope && setBy !== '') right.allowance_scope = setBy;
  }
  const [only] = given;
  if (given.length === 1 && only !== undefined && only[1].quota && only[1].rate && only[1].complexity) {
    const limit = only[1].right.limit as Limit;
    for (const name of ['rate', 'per', 'quota_max', 'quota_renewal_rate', 'quota_renews', 'max_query_depth'] as const) {
      setNumber(session, name, limit[name]);
    }
  }
  if (given.length === 0) throw new PolicyError('key has no valid policies to be applied');
  session.access_rights = Object.assign(
    emptyMap() as Record<string, AccessRight>,
    Object.fromEntries(given.map(([apiId, { right }]) => [apiId, right])),
  );
}

/** Without policies, a right with limits of its own is counted by itself. */
function withOwnScopes(session: Session): Session {
  const rights = Object.entries(session.access_rights ?? {});
  if (!rights.some(([apiId, { limit, allowance_scope }]) => !isEmptyLimit(limit) && allowance_scope !== apiId))
    return session;
  const scoped = emptyMap() as Record<string, AccessRight>;
  for (const [apiId, right] of rights) {
    scoped[apiId] = isEmptyLimit(right.limit) ? right : { ...right, allowance_scope: apiId };
  }
  session.access_rights = scoped;
  return session;
}

function limitOf({
  rate,
  per,
  smoothing,
  throttle_interval,
  throttle_retry_limit,
  max_query_depth,
  quota_max,
  quota_renewal_rate,
}: Policy): Limit {
  const limit: Limit = {};
  setNumber(limit, 'rate', rate);
  setNumber(limit, 'per', per);
  setNumber(limit, 'throttle_interval', throttle_interval);
  setNumber(limit, 'throttle_retry_limit', throttle_retry_limit);
  setNumber(limit, 'max_query_depth', max_query_depth);
  setNumber(limit, 'quota_max', quota_max);
  setNumber(limit, 'quota_renewal_rate', quota_renewal_rate);
  if (smoothing !== undefined && smoothing !== null) limit.smoothing = smoothing;
  return limit;
}
