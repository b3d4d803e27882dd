import type { HookCall } from '../../contract/call.ts';
import { SessionState } from '../../proto/gen/coprocess_session_state.ts';

/**
 * Sessions as scripts see them: JSON with the names of stored sessions (spec/platform-contract §6.1), in which fields without a value are
 * left out. Up to 5.11 the original wrote all of them; with `full` so do we.
 */
export function sessionText(call: HookCall | undefined, full: boolean): string {
  if (call?.session === undefined) return full ? fullEmpty : '{}';
  const { session, sessionJson, sessionMetadata } = call;
  let text = sessionJson ?? cache.get(session);
  if (text === undefined) {
    text = JSON.stringify(fromProto(session));
    cache.set(session, text);
  }
  if (sessionMetadata === undefined && !full) return text;
  const fields = JSON.parse(text) as Record<string, unknown>;
  if (sessionMetadata !== undefined) {
    fields.meta_data = JSON.parse(sessionMetadata);
    if (Object.keys(fields.meta_data as object).length === 0) delete fields.meta_data;
  }
  return JSON.stringify(full ? { ...zeros, ...fields } : fields);
}

/** A session's bytes are the same object for as long as it is not changed, so each is decoded once. */
const cache = new WeakMap<Uint8Array, string>();

/** What a session without any value looks like in full. */
const zeros = {
  last_check: 0,
  allowance: 0,
  rate: 0,
  per: 0,
  throttle_interval: 0,
  throttle_retry_limit: 0,
  max_query_depth: 0,
  date_created: '0001-01-01T00:00:00Z',
  expires: 0,
  quota_max: 0,
  quota_renews: 0,
  quota_remaining: 0,
  quota_renewal_rate: 0,
  access_rights: null,
  org_id: '',
  oauth_client_id: '',
  oauth_keys: null,
  certificate: '',
  basic_auth_data: { password: '', hash_type: '' },
  jwt_data: { secret: '' },
  hmac_enabled: false,
  enable_http_signature_validation: false,
  hmac_string: '',
  rsa_certificate_id: '',
  is_inactive: false,
  apply_policy_id: '',
  apply_policies: null,
  data_expires: 0,
  monitor: { trigger_limits: null },
  enable_detail_recording: false,
  enable_detailed_recording: false,
  meta_data: null,
  tags: [],
  alias: '',
  last_updated: '',
  id_extractor_deadline: 0,
  session_lifetime: 0,
};
const fullEmpty = JSON.stringify(zeros);

/** Names that differ from those of the message. */
const renamed: Readonly<Record<string, string>> = { metadata: 'meta_data', hmacSecret: 'hmac_string' };
/** Fields of the message that stored sessions do not have. */
const unknown = new Set(['keyId', '_unknownFields']);

function fromProto(bytes: Uint8Array): Record<string, unknown> {
  const session: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(SessionState.decode(bytes))) {
    if (unknown.has(name) || isEmpty(value)) continue;
    session[renamed[name] ?? snake(name)] = maps.has(name) ? mapOf(name, value as object) : plain(value);
  }
  return session;
}

const maps = new Set(['metadata', 'oauthKeys', 'accessRights']);

/** Keys of maps are data. Values of the session's metadata are texts here, whatever they were. */
function mapOf(name: string, map: object): unknown {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [key, name === 'accessRights' ? plain(value) : value]),
  );
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(value)) {
    if (name !== '_unknownFields' && !isEmpty(entry)) fields[snake(name)] = plain(entry);
  }
  return fields;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '' || value === 0 || value === 0n || value === false) return true;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string' || value === true)
    return false;
  if (Array.isArray(value)) return value.length === 0;
  return (
    value === null ||
    Object.entries(value as object).every(([name, entry]) => name === '_unknownFields' || isEmpty(entry))
  );
}
