import { accept, auth, post, postKeyAuth, pre, reply, response } from 'interpose/plugin';

/** One hook of each kind, written as an API developer would. */

export const stamp = pre((request, { config, apiId }) => {
  request.headers.set('x-plan', String(config.plan));
  request.headers.set('X-Api', apiId);
  request.headers.delete('x-secret');
});

export const move = pre((request) => {
  request.method = 'PUT';
  request.path = `${request.path}/details`;
  request.query.set('page', String(Number(request.query.get('page')) + 1));
  request.query.delete('debug');
});

export const elsewhere = pre((request) => {
  request.url = '/other?q=a b&r=ü';
});

export const loop = pre((request) => {
  request.url = 'tyk://billing/invoices';
});

export const teapot = pre(() => reply(418, 'short and stout', { 'x-tea': ['green', 'black'] }));

export const json = pre(() => reply(200, { drinks: ['tea'] }));

export const idle = pre(() => {});

export const shout = pre({ body: 'text' }, (request) => {
  request.body = request.body.toUpperCase();
});

export const same = pre({ body: 'text' }, (request) => {
  request.body = request.body.replaceAll('nothing of that kind', '');
});

export const flip = pre({ body: 'bytes' }, (request) => {
  request.body = request.body.map((byte) => byte ^ 0xff);
});

export const order = pre({ body: 'json' }, (request) => {
  const body = request.body as { items: string[]; seen?: boolean };
  if (body.items.includes('x')) body.seen = true;
});

export const who = auth(async (request) => {
  const name = request.headers.get('authorization');
  await Promise.resolve();
  if (name === null) return reply(403, 'who are you?');
  return accept(name, {
    rate: 100,
    per: 1.5,
    quotaMax: -1,
    quotaRenewalSeconds: 3600,
    metadata: { plan: 'gold' },
    policies: ['p1'],
    tags: ['t1', 't2'],
    alias: 'Ada',
    expires: new Date('2030-01-01T00:00:00Z'),
    accessRights: { orders: { apiName: 'Orders', versions: ['Default'] } },
  });
});

export const known = postKeyAuth((request, { session, metadata }) => {
  request.headers.set('x-rate', String(session?.rate));
  request.headers.set('x-quota', String(session?.quotaMax));
  request.headers.set('x-plan', metadata.plan ?? 'none');
});

export const trace = post((request, { traceparent, deadlineMs, orgId }) => {
  request.headers.set('x-trace', traceparent ?? 'none');
  request.headers.set('x-left', deadlineMs - Date.now() > 4000 ? 'enough' : 'little');
  request.headers.set('x-org', orgId);
});

export const ask = pre(async (request, { ask: gateway }) => {
  const { found } = (await gateway('storage.get', { key: 'k1' })) as { found: string };
  request.headers.set('x-found', found);
  try {
    await gateway('no.such');
  } catch (error) {
    request.headers.set('x-refused', (error as Error).message);
  }
});

export const mask = response({ body: 'text' }, (response, { request }) => {
  response.status = 203;
  response.headers.append('Set-Cookie', 'b=2');
  response.headers.set('x-path', request.path);
  response.headers.delete('x-powered-by');
  response.body = response.body.replaceAll(/\d{4}/g, '****');
});

export const look = response((response, { request }) => {
  if (response.headers.get('x-none') !== null || request.headers.get('x-none') !== null) response.status = 500;
});

export const list = pre((request) => reply(200, [...request.headers, ...request.query, request.url, request.host]));

export const wrong = pre(() => ({ status: 200 }) as never);

export const notAHook = (): void => {};
