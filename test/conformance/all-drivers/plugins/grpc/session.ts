import { requestOf, type ServerHook } from './plugin.ts';

export const showSession: ServerHook = (object) => {
  const { session } = object;
  const saw = {
    present: session !== undefined,
    ...(session !== undefined && {
      alias: session.alias,
      rate: session.rate,
      per: session.per,
      quotaMax: Number(session.quotaMax),
      tags: session.tags,
      org: session.orgId,
      rights: Object.keys(session.accessRights),
      metadata: object.metadata,
    }),
  };
  requestOf(object).setHeaders['X-Session'] = JSON.stringify(saw);
};

export const changeSession: ServerHook = ({ session, metadata }) => {
  if (session === undefined) throw new Error('no session');
  session.alias = 'changed';
  session.metadata.added = 'by a hook';
  metadata.added = 'by a hook';
};
