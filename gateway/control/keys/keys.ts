import { type KeyRecords, type Session, sessionJson } from '../../session/index.ts';
import type { ControlReply, ControlRequest } from '../reply.ts';
import { errorReply, jsonReply, malformed, methodNotSupported } from './answers.ts';
import {
  type Endpoint,
  findKey,
  hasFlag,
  type KeyEndpointParts,
  now,
  readSession,
  segmentsAfter,
  unixSeconds,
} from './asked.ts';
import { addKey, createKey, removeKey, replaceKey, setPolicies } from './key-changes.ts';

/** `/tyk/keys` and all below it (spec/platform-contract §7). */
export function keyEndpoint(parts: KeyEndpointParts): Endpoint {
  return async (request) => {
    const [place = '', hash] = segmentsAfter(request.path, '/tyk/keys');
    if (place === 'policy' && hash !== undefined) return setPolicies(parts, request, hash);
    if (place === 'create') return request.method === 'POST' ? createKey(parts, request) : methodNotSupported;
    if (place === 'preview') return request.method === 'POST' ? preview(parts, request) : methodNotSupported;
    switch (request.method) {
      case 'GET':
        return place === '' ? list(parts, request) : show(parts, request, place);
      case 'POST':
        return addKey(parts, request, place);
      case 'PUT':
        return replaceKey(parts, request, place);
      case 'DELETE':
        return removeKey(parts, request, place);
      default:
        return methodNotSupported;
    }
  };
}

async function list({ records }: KeyEndpointParts, { query }: ControlRequest): Promise<ControlReply> {
  const filter = query.get('filter') ?? '';
  if (records.keys.hash && !records.keys.listHashed) {
    return errorReply(404, 'Hashed key listing is disabled in config (enable_hashed_keys_listing)');
  }
  const apiId = query.get('api_id');
  if (apiId === null || apiId === '') return keysReply(await records.list(records.keys.hash ? '' : filter));
  if (filter === '') {
    return errorReply(400, "The 'filter' parameter (Org ID) is required when filtering by 'api_id' in legacy mode");
  }
  return keysReply(await records.listForApi(records.keys.hash ? '' : filter, apiId));
}

function keysReply(keys: readonly string[]): ControlReply {
  return jsonReply(200, JSON.stringify({ keys }));
}

async function show(parts: KeyEndpointParts, request: ControlRequest, place: string): Promise<ControlReply> {
  const { records } = parts;
  const isHash = hasFlag(request, 'hashed');
  if (isHash && !records.keys.hash) return errorReply(400, 'Key requested by hash but key hashing is not enabled');
  const found = await findKey(parts, request, place);
  if (found === undefined) return errorReply(404, 'Key not found');
  const session = await records.withQuotaLeft(found.stored, withPolicies(records, found.session));
  const { password: _, ...basic } = session.basic_auth_data ?? {};
  return jsonReply(200, sessionJson({ ...session, basic_auth_data: basic }));
}

/** As requests see it; one whose policies are gone is shown as it is stored. */
function withPolicies(records: KeyRecords, session: Session): Session {
  try {
    return records.withPolicies(session);
  } catch {
    return session;
  }
}

async function preview({ records }: KeyEndpointParts, { body }: ControlRequest): Promise<ControlReply> {
  const session = readSession(body);
  if (session === undefined) return malformed;
  session.date_created = now();
  session.last_updated = String(unixSeconds());
  return jsonReply(200, sessionJson(withPolicies(records, session)));
}
