export { type BundleOptions, type BundleStore, createBundleStore } from './store.ts';
