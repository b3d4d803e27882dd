export type { Api } from './api.ts';
export { type Parsed, parseClassic } from './classic.ts';
export { featureNames } from './features.ts';
export { type LoadedDefinitions, loadDefinitions } from './load.ts';
export { parseOas } from './oas.ts';
export { oasToClassic } from './oas-to-classic.ts';
export { type DefinitionOptions, defaultDefinitionOptions } from './options.ts';
export { toPluginSet } from './plugin-set.ts';
export { type Problem, type Refusal, refusalLines } from './problem.ts';
