import { isEmptyLimit, isMore, ownEntry, perSecond, setNumber } from '../limit.ts';
import type { AccessRight, Limit, Session } from '../session.ts';
import { joinEndpoints, joinRights } from './join-rights.ts';
import type { Partitions, Policy } from './policy.ts';

/** A session's policies cannot be applied: one is unknown or another organisation's, or none gives a right. */
export class PolicyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PolicyError';
  }
}

/** Rights while policies are put together, with what of each was said by some policy. */
export interface Draft {
  readonly right: AccessRight;
  acl: boolean;
  quota: boolean;
  rate: boolean;
  complexity: boolean;
  perApi: boolean;
  /** The policy that gave the right. */
  setBy: string;
}

type Part = 'quota' | 'rate_limit' | 'complexity' | 'acl';

/** Whether a policy decides this part: all do that name no parts. */
export function decides({ partitions = {} }: Policy, part: Part): boolean {
  return hasPartitions(partitions) ? partitions[part] === true : true;
}

function hasPartitions({ quota, rate_limit, complexity, acl }: Partitions): boolean {
  return quota === true || rate_limit === true || complexity === true || acl === true;
}

/** Each right with limits of its own (`per_api`). */
export function applyPerApi(policy: Policy, counted: Session, drafts: Map<string, Draft>): void {
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

/** The parts that the policy decides; of each limit the more generous one stays, in the right and in the session. */
export function applyParts(policy: Policy, session: Session, counted: Session, drafts: Map<string, Draft>): void {
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
