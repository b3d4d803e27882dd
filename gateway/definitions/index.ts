export type { Api } from './api.ts';
export { parseClassic } from './classic.ts';
export { featureNames } from './features.ts';
export { type LoadedDefinitions, loadDefinitions } from './load.ts';
export { parseOas } from './oas.ts';
export { oasToClassic } from './oas-to-classic.ts';
export type { DefinitionOptions } from './options.ts';
export { toPluginSet } from './plugin-set.ts';
export { refusalLines } from './problem.ts';
