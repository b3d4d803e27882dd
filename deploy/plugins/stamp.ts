import { pre } from 'interpose/plugin';

/** Sets a header on every request, before anything else sees it. */
export const stamp = pre((request) => {
  request.headers.set('foo', 'Bar');
});
