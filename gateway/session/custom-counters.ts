import { ownEntry } from './limit.ts';
import type { Session } from './session.ts';
import type { CountedRequest } from './sessions.ts';

/**
 * The name of a session's counters that its metadata sets as `rate_limit_pattern`, with `$tyk_meta.NAME` and `$tyk_context.NAME` filled
 * in: sessions that give the same name share their limits. Undefined: they are named after the session.
 */
export function customCounters(session: Session, request: CountedRequest): string | undefined {
  const pattern = ownEntry(session.meta_data, 'rate_limit_pattern');
  if (typeof pattern !== 'string' || pattern === '') return undefined;
  const filled = pattern.replace(/\$tyk_(meta|context)\.([\w-]+)/g, (_, source: string, name: string) => {
    const value = source === 'meta' ? ownEntry(session.meta_data, name) : request.context(name);
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
  });
  return filled === '' ? undefined : filled;
}
