import { pre } from 'interpose/plugin';

export const boom = pre(() => {
  throw new Error('the hook broke');
});

export const hang = pre(() => new Promise<never>(() => {}));
