export { buildBundle } from './build.ts';
export { checkBundle, inspectBundle } from './check.ts';
export { BundleError } from './problem.ts';
export { type BundleOptions, type BundleStore, createBundleStore } from './store.ts';
