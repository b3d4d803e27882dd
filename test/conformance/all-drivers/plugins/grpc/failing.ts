import type { ServerHook } from './plugin.ts';

export const boom: ServerHook = () => {
  throw new Error('the hook broke');
};

export const hang: ServerHook = () => new Promise<never>(() => {});
