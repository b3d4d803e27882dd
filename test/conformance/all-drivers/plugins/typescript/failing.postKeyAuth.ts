import { postKeyAuth } from 'interpose/plugin';

export const boom = postKeyAuth(() => {
  throw new Error('the hook broke');
});
