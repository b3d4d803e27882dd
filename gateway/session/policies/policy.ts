import type { AccessRight } from '../session.ts';
import { accessRights } from '../session-json.ts';
import { field, fieldAlways, readRecord, Shape, writeRecord } from '../shape.ts';

/** Rights and limits that sessions have by naming them (spec/platform-contract §6.5). In the shape of its JSON. */
export interface Policy {
  id?: string;
  org_id?: string;
  name?: string;
  rate?: number;
  per?: number;
  smoothing?: unknown;
  quota_max?: number;
  quota_renewal_rate?: number;
  throttle_interval?: number;
  throttle_retry_limit?: number;
  max_query_depth?: number;
  access_rights?: Record<string, AccessRight>;
  hmac_enabled?: boolean;
  enable_http_signature_validation?: boolean;
  is_inactive?: boolean;
  tags?: string[];
  /** What the policy decides; nothing set: everything. */
  partitions?: Partitions;
  last_updated?: string;
  meta_data?: Record<string, unknown>;
  post_expiry_action?: string;
  post_expiry_grace_period?: number;
}

export interface Partitions {
  quota?: boolean;
  rate_limit?: boolean;
  complexity?: boolean;
  acl?: boolean;
  /** Each right has limits of its own. */
  per_api?: boolean;
}

const partitions = new Shape(
  ['quota', 'rate_limit', 'complexity', 'acl', 'per_api'].map((name) => fieldAlways(name, 'bool')),
);

/** A policy is always shown with all its fields (recorded). */
const shape = new Shape([
  fieldAlways('_id', 'string'),
  fieldAlways('id', 'string'),
  fieldAlways('name', 'string'),
  fieldAlways('org_id', 'string'),
  fieldAlways('rate', 'float'),
  fieldAlways('per', 'float'),
  fieldAlways('quota_max', 'int'),
  fieldAlways('quota_renewal_rate', 'int'),
  fieldAlways('throttle_interval', 'float'),
  fieldAlways('throttle_retry_limit', 'int'),
  fieldAlways('max_query_depth', 'int'),
  fieldAlways('access_rights', accessRights),
  fieldAlways('hmac_enabled', 'bool'),
  fieldAlways('enable_http_signature_validation', 'bool'),
  fieldAlways('active', 'bool'),
  fieldAlways('is_inactive', 'bool'),
  fieldAlways('tags', { list: 'string' }),
  fieldAlways('key_expires_in', 'int'),
  field('post_expiry_action', 'string'),
  fieldAlways('post_expiry_grace_period', 'int'),
  fieldAlways('partitions', { record: partitions }),
  fieldAlways('last_updated', 'string'),
  fieldAlways('meta_data', { map: 'any' }),
  fieldAlways('graphql_access_rights', 'any'),
  fieldAlways('smoothing', 'any'),
]);

/** @throws {ShapeError} */
export function readPolicy(value: unknown): Policy {
  return readRecord(shape, value, true) as Policy;
}

export function policyJson(policy: Policy): string {
  return writeRecord(shape, policy);
}
