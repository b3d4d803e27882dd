import { auth } from 'interpose/plugin';

export const boom = auth(() => {
  throw new Error('the hook broke');
});
