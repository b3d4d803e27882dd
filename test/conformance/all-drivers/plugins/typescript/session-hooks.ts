import type { PluginRequest, SessionContext } from 'interpose/plugin';

export function showSession(request: PluginRequest, { session, metadata }: SessionContext): void {
  const saw = {
    present: session !== undefined,
    ...(session !== undefined && {
      alias: session.alias,
      rate: session.rate,
      per: session.per,
      quotaMax: session.quotaMax,
      tags: session.tags,
      org: session.orgId,
      rights: Object.keys(session.accessRights),
      metadata,
    }),
  };
  request.headers.set('X-Session', JSON.stringify(saw));
}
