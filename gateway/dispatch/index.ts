export type { Dispatcher, HookRun } from './dispatcher.ts';
export { createInProcessDispatcher, type LocalCoprocess } from './in-process.ts';
export { createLinkDispatcher } from './link-dispatcher.ts';
export type { LinkDispatcherOptions, LinkLog, LinkTls } from './link-options.ts';
