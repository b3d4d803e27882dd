import type { ApiLimits } from './api-limits.ts';
import type { Session } from './session.ts';

/** Who sends a request, as far as one API is concerned. Made per request; what it refers to is shared and must not be changed. */
export interface Caller {
  /** The session's name, in clear: hooks see it as `key_id`. */
  readonly keyId: string;
  /** The name under which the session is stored: `keyId`, or its hash. */
  readonly storedName: string;
  /** With policies applied. */
  readonly session: Session;
  /** A `coprocess.SessionState`, as hooks see it at this moment. The same bytes again and again while nothing changes. */
  proto(): Uint8Array;
  /** The session's metadata as entries of `coprocess.Object.metadata` (field 5), ready to be pasted. */
  readonly metadata: Uint8Array;
  /** What the session allows with this API. */
  readonly apiLimits: ApiLimits;
  /** For `X-RateLimit-*`, as they stand after {@link Sessions.checkRateAndQuota}. */
  readonly limits: LimitNumbers;
}

/** What of a caller's limits is told to clients. `quota*` are what the headers carry by default. */
export interface LimitNumbers {
  readonly quotaMax: number;
  readonly quotaRemaining: number;
  /** Unix seconds. */
  readonly quotaRenews: number;
  readonly rate: number;
  readonly rateRemaining: number;
  /** Seconds until there is room for more. */
  readonly rateResetSeconds: number;
}
