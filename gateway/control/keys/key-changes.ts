import { randomBytes } from 'node:crypto';
import { type KeyRecords, newId, PolicyError, type Session } from '../../session/index.ts';
import type { ControlReply, ControlRequest } from '../reply.ts';
import { doneReply, errorReply, jsonReply, malformed, methodNotSupported } from './answers.ts';
import { findKey, hasFlag, type KeyEndpointParts, now, orgOf, readSession, tellOfKey, unixSeconds } from './asked.ts';

/** POST /tyk/keys/create: a key with a random name. */
export async function createKey(parts: KeyEndpointParts, { body }: ControlRequest): Promise<ControlReply> {
  const { records } = parts;
  const session = readSession(body);
  if (session === undefined) return errorReply(500, 'Unmarshalling failed');
  if (!mayBeMade(records, session)) {
    return errorReply(400, 'Failed to create key, keys must have at least one Access Rights record set.');
  }
  if (session.hmac_enabled) session.hmac_string = randomBytes(32).toString('base64');
  const name = records.newName(session.org_id ?? '', session.certificate || newId());
  session.date_created = now();
  return save(parts, name, records.storedName(name), session, {
    told: 'Key generated.',
    isNew: true,
    keepCounters: false,
  });
}

/** POST /tyk/keys/NAME: a key with a name of its own; one that is there is replaced. */
export async function addKey(
  parts: KeyEndpointParts,
  { body, query }: ControlRequest,
  place: string,
): Promise<ControlReply> {
  const { records } = parts;
  const session = readSession(body);
  if (session === undefined) return malformed;
  const { minLength } = records.keys;
  if (place !== '' && place.length < minLength) {
    return errorReply(
      400,
      `custom key ID length ${place.length} is less than min_token_length (${minLength}); the key would be unreachable at auth time. ` +
        'Use an ID of at least min_token_length characters, or lower min_token_length in the gateway configuration.',
    );
  }
  if (!mayBeMade(records, session)) return insecure;
  const name = records.newName(session.org_id ?? '', place);
  session.date_created = now();
  if (hasPassed(session.expires)) delete session.expires;
  return save(parts, name, records.storedName(name), session, {
    told: 'Key added.',
    isNew: true,
    keepCounters: keepsCounters(query),
  });
}

/** An expiry that has passed is not taken, and the old one stays; but for 1, which expires a key (recorded). */
function hasPassed(expires = 0): boolean {
  return expires > 1 && expires < unixSeconds();
}

const insecure = errorReply(500, 'Failed to create key, ensure security settings are correct.');

/** PUT /tyk/keys/NAME */
export async function replaceKey(
  parts: KeyEndpointParts,
  request: ControlRequest,
  place: string,
): Promise<ControlReply> {
  const { records } = parts;
  const session = readSession(request.body);
  if (session === undefined) return malformed;
  const isHash = hasFlag(request, 'hashed');
  const name = request.query.get('username') === 'true' ? records.newName(orgOf(request), place) : place;
  const found = await records.find(name, session.org_id ?? '', isHash);
  if (found === undefined) return errorReply(404, 'Key is not found');
  if (!mayBeMade(records, session)) return insecure;
  const before = found.session;
  if (before.date_created !== undefined) session.date_created = before.date_created;
  // A date that has passed already does not end a key: the old one stays.
  if ((session.expires ?? 0) > 0 && (session.expires as number) * 1000 < Date.now())
    session.expires = before.expires ?? 0;
  const keepCounters = keepsCounters(request.query);
  if (keepCounters) keepPeriods(session, before);
  return save(parts, found.name, found.stored, session, { told: 'Key modified.', isNew: false, keepCounters });
}

/** Quota periods and rates go on as they are. */
function keepPeriods(session: Session, before: Session): void {
  session.quota_renews = before.quota_renews ?? 0;
  session.last_updated = before.last_updated ?? '';
  for (const [apiId, { limit }] of Object.entries(before.access_rights ?? {})) {
    const right = session.access_rights?.[apiId];
    if (right?.limit !== undefined && limit?.quota_renews !== undefined) right.limit.quota_renews = limit.quota_renews;
  }
}

