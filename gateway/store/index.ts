import type { Store as StoreConfiguration } from '../configuration/index.ts';
import { createMemoryStore } from './memory/memory-store.ts';
import { createRedisStore } from './redis/redis-store.ts';
import type { Store } from './store.ts';

export type { Store } from './store.ts';
export { StoreUnavailable } from './store.ts';

/**
 * The store that the configuration asks for. A Redis that cannot be reached yet is no error: the store is not available until it can.
 * @param report told of what goes wrong with the connection, for the log.
 */
export function createStore(configuration: StoreConfiguration, report?: (error: Error) => void): Promise<Store> {
  return configuration.kind === 'memory' ? createMemoryStore(configuration) : createRedisStore(configuration, report);
}
