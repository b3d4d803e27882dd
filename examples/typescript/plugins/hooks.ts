import { accept, auth, post, postKeyAuth, pre, reply, response } from 'interpose/plugin';
import { hideCards } from './cards.ts';

/** What the API definition says in `config_data`. */
interface Config {
  readonly header: string;
  readonly value: string;
  readonly keys: Readonly<Record<string, Key>>;
}

interface Key {
  readonly plan: string;
  readonly rate: number;
  readonly per: number;
  readonly quotaMax: number;
  readonly quotaRenewalSeconds: number;
}

/** Sets the header that `config_data` names, and shows that the trace reaches the plugin. */
export const stamp = pre((request, { config, traceparent }) => {
  const { header, value } = config as unknown as Config;
  request.headers.set(header, value);
  if (traceparent !== undefined) request.headers.set('X-Seen-Traceparent', traceparent);
});

/** Turns the key of the Authorization header into a session, or answers 401. */
export const checkKey = auth((request, { config }) => {
  const name = (request.headers.get('authorization') ?? '').replace(/^Bearer /, '');
  const { keys } = config as unknown as Config;
  const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
  if (key === undefined) return reply(401, { error: 'Unknown key' });
  const { plan, ...limits } = key;
  return accept(name, { ...limits, metadata: { plan } });
});

/** Tells the upstream which plan the caller is on, and keeps the key from it. */
export const showPlan = postKeyAuth((request, { metadata }) => {
  request.headers.set('X-Plan', metadata.plan ?? 'none');
  request.headers.delete('Authorization');
});

/** Serves paths that have moved, and adds a query parameter. */
export const route = post((request) => {
  request.path = request.path.replace('/old/', '/new/');
  request.query.set('via', 'typescript');
});

/** Hides all but the last four digits of card numbers, and says how many it has hidden. */
export const mask = response({ body: 'text' }, (message) => {
  const { text, found } = hideCards(message.body);
  message.body = text;
  message.headers.set('X-Masked', String(found));
});
