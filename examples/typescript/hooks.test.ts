import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runHook } from 'interpose/testing';
import { checkKey, mask, route, showPlan, stamp } from './plugins/hooks.ts';

const config = {
  header: 'X-Stamp',
  value: 'ts',
  keys: { 'gold-key': { plan: 'gold', rate: 100, per: 1, quotaMax: 1000, quotaRenewalSeconds: 3600 } },
};

test('stamp sets the header of the configuration', async () => {
  const { request } = await runHook(stamp, { config });
  assert.equal(request.headers.get('x-stamp'), 'ts');
});

test('a known key makes a session, another one is refused', async () => {
  const { session } = await runHook(checkKey, { config, headers: { authorization: 'Bearer gold-key' } });
  assert.deepEqual(session?.metadata, { plan: 'gold', token: 'gold-key' });
  const { reply } = await runHook(checkKey, { config, headers: { authorization: 'toString' } });
  assert.equal(reply?.status, 401);
});

test('the upstream learns the plan and not the key', async () => {
  const { request } = await runHook(showPlan, {
    headers: { authorization: 'gold-key' },
    session: { metadata: { plan: 'gold' } },
  });
  assert.equal(request.headers.get('x-plan'), 'gold');
  assert.equal(request.headers.get('authorization'), null);
});

test('old paths go to new ones', async () => {
  const { request } = await runHook(route, { url: '/typescript/old/1?a=b' });
  assert.equal(request.url, '/typescript/new/1?a=b&via=typescript');
});

test('card numbers are hidden', async () => {
  const { response } = await runHook(mask, { response: { body: 'card 1234567890123456' } });
  assert.equal(response?.body, 'card ************3456');
  assert.equal(response?.headers.get('x-masked'), '1');
});
