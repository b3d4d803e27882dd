import type { Session } from './session.ts';
import { field, fieldAlways, readRecord, Shape, writeRecord } from './shape.ts';

const strings = { list: 'string' } as const;

const limit = new Shape([
  field('rate', 'float'),
  field('per', 'float'),
  field('smoothing', 'any'),
  field('throttle_interval', 'float'),
  field('throttle_retry_limit', 'int'),
  field('max_query_depth', 'int'),
  field('quota_max', 'int'),
  field('quota_renews', 'int'),
  field('quota_remaining', 'int'),
  field('quota_renewal_rate', 'int'),
]);

const allowedUrl = new Shape([fieldAlways('url', 'string'), fieldAlways('methods', strings)]);

const endpointMethod = new Shape([
  field('name', 'string'),
  field('limit', { record: new Shape([field('rate', 'float'), field('per', 'float'), field('smoothing', 'any')]) }),
]);

const endpoint = new Shape([field('path', 'string'), field('methods', { list: { record: endpointMethod } })]);

/** The right to use one API; in sessions and in policies. */
const accessRight = new Shape([
  field('api_name', 'string'),
  field('api_id', 'string'),
  field('versions', strings),
  field('allowed_urls', { list: { record: allowedUrl } }),
  field('restricted_types', 'any'),
  field('allowed_types', 'any'),
  field('limit', { record: limit }),
  field('field_access_rights', 'any'),
  field('disable_introspection', 'bool'),
  field('allowance_scope', 'string'),
  field('endpoints', { list: { record: endpoint } }),
]);

export const accessRights = { map: { record: accessRight } } as const;

const session = new Shape([
  field('last_check', 'int'),
  field('allowance', 'float'),
  field('rate', 'float'),
  field('per', 'float'),
  field('throttle_interval', 'float'),
  field('throttle_retry_limit', 'int'),
  field('max_query_depth', 'int'),
  field('date_created', 'time'),
  field('expires', 'int'),
  field('quota_max', 'int'),
  field('quota_renews', 'int'),
  field('quota_remaining', 'int'),
  field('quota_renewal_rate', 'int'),
  field('access_rights', accessRights),
  field('org_id', 'string'),
  field('oauth_client_id', 'string'),
  field('oauth_keys', { map: 'string' }),
  field('certificate', 'string'),
  field('mtls_static_certificate_bindings', strings),
  field('basic_auth_data', { record: new Shape([field('password', 'string'), field('hash_type', 'string')]) }),
  field('jwt_data', { record: new Shape([field('secret', 'string')]) }),
  field('hmac_enabled', 'bool'),
  field('enable_http_signature_validation', 'bool'),
  field('hmac_string', 'string'),
  field('rsa_certificate_id', 'string'),
  field('is_inactive', 'bool'),
  field('apply_policy_id', 'string'),
  field('apply_policies', strings),
  field('data_expires', 'int'),
  field('monitor', { record: new Shape([field('trigger_limits', { list: 'float' })]) }),
  field('enable_detail_recording', 'bool'),
  field('enable_detailed_recording', 'bool'),
  field('meta_data', { map: 'any' }),
  field('tags', strings),
  field('alias', 'string'),
  field('last_updated', 'string'),
  field('id_extractor_deadline', 'int'),
  field('session_lifetime', 'int'),
  field('post_expiry_action', 'string'),
  field('post_expiry_grace_period', 'int'),
  field('smoothing', 'any'),
]);

/**
 * A session out of the store. Fields that we do not know are kept, so that writing it back loses nothing.
 * @throws {SyntaxError | ShapeError}
 */
export function parseStoredSession(json: string): Session {
  return readRecord(session, JSON.parse(json), true) as Session;
}

/**
 * A session out of a request to the control API. Fields that we do not know are dropped.
 * @throws {SyntaxError | ShapeError}
 */
export function parseSentSession(json: string): Session {
  const value: unknown = JSON.parse(json);
  return readRecord(session, value, false) as Session;
}

/** The JSON of the store and of the control API: zero values are left out (5.12+). */
export function sessionJson(value: Session): string {
  return writeRecord(session, value);
}
