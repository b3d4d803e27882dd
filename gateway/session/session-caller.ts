import type { Api } from '../definitions/api.ts';
import type { Admission } from '../store/store.ts';
import type { ApiLimits } from './api-limits.ts';
import type { AppliedSession } from './applied-session.ts';
import type { Caller, LimitNumbers } from './caller.ts';
import type { Session } from './session.ts';
import type { StoredSession } from './stored-session.ts';

/** A caller out of a session of the store. */
export class SessionCaller implements Caller, LimitNumbers {
  readonly stored: StoredSession;
  readonly applied: AppliedSession;
  readonly apiLimits: ApiLimits;
  /** Of the session as a whole, as this request's hooks see it. */
  private renews: number;
  private remaining: number;
  rateRemaining = 0;
  rateResetSeconds = 0;
  quotaRemaining: number;
  quotaRenews: number;

  constructor(stored: StoredSession, applied: AppliedSession, api: Api) {
    this.stored = stored;
    this.applied = applied;
    this.apiLimits = applied.limitsFor(api);
    const before = applied.numbersBefore();
    this.renews = before.renews;
    this.remaining = before.remaining;
    const { remaining, renews } = applied.quotaOf(this.apiLimits);
    this.quotaRemaining = remaining;
    this.quotaRenews = renews;
  }

  get keyId(): string {
    return this.stored.keyId;
  }

  get storedName(): string {
    return this.stored.name;
  }

  get session(): Session {
    return this.applied.session;
  }

  get metadata(): Uint8Array {
    return this.applied.metadata;
  }

  proto(): Uint8Array {
    return this.applied.proto(this.renews, this.remaining);
  }

  get limits(): LimitNumbers {
    return this;
  }

  get quotaMax(): number {
    return this.apiLimits.limit.quota_max ?? 0;
  }

  get rate(): number {
    return this.apiLimits.limit.rate ?? 0;
  }

  /** Take in what the store counted. */
  counted({ rateRemaining, rateResetMs, quotaUsed, quotaResetMs }: Admission): void {
    this.rateRemaining = rateRemaining;
    this.rateResetSeconds = Math.ceil(rateResetMs / 1000);
    if (quotaUsed === 0) return;
    const numbers = this.applied.quotaOf(this.apiLimits);
    numbers.remaining = Math.max(0, this.quotaMax - quotaUsed);
    numbers.renews = renewal(numbers.renews, quotaUsed, quotaResetMs);
    // This request's own, for others will go on counting.
    this.quotaRemaining = numbers.remaining;
    this.quotaRenews = numbers.renews;
    if (this.apiLimits.scope !== '') return;
    this.remaining = numbers.remaining;
    this.renews = numbers.renews;
  }
}

/** When the quota's period ends, in unix seconds: one number for the whole period, however the clocks of the two sides round. */
function renewal(before: number, used: number, resetMs: number): number {
  const nowMs = Date.now();
  if (resetMs === 0) return used === 1 || before === 0 ? Math.floor(nowMs / 1000) : before;
  const ends = Math.round((nowMs + resetMs) / 1000);
  return Math.abs(ends - before) <= 1 ? before : ends;
}
