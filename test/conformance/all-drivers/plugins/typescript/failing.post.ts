import { post } from 'interpose/plugin';

export const boom = post(() => {
  throw new Error('the hook broke');
});
