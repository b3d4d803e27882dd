export { addressText, parseAddress } from './address.ts';
export type * from './configuration.ts';
export { definitionOptions } from './definition-options.ts';
export { loadConfiguration, type Override, resolveConfiguration } from './load.ts';
export { ConfigurationError } from './problem.ts';
export type { UserConfiguration } from './schema/index.ts';
export { loadTykConf } from './tyk-conf/index.ts';
export { migrateTykConf } from './tyk-conf/migrate.ts';
