import type { Store as StoreConfiguration } from '../configuration/index.ts';
import { createMemoryStore } from './memory/memory-store.ts';
import type { StoreLog } from './redis/outage.ts';
import { createRedisStore } from './redis/redis-store.ts';
import type { Store } from './store.ts';

export type { Store } from './store.ts';
export { StoreUnavailable } from './store.ts';

/**
 * The store that the configuration asks for. A Redis that cannot be reached yet is no error: the store is not available until it can.
 * @param log told when it is out of reach, why, and when it is back.
 */
export function createStore(configuration: StoreConfiguration, log?: StoreLog): Promise<Store> {
  return configuration.kind === 'memory' ? createMemoryStore(configuration) : createRedisStore(configuration, log);
}
