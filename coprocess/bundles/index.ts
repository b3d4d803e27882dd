export { type BuildOptions, buildBundle } from './build.ts';
export { type BundleContent, checkBundle, inspectBundle } from './check.ts';
export { BundleError } from './problem.ts';
export { type BundleOptions, type BundleStore, createBundleStore } from './store.ts';
export type { Trust } from './verify.ts';
