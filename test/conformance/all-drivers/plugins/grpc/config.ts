import { requestOf, type ServerHook } from './plugin.ts';

export const showConfig: ServerHook = (object) => {
  const { APIID, OrgID, config_data } = object.spec;
  const data: unknown = config_data === undefined ? {} : JSON.parse(config_data);
  requestOf(object).setHeaders['X-Config'] = JSON.stringify({ api: APIID, org: OrgID, data });
};
