import type { Api } from '../definitions/api.ts';
import type { PathMatching } from '../definitions/endpoint-path.ts';
import { type ApiLimits, apiLimits } from './api-limits.ts';
import { isEmptyLimit } from './limit.ts';
import { policyIds } from './policies/apply-policies.ts';
import type { AccessRight, Session } from './session.ts';
import { metadataToProto, steadyProto, withQuota } from './session-to-proto.ts';
import { emptyMap } from './shape.ts';

/** What is left of a quota, and when it starts again (unix seconds). Shared by all requests of a session; changes with each. */
export interface QuotaNumbers {
  remaining: number;
  renews: number;
}

/** A session with its policies applied, and all that requests need of it, worked out when first asked for and kept. */
export class AppliedSession {
  readonly session: Session;
  private readonly keyId: string;
  private readonly storedName: string;
  private readonly matching: PathMatching;
  private readonly blanksQuota: boolean;
  private readonly initial: QuotaNumbers;
  private readonly limitsByApi = new Map<string, ApiLimits>();
  private readonly quotas = new Map<string, QuotaNumbers>();
  private steady: Uint8Array | undefined;
  private metadataNow: Uint8Array | undefined;
  private last: { readonly renews: number; readonly remaining: number; readonly bytes: Uint8Array } | undefined;

  constructor(session: Session, keyId: string, storedName: string, matching: PathMatching) {
    this.session = session;
    this.keyId = keyId;
    this.storedName = storedName;
    this.matching = matching;
    this.initial = { remaining: session.quota_remaining ?? 0, renews: session.quota_renews ?? 0 };
    this.blanksQuota = policyIds(session).length > 0 && session.quota_remaining === undefined;
  }

  limitsFor(api: Api): ApiLimits {
    let limits = this.limitsByApi.get(api.id);
    if (limits === undefined) {
      limits = apiLimits(this.session, this.storedName, api, this.matching);
      this.limitsByApi.set(api.id, limits);
    }
    return limits;
  }

  /** The numbers of one scope's quota. */
  quotaOf({ scope, limit }: ApiLimits): QuotaNumbers {
    let numbers = this.quotas.get(scope);
    if (numbers === undefined) {
      const from = scope === '' ? this.session : limit;
      numbers = { remaining: from.quota_remaining ?? 0, renews: from.quota_renews ?? 0 };
      this.quotas.set(scope, numbers);
    }
    return numbers;
  }

  /** Of the session as a whole, as hooks before the check see them. Policies that set the quota blank what is left (recorded). */
  numbersBefore(): QuotaNumbers {
    const now = this.quotas.get('') ?? this.initial;
    return this.blanksQuota ? { renews: now.renews, remaining: 0 } : now;
  }

  /** A `coprocess.SessionState` with these numbers. */
  proto(renews: number, remaining: number): Uint8Array {
    if (this.last !== undefined && this.last.renews === renews && this.last.remaining === remaining)
      return this.last.bytes;
    this.steady ??= steadyProto(this.session, this.keyId);
    const bytes = withQuota(this.steady, renews, remaining);
    this.last = { renews, remaining, bytes };
    return bytes;
  }

  get metadata(): Uint8Array {
    this.metadataNow ??= metadataToProto(this.session);
    return this.metadataNow;
  }

  /** The session with the quota numbers of this moment, as it goes into the store. */
  snapshot(): Session {
    if (this.quotas.size === 0) return this.session;
    const session = { ...this.session };
    const own = this.quotas.get('');
    if (own !== undefined) Object.assign(session, fieldsOf(own));
    if (session.access_rights !== undefined) session.access_rights = this.rightsNow(session.access_rights);
    return session;
  }

  private rightsNow(rights: Record<string, AccessRight>): Record<string, AccessRight> {
    const now = emptyMap() as Record<string, AccessRight>;
    for (const [apiId, right] of Object.entries(rights)) {
      const numbers = isEmptyLimit(right.limit) ? undefined : this.quotas.get(right.allowance_scope ?? '');
      now[apiId] = numbers === undefined ? right : { ...right, limit: { ...right.limit, ...fieldsOf(numbers) } };
    }
    return now;
  }
}

function fieldsOf({ remaining, renews }: QuotaNumbers): { quota_remaining: number; quota_renews: number } {
  return { quota_remaining: remaining, quota_renews: renews };
}
