/** What is known of a caller. Times are in seconds since the epoch; 0 and empty stand for "not set", -1 for "no limit". */
export interface Session {
  /** The name it is stored under. */
  readonly keyId: string;
  readonly orgId: string;
  readonly alias: string;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** So many requests ... */
  readonly rate: number;
  /** ... in so many seconds. */
  readonly per: number;
  readonly quotaMax: number;
  readonly quotaRemaining: number;
  /** When the quota begins anew. */
  readonly quotaRenews: number;
  /** Length of a quota period in seconds. */
  readonly quotaRenewalRate: number;
  readonly expires: number;
  readonly isInactive: boolean;
  readonly applyPolicies: readonly string[];
  /** By API id; empty: all APIs. */
  readonly accessRights: Readonly<Record<string, AccessRight>>;
  /** Whatever else the session says: see `coprocess.SessionState`. */
  readonly [field: string]: unknown;
}

/** The right to use one API. */
export interface AccessRight {
  readonly apiName: string;
  readonly apiId: string;
  readonly versions: readonly string[];
  readonly allowedUrls: readonly { readonly url: string; readonly methods: readonly string[] }[];
}
