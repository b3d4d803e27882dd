import { isEmptyLimit, setNumber } from '../limit.ts';
import type { AccessRight, Limit, Session } from '../session.ts';
import { emptyMap } from '../shape.ts';
import { applyParts, applyPerApi, type Draft, decides, PolicyError } from './draft-rights.ts';
import { type Policy, readPolicy } from './policy.ts';

/** Ids of the policies that a session names. */
export function policyIds(session: Session): readonly string[] {
  if (session.apply_policies !== undefined && session.apply_policies.length > 0) return session.apply_policies;
  return session.apply_policy_id ? [session.apply_policy_id] : [];
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
