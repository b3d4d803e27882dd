export type { Dispatcher } from './dispatcher.ts';
export { createInProcessDispatcher } from './in-process.ts';
export { createLinkDispatcher } from './link-dispatcher.ts';
