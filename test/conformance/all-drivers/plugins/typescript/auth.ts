import { type AcceptOptions, accept, auth, reply } from 'interpose/plugin';
import { asked } from './asked.ts';

/** A session as cases write it, with the contract's names. */
interface Wanted {
  readonly rate?: number;
  readonly per?: number;
  readonly quota_max?: number;
  readonly quota_renewal_rate?: number;
  readonly alias?: string;
  readonly tags?: readonly string[];
  readonly is_inactive?: boolean;
  readonly expires?: number;
  readonly session_lifetime?: number;
  readonly apply_policies?: readonly string[];
  readonly access_rights?: Readonly<Record<string, { api_id: string; api_name: string; versions: readonly string[] }>>;
}

export const who = auth((request) => {
  const { set = {}, token, session, metadata = {}, code, body = '', error = '', headers = {} } = asked(request);
  for (const [name, value] of Object.entries(set)) request.headers.set(name, value);
  if (code !== undefined) return reply(code, error === '' ? body : error, headers);
  if (token === undefined) return reply(403, { error: 'nobody' });
  return accept(token, { ...options(session as Wanted), metadata });
});

function options(wanted: Wanted = {}): AcceptOptions {
  const { rate, per, alias, tags } = wanted;
  return {
    ...(rate !== undefined && { rate }),
    ...(per !== undefined && { per }),
    ...(alias !== undefined && { alias }),
    ...(tags !== undefined && { tags }),
    ...(wanted.quota_max !== undefined && { quotaMax: wanted.quota_max }),
    ...(wanted.quota_renewal_rate !== undefined && { quotaRenewalSeconds: wanted.quota_renewal_rate }),
    ...(wanted.is_inactive !== undefined && { inactive: wanted.is_inactive }),
    ...(wanted.expires !== undefined && { expires: new Date(wanted.expires * 1000) }),
    ...(wanted.session_lifetime !== undefined && { lifetimeSeconds: wanted.session_lifetime }),
    ...(wanted.apply_policies !== undefined && { policies: wanted.apply_policies }),
    ...(wanted.access_rights !== undefined && { accessRights: rights(wanted.access_rights) }),
  };
}

function rights(wanted: NonNullable<Wanted['access_rights']>): NonNullable<AcceptOptions['accessRights']> {
  return Object.fromEntries(
    Object.entries(wanted).map(([id, { api_name, versions }]) => [id, { apiName: api_name, versions }]),
  );
}
