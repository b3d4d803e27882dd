import { SessionState } from '../../proto/gen/coprocess_session_state.ts';

/**
 * Sessions for guests that have no protobuf: JSON with the names of `coprocess_session_state.proto`, numbers as numbers, and without
 * what is zero or empty.
 */
export function sessionToJson(session: Uint8Array): string {
  const known = cache.get(session);
  if (known !== undefined) return known;
  const json = JSON.stringify(toPlain(SessionState.decode(session) as unknown as Record<string, unknown>, false));
  cache.set(session, json);
  return json;
}

/** A session's bytes are the same object for as long as it is not changed, so each is decoded once. */
const cache = new WeakMap<Uint8Array, string>();

/** `coprocess.SessionState` out of such JSON. @throws what BigInt throws when a whole number is none. */
export function sessionFromJson(session: object): Uint8Array {
  return SessionState.encode(SessionState.fromJSON(session)).finish();
}

/** Fields that are maps: their keys are data, and stay as they are. */
const maps = new Set(['accessRights', 'oauthKeys', 'metadata']);

function toPlain(message: Record<string, unknown>, isMap: boolean): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message)) {
    // Zero values of a message are left out; what a map has, it has, an empty text too.
    if (!isMap && (name === '_unknownFields' || isEmpty(value))) continue;
    const key = isMap ? name : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    plain[key] = toPlainValue(value, maps.has(name) && !isMap);
  }
  return plain;
}

function toPlainValue(value: unknown, isMap: boolean): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map((item) => toPlainValue(item, false));
  if (typeof value === 'object' && value !== null) return toPlain(value as Record<string, unknown>, isMap);
  return value;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '' || value === 0 || value === 0n || value === false) return true;
  return Array.isArray(value) && value.length === 0;
}
