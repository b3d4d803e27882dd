import type { Session } from './session.ts';

export type ScalarKind = 'int64' | 'double' | 'string' | 'bool';
export type Scalar = readonly [name: keyof Session, number: number, kind: ScalarKind];

/**
 * Fields of `coprocess.SessionState` that cross both ways one to one, but the two that change from request to request. `certificate`,
 * `max_query_depth` and the `post_expiry_*` pair are not sent (spec/coprocess-contract §2.4); what plugins set in the pair is dropped.
 */
export const scalars: readonly Scalar[] = [
  ['last_check', 1, 'int64'],
  ['allowance', 2, 'double'],
  ['rate', 3, 'double'],
  ['per', 4, 'double'],
  ['expires', 5, 'int64'],
  ['quota_max', 6, 'int64'],
  ['quota_renewal_rate', 9, 'int64'],
  ['org_id', 11, 'string'],
  ['oauth_client_id', 12, 'string'],
  ['hmac_enabled', 16, 'bool'],
  ['hmac_string', 17, 'string'],
  ['is_inactive', 18, 'bool'],
  ['apply_policy_id', 19, 'string'],
  ['data_expires', 20, 'int64'],
  ['alias', 25, 'string'],
  ['last_updated', 26, 'string'],
  ['id_extractor_deadline', 27, 'int64'],
  ['session_lifetime', 28, 'int64'],
];

export const receivedOnly: readonly Scalar[] = [
  ['quota_renews', 7, 'int64'],
  ['quota_remaining', 8, 'int64'],
  ['enable_detailed_recording', 22, 'bool'],
  ['certificate', 30, 'string'],
  ['max_query_depth', 31, 'int64'],
];

/** Numbers of the fields that are no scalars, and of those that need care. */
export const f = {
  quotaRenews: 7,
  quotaRemaining: 8,
  accessRights: 10,
  oauthKeys: 13,
  basicAuthData: 14,
  jwtData: 15,
  monitor: 21,
  enableDetailedRecording: 22,
  metadata: 23,
  tags: 24,
  applyPolicies: 29,
  keyId: 32,
} as const;