interface Saving {
  /** Message of the event. */
  readonly told: string;
  readonly isNew: boolean;
  readonly keepCounters: boolean;
}

async function save(
  parts: KeyEndpointParts,
  name: string,
  stored: string,
  session: Session,
  { told, isNew, keepCounters }: Saving,
): Promise<ControlReply> {
  const { records, api } = parts;
  const [firstApi] = Object.keys(session.access_rights ?? {}).flatMap((id) => api(id) ?? []);
  const beginsAnew = !keepCounters && firstApi?.limits.keepQuotaOnCreate !== true;
  if (!keepCounters) session.last_updated = String(unixSeconds());
  if (beginsAnew) session.quota_renews = unixSeconds() + Math.max(0, session.quota_renewal_rate ?? 0);
  let applied: Session;
  try {
    applied = await records.save(stored, session, firstApi, isNew);
  } catch (error) {
    if (error instanceof PolicyError) return insecure;
    throw error;
  }
  if (beginsAnew) await records.resetLimits(stored, session);
  tellOfKey(parts, isNew ? 'TokenCreated' : 'TokenUpdated', told, name, applied);
  return doneReply(name, isNew ? 'added' : 'modified', isNew && records.keys.hash ? stored : undefined);
}

/** DELETE /tyk/keys/NAME */
export async function removeKey(
  parts: KeyEndpointParts,
  request: ControlRequest,
  place: string,
): Promise<ControlReply> {
  const { records } = parts;
  const found = await findKey(parts, request, place);
  if (found === undefined) return errorReply(404, 'There is no such key found');
  if (!(await records.remove(found.stored))) return errorReply(400, 'Failed to remove the key');
  await records.resetLimits(found.stored, found.session);
  tellOfKey(parts, 'TokenDeleted', 'Key deleted.', found.name, found.session);
  return request.query.get('api_id') === '-1' ? jsonReply(200, 'null') : doneReply(found.name, 'deleted');
}

/** POST /tyk/keys/policy/HASH */
export async function setPolicies(
  parts: KeyEndpointParts,
  request: ControlRequest,
  hash: string,
): Promise<ControlReply> {
  const { records, api } = parts;
  if (request.method !== 'POST') return methodNotSupported;
  const asked = readPolicyIds(request.body);
  if (asked === undefined) return malformed;
  const found = await records.find(hash, '', true);
  if (found === undefined) return errorReply(404, 'Key not found');
  const session: Session = { ...found.session, apply_policies: asked, last_updated: String(unixSeconds()) };
  const [firstApi] = Object.keys(session.access_rights ?? {}).flatMap((id) => api(id) ?? []);
  try {
    const applied = await records.save(found.stored, session, firstApi, false);
    tellOfKey(parts, 'TokenUpdated', 'Key updated.', hash, applied);
  } catch (error) {
    if (error instanceof PolicyError) return errorReply(500, 'Could not write key data');
    throw error;
  }
  return doneReply(hash, 'updated');
}

function readPolicyIds(body: Buffer): string[] | undefined {
  try {
    const asked: unknown = JSON.parse(body.toString());
    if (typeof asked !== 'object' || asked === null) return undefined;
    const { policy, apply_policies: list } = asked as { policy?: unknown; apply_policies?: unknown };
    if (Array.isArray(list) && list.length > 0 && list.every((id) => typeof id === 'string')) return list;
    return typeof policy === 'string' && policy !== '' ? [policy] : undefined;
  } catch {
    return undefined;
  }
}

function keepsCounters(query: URLSearchParams): boolean {
  return query.get('suppress_reset') === '1';
}

/** A key without rights opens every API: only where the configuration allows such keys. Policies give rights. */
function mayBeMade({ keys }: KeyRecords, { access_rights, apply_policies, apply_policy_id }: Session): boolean {
  if (keys.allowMaster) return true;
  return Object.keys(access_rights ?? {}).length > 0 || (apply_policies ?? []).length > 0 || Boolean(apply_policy_id);
}
