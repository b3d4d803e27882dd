export { addressText, isLoopback, parseAddress } from './address.ts';
export type * from './configuration.ts';
export { definitionOptions } from './definition-options.ts';
export { loadConfiguration, type Override, type ResolveOptions, resolveConfiguration } from './load.ts';
export { ConfigurationError, type Problem } from './problem.ts';
export type { UserConfiguration } from './schema/index.ts';
export { loadTykConf } from './tyk-conf/index.ts';
export { migrateTykConf } from './tyk-conf/migrate.ts';
