import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findToken, providesIdentity, stripCredentials } from '../../../gateway/session/index.ts';
import { api, request } from './gateways.ts';

const steps = suite('session steps');

const header = { header: 'Authorization' };
const everywhere = { header: 'X-Api-Key', param: 'key', cookie: 'kcookie' };

steps('a key is the text of its header, without a Bearer in front', () => {
  const found = (value: string): string | undefined => findToken(header, request('/', { Authorization: value }));
  assert.is(found('mine'), 'mine');
  assert.is(found('Bearer mine'), 'mine');
  assert.is(found('bEARER mine'), 'mine');
  assert.is(found('Bearer  mine'), ' mine');
  assert.is(found('Token mine'), 'Token mine');
  assert.is(found('Bearer'), 'Bearer');
  assert.is(found(''), undefined);
  assert.is(findToken(header, request('/')), undefined);
});

steps('a cookie counts before a parameter, and that before a header; an empty one is none', () => {
  const all = { 'X-Api-Key': 'in-header', Cookie: 'a=b; kcookie="in-cookie"; c' };
  assert.is(findToken(everywhere, request('/?key=in-query', all)), 'in-cookie');
  assert.is(findToken(everywhere, request('/?key=in-query', { 'X-Api-Key': 'in-header' })), 'in-query');
  assert.is(findToken(everywhere, request('/?key=', { 'X-Api-Key': 'in-header', Cookie: 'kcookie=' })), 'in-header');
  assert.is(findToken(everywhere, request('/?key=Bearer%20in+query&key=other')), 'in query');
  assert.is(findToken(everywhere, request('/?Key=x', { Authorization: 'mine' })), undefined);
});

steps('of repeated headers the first counts', () => {
  const twice = request('/', { Authorization: 'first' });
  twice.headers.add('Authorization', 'second');
  assert.is(findToken(header, twice), 'first');
});

steps('credentials are taken out of header, query and cookie, and the query is written anew', () => {
  const asked = request('/a?z=1&key=k&b=2', { 'X-Api-Key': 'k', Cookie: 'a=1; kcookie=k; b=2', Other: 'o' });
  stripCredentials(everywhere, asked);
  assert.equal(asked.headers.raw(), ['Cookie', 'a=1; b=2', 'Other', 'o']);
  assert.is(asked.url.query, 'b=2&z=1');
  const only = request('/a?key=k', { Cookie: 'kcookie=k' });
  stripCredentials(everywhere, only);
  assert.equal([only.url.query, only.headers.size], [undefined, 0]);
});

steps('without a base identity each method provides it, else the one that is named', () => {
  const named = (base_identity_provided_by: string) => api('base', { base_identity_provided_by });
  assert.equal([providesIdentity(named(''), 'custom'), providesIdentity(named(''), 'token')], [true, true]);
  assert.equal(
    [providesIdentity(named('custom_auth'), 'custom'), providesIdentity(named('custom_auth'), 'token')],
    [true, false],
  );
  assert.equal(
    [providesIdentity(named('auth_token'), 'custom'), providesIdentity(named('auth_token'), 'token')],
    [false, true],
  );
});

steps.run();
