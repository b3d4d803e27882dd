import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { endServers, kinds } from '../store/stores.ts';
import { answerOf, api, pluginApi, rightTo, tokenApi, until, withGateways } from './gateways.ts';

/** How a client may present the key that was made as "POST /tyk/keys/mine" for organisation "default". */
const ways: readonly [name: string, text: string, keys: object][] = [
  ['by its short name', 'mine', {}],
  ['by its full name', 'defaultmine', {}],
  ['by its short name, where keys are hashed', 'mine', { hash: true }],
  ['by its full name, where keys are hashed', 'defaultmine', { hash: true }],
  ['by its short name, where new keys have a hash function', 'mine', { hash: true, hashFunction: 'murmur128' }],
];

const unknown = '403 Access to this API has been disallowed';

for (const kind of kinds) {
  const keys = suite(`keys: ${kind}`);

  keys('a key opens what it has a right to, and nothing else', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const other = api('other');
      await gateway.control('POST /tyk/keys/mine', { org_id: 'default', access_rights: rightTo('tokens') });
      assert.is(await gateway.ask('mine'), '200');
      assert.is(await gateway.ask('mine', other), unknown);
      assert.is(await gateway.ask('nobody-knows-this'), unknown);
      assert.is(await gateway.ask('my'), unknown);
      assert.is(await gateway.ask('\xff\xfe\xfd'), unknown);
      await gateway.control('POST /tyk/keys/free', { org_id: 'default' });
      assert.is(await gateway.ask('free', other), '200');
    }),
  );

  keys('a key of allowed urls opens these paths with these methods; an expression that is none opens nothing', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const allowed_urls = [
        { url: '/users/[0-9]+$', methods: ['GET'] },
        { url: '^/open', methods: ['GET'] },
        { url: '/broken/(', methods: ['GET'] },
        { url: '/post', methods: ['POST'] },
      ];
      await gateway.control('POST /tyk/keys/urls', { org_id: 'default', access_rights: { tokens: { allowed_urls } } });
      const refused = '403 Access to this resource has been disallowed';
      assert.is(await gateway.ask('urls', tokenApi, '/tokens/users/12'), '200');
      assert.is(await gateway.ask('urls', tokenApi, '/tokens/users/x'), refused);
      assert.is(await gateway.ask('urls', tokenApi, '/tokens/open'), refused);
      assert.is(await gateway.ask('urls', tokenApi, '/tokens/broken/('), refused);
      assert.is(await gateway.ask('urls', tokenApi, '/tokens/post'), refused);
    }),
  );

  for (const [way, text, settings] of ways) {
    keys(`what is done to a key acts on the next request, on all gateways, for a client that presents it ${way}`, () =>
      withGateways(kind, {}, async ({ start }) => {
        const [here, there] = [await start(settings), await start(settings)];
        const hash = 'hash' in settings;
        const made = await here.control('POST /tyk/keys/mine', { org_id: 'default', access_rights: rightTo('tokens') });
        const { key } = made.body as { key: string };
        const both = async (): Promise<string[]> => [await here.ask(text), await there.ask(text)];
        /** The next request here, and within 100 ms one there, is answered so. */
        const becomes = async (answer: string): Promise<void> => {
          assert.is(await here.ask(text), answer);
          const took = await until(async () => (await there.ask(text)) === answer, 100);
          assert.ok(took < 100, `the other gateway took ${took} ms`);
        };
        assert.equal(await both(), ['200', '200']);
        await here.control(`PUT /tyk/keys/${key}`, {
          org_id: 'default',
          is_inactive: true,
          access_rights: rightTo('tokens'),
        });
        await becomes('403 Key is inactive, please renew');
        await here.control(`PUT /tyk/keys/${key}`, { org_id: 'default', access_rights: rightTo('tokens') });
        await becomes('200');
        await here.control(`PUT /tyk/keys/${key}`, { org_id: 'default', access_rights: rightTo('other') });
        await becomes(unknown);
        await here.control(`PUT /tyk/keys/${key}`, { org_id: 'default', access_rights: rightTo('tokens') });
        await becomes('200');
        const removed = await here.control(`DELETE /tyk/keys/${key}`);
        assert.is(removed.status, 200);
        await becomes(unknown);
        await here.control('POST /tyk/keys/mine', { org_id: 'default', access_rights: rightTo('tokens') });
        await becomes('200');
        if (hash) {
          const { key_hash } = made.body as { key_hash: string };
          assert.is((await here.control(`DELETE /tyk/keys/${key_hash}?hashed=1`)).status, 200);
          await becomes(unknown);
        }
      }),
    );
  }

  keys('keys of an older hash function are found where it is a fallback', () =>
    withGateways(kind, {}, async ({ start }) => {
      const before = await start({ hash: true, hashFunction: 'murmur64' });
      await before.control('POST /tyk/keys/older', { org_id: 'default', access_rights: rightTo('tokens') });
      const after = await start({ hash: true, hashFunction: 'sha256' });
      assert.is(await after.ask('older'), unknown);
      const patient = await start({ hash: true, hashFunction: 'sha256', hashFallbacks: ['murmur64'] });
      assert.is(await patient.ask('older'), '200');
    }),
  );

  keys('a new key that comes first among the names of a text counts from the next request on', () =>
    withGateways(kind, {}, async ({ start }) => {
      const [here, there] = [await start(), await start()];
      await here.control('POST /tyk/keys/same', { access_rights: rightTo('tokens') });
      assert.equal([await here.ask('same'), await there.ask('same')], ['200', '200']);
      await here.control('POST /tyk/keys/same', { org_id: 'default', access_rights: rightTo('other') });
      assert.is(await here.ask('same'), unknown);
      await until(async () => (await there.ask('same')) === unknown, 100);
    }),
  );

  keys('a deleted key does not come back when a request that used it writes its quota', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const limits = { quota_max: 9, quota_renewal_rate: 60, access_rights: rightTo('tokens') };
      await gateway.control('POST /tyk/keys/gone', { org_id: 'default', ...limits });
      const caller = await gateway.sessions.authenticateKey('gone', tokenApi);
      await gateway.control('DELETE /tyk/keys/defaultgone');
      await gateway.check(caller, tokenApi);
      await gateway.store.set('after', 'it', 0);
      assert.is(await gateway.store.get('apikey-defaultgone'), undefined);
      assert.is(await gateway.ask('gone'), unknown);
    }),
  );

  keys('a session that is changed while a request uses it stays changed', () =>
    withGateways(kind, {}, async ({ start }) => {
      const [here, there] = [await start(), await start()];
      const limits = { org_id: 'default', quota_max: 9, quota_renewal_rate: 60, access_rights: rightTo('tokens') };
      await here.control('POST /tyk/keys/raced', limits);
      const caller = await here.sessions.authenticateKey('raced', tokenApi);
      await there.control('PUT /tyk/keys/defaultraced', { ...limits, is_inactive: true });
      await here.check(caller, tokenApi);
      await until(async () => (await here.ask('raced')) === '403 Key is inactive, please renew', 100);
      assert.match(String(await here.store.get('apikey-defaultraced')), '"is_inactive":true');
    }),
  );

  keys('what another program changes in the store is seen within seconds', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      await gateway.store.set('apikey-defaultforeign', '{"access_rights":{"tokens":{}}}', 0);
      assert.is(await gateway.ask('foreign'), '200');
      await gateway.store.set('apikey-defaultforeign', '{"is_inactive":true}', 0);
      await until(async () => (await gateway.ask('foreign')) !== '200', 3000);
      await gateway.store.delete(['apikey-defaultforeign']);
      await until(async () => (await gateway.ask('foreign')) === unknown, 3000);
    }),
  );

  keys('a stored value that is no session is nobody, and the operator hears of it', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      await gateway.store.set('apikey-defaultbroken', '{"rate":"many"}', 0);
      assert.is(await gateway.ask('broken'), unknown);
      const [report] = gateway.reports;
      assert.match(String(report), 'apikey-defaultbroken');
      assert.match(String(report?.cause), '"rate" must be a number');
    }),
  );

  keys('fields that we do not know survive writing back', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const json =
        '{"quota_max":9,"quota_renewal_rate":60,"access_rights":{"tokens":{"new_kind":{"a":1}}},"newer":["x"]}';
      await gateway.store.set('apikey-defaultnewer', json, 0);
      assert.is(await gateway.ask('newer'), '200');
      await until(async () => String(await gateway.store.get('apikey-defaultnewer')).includes('quota_renews'));
      const written = JSON.parse(String(await gateway.store.get('apikey-defaultnewer')));
      assert.equal(written.newer, ['x']);
      assert.equal(written.access_rights.tokens.new_kind, { a: 1 });
      assert.is(written.quota_remaining, 8);
    }),
  );

  keys('the session of an auth plugin is a key like any other, on every gateway', () =>
    withGateways(kind, {}, async ({ start }) => {
      const [here, there] = [await start(), await start()];
      assert.is(await here.ask('from-plugin'), unknown);
      assert.is(await here.answer(answerOf('from-plugin'), pluginApi), '200');
      assert.equal([await here.ask('from-plugin'), await there.ask('from-plugin')], ['200', '200']);
      await there.control('DELETE /tyk/keys/from-plugin');
      assert.is(await there.ask('from-plugin'), unknown);
      await until(async () => (await here.ask('from-plugin')) === unknown, 100);
    }),
  );

  keys.after(endServers);
  keys.run();
}
