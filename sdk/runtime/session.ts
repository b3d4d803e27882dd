import { SessionState } from '../../proto/gen/coprocess_session_state.ts';
import type { Session } from '../session.ts';

/** A `coprocess.SessionState` as plugins see it: whole numbers as numbers. */
export function decodeSession(bytes: Uint8Array): Session {
  return toPlain(SessionState.decode(bytes)) as Session;
}

/** The other way round, for tests of plugins. */
export function encodeSession(session: Partial<Session>): Uint8Array {
  return SessionState.encode(SessionState.fromJSON(session)).finish();
}

function toPlain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== 'object' || value === null) return value;
  const plain: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) if (name !== '_unknownFields') plain[name] = toPlain(inner);
  return plain;
}
