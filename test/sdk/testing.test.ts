import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { accept, auth, post, pre, reply, response } from '../../sdk/index.ts';
import { runHook } from '../../sdk/testing.ts';

const kit = suite('test kit for plugins');

kit('a request hook is run with headers and config, and what it made of the request can be looked at', async () => {
  const stamp = pre({ body: 'text' }, (request, { config }) => {
    request.headers.set('x-plan', `${config.plan} ${request.headers.get('accept')}`);
    request.query.set('page', '2');
    request.body = request.body.toUpperCase();
  });
  const { request, reply: none } = await runHook(stamp, {
    method: 'POST',
    url: '/orders?page=1',
    headers: { accept: 'text/html' },
    body: 'order',
    config: { plan: 'gold' },
  });
  assert.is(request.headers.get('X-Plan'), 'gold text/html');
  assert.is(request.url, '/orders?page=2');
  assert.is(request.body, 'ORDER');
  assert.is(none, undefined);
});

kit('replies and sessions are given back', async () => {
  const who = auth((request) =>
    request.headers.has('authorization') ? accept('ada', { rate: 5, per: 1 }) : reply(403, { error: 'no' }),
  );
  const { session } = await runHook(who, { headers: { authorization: 'x' } });
  assert.equal(session, { rate: 5, per: 1, metadata: { token: 'ada' } });
  const refused = await runHook(who);
  assert.is(refused.reply?.status, 403);
  assert.is(refused.reply?.body, '{"error":"no"}');
});

kit('a response hook sees the response, and the session of the caller', async () => {
  const mask = response({ body: 'text' }, (message, { session, request }) => {
    message.headers.set('x-rate', `${session?.rate} ${request.path}`);
    message.body = message.body.replaceAll(/\d/g, '*');
  });
  const outcome = await runHook(mask, {
    url: '/cards',
    response: { headers: { 'set-cookie': ['a', 'b'] }, body: 'card 42' },
    session: { rate: 7 },
  });
  assert.is(outcome.response?.body, 'card **');
  assert.is(outcome.response?.headers.get('x-rate'), '7 /cards');
  assert.equal(outcome.response?.headers.getAll('set-cookie'), ['a', 'b']);
});

kit('the gateway can be stood in for; what a hook throws comes out', async () => {
  const asks = post(async (request, { ask }) => {
    request.headers.set('x-found', String(await ask('storage.get', { key: 'k' })));
  });
  const { request } = await runHook(asks, { ask: (service, args) => `${service} ${JSON.stringify(args)}` });
  assert.is(request.headers.get('x-found'), 'storage.get {"key":"k"}');
  try {
    await runHook(asks);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, 'this test has no gateway to ask for storage.get');
  }
});

kit.run();
