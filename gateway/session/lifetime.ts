import type { Keys } from '../configuration/index.ts';
import type { Api } from '../definitions/api.ts';
import type { Session } from './session.ts';

/**
 * How long a session stays in the store after a write, in seconds; 0: for ever (spec/coprocess-contract §3.4 step 7). A lifetime that
 * respects the key's expiry lasts until then, if that is later; a key that never expires then stays for ever.
 */
export function lifetimeSeconds(session: Session, api: Api | undefined, keys: Keys): number {
  const fallback = Number.isFinite(keys.lifetimeMs) ? Math.ceil(keys.lifetimeMs / 1000) : 0;
  if (keys.forceLifetime) return fallback;
  const expires = session.expires ?? 0;
  const untilExpiry = expires - Math.floor(Date.now() / 1000);
  const grace = session.post_expiry_grace_period ?? 0;
  if (session.post_expiry_action === 'retain' || (session.post_expiry_action === 'delete' && grace < 0)) return 0;
  if (session.post_expiry_action === 'delete' && expires > 0) return Math.max(1, untilExpiry + grace);
  const own = session.session_lifetime ?? 0;
  const ofApi = Math.ceil((api?.sessions.lifetimeMs ?? 0) / 1000);
  const lifetime = own > 0 ? own : ofApi > 0 ? ofApi : fallback;
  if (lifetime <= 0 || !(keys.lifetimeRespectsExpiry || api?.sessions.lifetimeRespectsExpiry === true)) return lifetime;
  return expires <= 0 ? 0 : Math.max(lifetime, untilExpiry);
}
