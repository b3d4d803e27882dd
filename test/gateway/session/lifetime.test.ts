import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Keys } from '../../../gateway/configuration/index.ts';
import type { Session } from '../../../gateway/session/index.ts';
import { lifetimeSeconds } from '../../../gateway/session/lifetime.ts';
import { api } from './gateways.ts';

const lifetime = suite('session lifetime');

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

/** Seconds that a session stays, give or take the second that passes meanwhile. */
function stays(session: Session, definition: object = {}, keys: Partial<Keys> = {}): number {
  const settings = { lifetimeMs: 0, forceLifetime: false, lifetimeRespectsExpiry: false, ...keys } as Keys;
  return Math.round(lifetimeSeconds(session, api('lived', definition), settings) / 10) * 10;
}

lifetime('is the session’s own, else the API’s, else the configuration’s, else without end', () => {
  assert.is(stays({}), 0);
  assert.is(stays({}, {}, { lifetimeMs: 50_000 }), 50);
  assert.is(stays({}, { session_lifetime: 300 }, { lifetimeMs: 50_000 }), 300);
  assert.is(stays({ session_lifetime: 120 }, { session_lifetime: 300 }), 120);
  assert.is(stays({ session_lifetime: -1 }, { session_lifetime: 300 }), 300);
  assert.is(stays({}, {}, { lifetimeMs: Number.POSITIVE_INFINITY }), 0);
});

lifetime('is the configuration’s, whatever others say, where that is forced', () => {
  assert.is(
    stays({ session_lifetime: 120 }, { session_lifetime: 300 }, { lifetimeMs: 50_000, forceLifetime: true }),
    50,
  );
});

lifetime('lasts until the key expires, if that is later and respected', () => {
  const respects = { session_lifetime: 100, session_lifetime_respects_key_expiration: true };
  assert.is(stays({ expires: inSeconds(700) }, respects), 700);
  assert.is(stays({ expires: inSeconds(700), session_lifetime: 900 }, respects), 900);
  assert.is(stays({ expires: inSeconds(700) }, { session_lifetime: 100 }), 100);
  assert.is(stays({}, respects), 0);
});

lifetime('after expiry a key is kept or deleted as it says', () => {
  const expires = inSeconds(100);
  assert.is(
    stays({ expires, post_expiry_action: 'delete', post_expiry_grace_period: 50 }, { session_lifetime: 10 }),
    150,
  );
  assert.is(
    stays({ expires, post_expiry_action: 'delete', post_expiry_grace_period: -1 }, { session_lifetime: 10 }),
    0,
  );
  assert.is(stays({ expires, post_expiry_action: 'retain' }, { session_lifetime: 10 }), 0);
});

lifetime.run();
