import { type KeyRecords, parseSentSession, type Session } from './session/index.ts';
import type { Store } from './store/index.ts';

/** Answers what plugins ask of the gateway. Rejects with what is wrong. */
export type HostServices = (service: string, args: unknown) => Promise<unknown>;

type Arguments = Readonly<Record<string, unknown>>;

/**
 * The services that plugins may ask for: their own storage, keys, events. Names in the store are the original's, so that plugins of two
 * gateways that share a Redis see each other's data.
 */
export function createHostServices(
  store: Store,
  records: KeyRecords,
  fire: (event: string, payload: unknown) => void,
): HostServices {
  const services: Readonly<Record<string, (args: Arguments) => unknown>> = {
    'storage.get': async ({ key }) => (await store.get(dataKey(key))) ?? null,
    'storage.set': async ({ key, value, ttlSeconds }) => {
      await store.set(dataKey(key), text(value), seconds(ttlSeconds));
      return null;
    },
    'storage.delete': ({ key }) => store.delete([dataKey(key)]),
    'scripts.get': async ({ key }) => (await store.get(scriptKey(key))) ?? null,
    'scripts.set': async ({ key, value, ttlSeconds }) => {
      await store.set(scriptKey(key), text(value), seconds(ttlSeconds));
      return null;
    },
    'scripts.setnx': ({ key, value, ttlSeconds }) => store.add(scriptKey(key), text(value), seconds(ttlSeconds)),
    'scripts.del': async ({ key }) => {
      await store.delete([scriptKey(key)]);
      return null;
    },
    'scripts.ttl': ({ key }) => store.secondsLeft(scriptKey(key)),
    'scripts.incr': ({ key, ttlSeconds }) => store.increment(scriptKey(key), seconds(ttlSeconds)),
    'keys.get': ({ key, orgId }) => readKey(records, text(key), text(orgId)),
    'keys.set': ({ key, session, suppressReset }) =>
      writeKey(records, text(key), parseSentSession(JSON.stringify(session)), suppressReset === true),
    'events.trigger': ({ name, payload }) => fire(text(name), payload),
  };
  return async (service, args) => {
    const serve = services[service];
    if (serve === undefined) {
      throw new Error(`there is no host service "${service}"; there are ${Object.keys(services).join(', ')}`);
    }
    return (await serve((args ?? {}) as Arguments)) ?? null;
  };
}

async function readKey(records: KeyRecords, key: string, orgId: string): Promise<Session | null> {
  const found = await records.find(key, orgId, false);
  return found === undefined ? null : records.withQuotaLeft(found.stored, records.withPolicies(found.session));
}

async function writeKey(records: KeyRecords, key: string, session: Session, suppressReset: boolean): Promise<null> {
  const stored = records.storedName(key);
  const known = await records.find(key, session.org_id ?? '', false);
  await records.save(stored, session, undefined, known === undefined);
  if (!suppressReset) await records.resetLimits(stored, session);
  return null;
}

function dataKey(key: unknown): string {
  return `coprocess-data:${text(key)}`;
}

/** What scripts store by `TykStorage*`. */
function scriptKey(key: unknown): string {
  return `jsvm-store:${text(key)}`;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`a host service takes text here, got ${typeof value}`);
  return value;
}

function seconds(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.ceil(value) : 0;
}
