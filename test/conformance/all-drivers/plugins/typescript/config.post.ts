import { post } from 'interpose/plugin';

export const showConfig = post((request, { config, apiId, orgId }) => {
  request.headers.set('X-Config', JSON.stringify({ api: apiId, org: orgId, data: config }));
});
