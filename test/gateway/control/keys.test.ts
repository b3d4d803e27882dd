import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { api, rightTo, tokenApi, withGateways } from '../session/gateways.ts';
import { endServers, kinds } from '../store/stores.ts';

const error = (status: number, message: string) => ({ status, body: { status: 'error', message } });
const done = (key: string, action: string, more: object = {}) => ({
  status: 200,
  body: { key, status: 'ok', action, ...more },
});

for (const kind of kinds) {
  const keys = suite(`control API, keys: ${kind}`);

  keys('a created key is random, works at once, and stops at once when it is deleted', () =>
    withGateways(kind, {}, async ({ start }) => {
      const { control, ask } = await start();
      const made = await control('POST /tyk/keys/create', {
        org_id: 'default',
        alias: 'created',
        access_rights: rightTo('tokens'),
      });
      const { key } = made.body as { key: string };
      assert.match(key, /^default[0-9a-f]{32}$/);
      assert.equal(made, done(key, 'added'));
      assert.is(await ask(key), '200');
      assert.equal(await control(`DELETE /tyk/keys/${key}`), done(key, 'deleted'));
      assert.equal(await control(`GET /tyk/keys/${key}`), error(404, 'Key not found'));
      assert.equal(await control(`DELETE /tyk/keys/${key}`), error(404, 'There is no such key found'));
      assert.is(await ask(key), '403 Access to this API has been disallowed');
    }),
  );

  keys('a key with a name of its own is found by its full name, or by the name with its organisation', () =>
    withGateways(kind, {}, async ({ start }) => {
      const { control } = await start();
      assert.equal(await control('POST /tyk/keys/mine', { org_id: 'default' }), done('defaultmine', 'added'));
      assert.equal(
        await control('POST /tyk/keys/mine', { org_id: 'default', alias: 'again' }),
        done('defaultmine', 'added'),
      );
      const shown = await control('GET /tyk/keys/defaultmine');
      const { date_created, last_updated, quota_renews, ...rest } = shown.body as Record<string, unknown>;
      assert.equal(rest, { org_id: 'default', alias: 'again' });
      assert.match(String(date_created), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z$/);
      assert.ok(
        Math.abs(Number(last_updated) - Date.now() / 1000) < 3 &&
          Math.abs(Number(quota_renews) - Date.now() / 1000) < 3,
      );
      assert.is((await control('GET /tyk/keys/mine')).status, 404);
      assert.equal(await control('GET /tyk/keys/mine?org_id=default'), shown);
      assert.equal(await control('GET /tyk/keys/mine?username=true&org_id=default'), shown);
      assert.is((await control('DELETE /tyk/keys/mine')).status, 404);
      assert.equal(await control('DELETE /tyk/keys/mine?username=true&org_id=default'), done('defaultmine', 'deleted'));
      assert.equal(await control('POST /tyk/keys/nobodys', {}), done('nobodys', 'added'));
    }),
  );

  keys('PUT replaces the session, keeps its creation date, and an expiry that is still to come', () =>
    withGateways(kind, {}, async ({ start }) => {
      const { control } = await start();
      const expires = Math.floor(Date.now() / 1000) + 600;
      await control('POST /tyk/keys/mine', { org_id: 'default', rate: 5, per: 5, meta_data: { a: 1 }, expires });
      const before = (await control('GET /tyk/keys/defaultmine')).body as Record<string, unknown>;
      assert.equal(
        await control('PUT /tyk/keys/mine', { org_id: 'default', alias: 'two', expires: expires - 6000 }),
        done('defaultmine', 'modified'),
      );
      const {
        last_updated: _,
        quota_renews: __,
        ...after
      } = (await control('GET /tyk/keys/defaultmine')).body as Record<string, unknown>;
      assert.equal(after, { date_created: before.date_created, expires, org_id: 'default', alias: 'two' });
    }),
  );

  keys('with hashing, keys are stored and listed by their hash, and taken by it with hashed=1', () =>
    withGateways(kind, {}, async ({ start }) => {
      const { control, ask, store } = await start({ hash: true, listHashed: true });
      const made = await control('POST /tyk/keys/vis-hashed', { org_id: 'default', access_rights: rightTo('tokens') });
      assert.equal(made, done('defaultvis-hashed', 'added', { key_hash: '3315dd41' }));
      assert.equal(await store.keys('apikey-'), ['apikey-3315dd41']);
      assert.equal((await control('GET /tyk/keys')).body, { keys: ['3315dd41'] });
      assert.is((await control('GET /tyk/keys/3315dd41')).status, 404);
      assert.is((await control('GET /tyk/keys/3315dd41?hashed=1')).status, 200);
      assert.is((await control('GET /tyk/keys/defaultvis-hashed')).status, 200);
      assert.is(await ask('vis-hashed'), '200');
      const inactive = { org_id: 'default', is_inactive: true, access_rights: rightTo('tokens') };
      assert.equal(await control('PUT /tyk/keys/3315dd41?hashed=1', inactive), done('3315dd41', 'modified'));
      assert.is(await ask('vis-hashed'), '403 Key is inactive, please renew');
      assert.equal(await control('DELETE /tyk/keys/3315dd41?hashed=1'), done('3315dd41', 'deleted'));
      assert.is(await ask('vis-hashed'), '403 Access to this API has been disallowed');
    }),
  );

  keys('hashed keys are not listed unless the configuration says so', () =>
    withGateways(kind, {}, async ({ start }) => {
      const { control } = await start({ hash: true });
      const message = 'Hashed key listing is disabled in config (enable_hashed_keys_listing)';
      assert.equal(await control('GET /tyk/keys'), error(404, message));
      const plain = await start();
      assert.equal(
        await plain.control('GET /tyk/keys/x?hashed=1'),
        error(400, 'Key requested by hash but key hashing is not enabled'),
      );
    }),
  );

  keys('keys are listed by how their stored names begin, and by the API that they open', () =>
    withGateways(kind, {}, async ({ start }) => {
      const { control } = await start();
      await control('POST /tyk/keys/one', { org_id: 'lst', access_rights: rightTo('tokens') });
      await control('POST /tyk/keys/two', { org_id: 'lst', access_rights: rightTo('other') });
      const list = async (query: string) =>
        ((await control(`GET /tyk/keys${query}`)).body as { keys: string[] }).keys.sort((a, b) => a.localeCompare(b));
      assert.equal(await list('?filter=lst'), ['lstone', 'lsttwo']);
      assert.equal(await list('?filter=nothing-like-it'), []);
      assert.equal(await list('?filter=lst&api_id=tokens'), ['lstone']);
      assert.is((await control('GET /tyk/keys?api_id=tokens')).status, 400);
    }),
  );

  keys('mistakes have their codes and texts', () =>
    withGateways(kind, {}, async ({ start }) => {
      const { control } = await start();
      const malformed = error(400, 'Request malformed');
      assert.equal(await control('POST /tyk/keys/vis', '{not json'), malformed);
      assert.equal(await control('POST /tyk/keys/vis', ''), malformed);
      assert.equal(await control('POST /tyk/keys/vis', { rate: '5' }), malformed);
      assert.equal(await control('POST /tyk/keys/vis', 'null'), malformed);
      assert.equal(await control('POST /tyk/keys/create', '[]'), error(500, 'Unmarshalling failed'));
      assert.match(
        String(JSON.stringify((await control('POST /tyk/keys/xy', {})).body)),
        'custom key ID length 2 is less than min_token_length (3)',
      );
      assert.equal(await control('PUT /tyk/keys/none', {}), error(404, 'Key is not found'));
      assert.equal(await control('PATCH /tyk/keys/none'), error(405, 'Method not supported'));
      const insecure = error(500, 'Failed to create key, ensure security settings are correct.');
      assert.equal(
        await control('POST /tyk/keys/vis', { org_id: 'default', apply_policies: ['never-written'] }),
        insecure,
      );
      assert.is((await control('GET /tyk/keys/defaultvis')).status, 404);
    }),
  );

  keys('without master keys, a key must have rights, or policies', () =>
    withGateways(kind, { policies: { gives: { access_rights: rightTo('tokens') } } }, async ({ start }) => {
      const { control, ask } = await start({ allowMaster: false });
      const refused = 'Failed to create key, keys must have at least one Access Rights record set.';
      assert.equal(await control('POST /tyk/keys/create', { org_id: 'default' }), error(400, refused));
      assert.is((await control('POST /tyk/keys/mine', { org_id: 'default' })).status, 500);
      assert.is((await control('POST /tyk/keys/mine', { org_id: 'default', apply_policies: ['gives'] })).status, 200);
      assert.is(await ask('mine'), '200');
    }),
  );

  keys('preview shows a session with its policies, and stores nothing', () =>
    withGateways(
      kind,
      { policies: { seven: { rate: 7, per: 8, access_rights: rightTo('tokens') } } },
      async ({ start }) => {
        const { control, store } = await start();
        const { body } = await control('POST /tyk/keys/preview', { org_id: 'default', apply_policies: ['seven'] });
        const { date_created: _, last_updated: __, ...rest } = body as Record<string, unknown>;
        const limit = { rate: 7, per: 8 };
        assert.equal(rest, {
          ...limit,
          access_rights: { tokens: { versions: ['Default'], limit } },
          org_id: 'default',
          apply_policies: ['seven'],
        });
        assert.equal(await store.keys(''), []);
      },
    ),
  );

  keys('a stored key gets other policies by its hash', () =>
    withGateways(
      kind,
      { policies: { opens: { quota_max: 3, quota_renewal_rate: 60, access_rights: rightTo('tokens') } } },
      async ({ start }) => {
        const { control, ask } = await start({ hash: true });
        const made = await control('POST /tyk/keys/mine', { org_id: 'default', access_rights: rightTo('other') });
        const { key_hash: hash } = made.body as { key_hash: string };
        assert.is(await ask('mine'), '403 Access to this API has been disallowed');
        assert.equal(
          await control(`POST /tyk/keys/policy/${hash}`, { apply_policies: ['opens'] }),
          done(hash, 'updated'),
        );
        assert.is(await ask('mine'), '200');
        assert.is(
          ((await control(`GET /tyk/keys/${hash}?hashed=1`)).body as { quota_remaining: number }).quota_remaining,
          2,
        );
        assert.equal(
          await control('POST /tyk/keys/policy/nosuchhash', { apply_policies: ['opens'] }),
          error(404, 'Key not found'),
        );
        assert.is((await control(`POST /tyk/keys/policy/${hash}`, {})).status, 400);
      },
    ),
  );

  keys('a password is never shown', () =>
    withGateways(kind, {}, async ({ start }) => {
      const { control } = await start();
      await control('POST /tyk/keys/basic', {
        org_id: 'default',
        basic_auth_data: { password: 'secret', hash_type: 'bcrypt' },
      });
      const { body } = await control('GET /tyk/keys/defaultbasic');
      assert.equal((body as { basic_auth_data: object }).basic_auth_data, { hash_type: 'bcrypt' });
    }),
  );

  keys('organisations have sessions of their own', () =>
    withGateways(kind, {}, async ({ start }) => {
      const { control, store } = await start();
      assert.equal(await control('POST /tyk/org/keys/acme', { org_id: 'acme', quota_max: 5 }), done('acme', 'added'));
      const { last_updated: _, ...rest } = (await control('GET /tyk/org/keys/acme')).body as Record<string, unknown>;
      assert.equal(rest, { quota_max: 5, org_id: 'acme' });
      assert.equal((await control('GET /tyk/org/keys')).body, { keys: ['acme'] });
      assert.equal(await store.keys('orgkey.'), ['orgkey.acme']);
      assert.equal(await control('PUT /tyk/org/keys/acme', { quota_max: 6 }), done('acme', 'modified'));
      assert.equal(await control('DELETE /tyk/org/keys/acme'), done('acme', 'deleted'));
      assert.equal(await control('GET /tyk/org/keys/acme'), error(404, 'Org not found'));
      assert.equal(await control('DELETE /tyk/org/keys/acme'), error(400, 'Failed to remove the key'));
    }),
  );

  keys('policies are shown whole, and what is written is in force after the next load', () =>
    withGateways(
      kind,
      { policies: { first: { rate: 5, access_rights: rightTo('tokens') } } },
      async ({ start, policies }) => {
        const { control } = await start();
        const shown = (await control('GET /tyk/policies/first')).body as Record<string, unknown>;
        assert.is(shown.rate, 5);
        assert.equal([shown.quota_max, shown.tags, shown.meta_data, shown.hmac_enabled], [0, null, null, false]);
        assert.equal(shown.partitions, {
          quota: false,
          rate_limit: false,
          complexity: false,
          acl: false,
          per_api: false,
        });
        assert.equal(await control('GET /tyk/policies/none'), error(404, 'Policy not found'));
        assert.equal(await control('POST /tyk/policies', { id: 'second', org_id: 'default' }), done('second', 'added'));
        assert.is((await control('GET /tyk/policies/second')).status, 404);
        await policies.load();
        assert.is((await control('GET /tyk/policies/second')).status, 200);
        assert.is(((await control('GET /tyk/policies')).body as object[]).length, 2);
        assert.equal(await control('PUT /tyk/policies/second', { id: 'second' }), done('second', 'modified'));
        assert.is((await control('PUT /tyk/policies/other', { id: 'second' })).status, 400);
        assert.equal(await control('PUT /tyk/policies', {}), error(400, 'Must specify an apiID to update'));
        assert.equal(await control('DELETE /tyk/policies/second'), done('second', 'deleted'));
        assert.equal(await control('DELETE /tyk/policies/second'), error(500, 'Delete failed'));
        assert.equal(await control('DELETE /tyk/policies'), error(400, 'Must specify an apiID to delete'));
        assert.equal(await control('POST /tyk/policies', '{nope'), error(400, 'Request malformed'));
        assert.equal(await control('POST /tyk/policies', { id: '../../escape' }), error(500, 'Failed to create file!'));
      },
    ),
  );

  keys('an API may keep the quota of its keys when they are made again', () => {
    const keeping = api('keeping', { dont_set_quota_on_create: true });
    return withGateways(kind, { apis: [keeping, tokenApi] }, async ({ start }) => {
      const { control, ask } = await start();
      const body = (id: string) => ({
        org_id: 'default',
        quota_max: 1,
        quota_renewal_rate: 60,
        access_rights: rightTo(id),
      });
      for (const id of ['keeping', 'tokens']) {
        await control(`POST /tyk/keys/for-${id}`, body(id));
        assert.is(await ask(`for-${id}`, id === 'keeping' ? keeping : tokenApi), '200');
        await control(`PUT /tyk/keys/for-${id}`, body(id));
      }
      assert.equal([await ask('for-keeping', keeping), await ask('for-tokens')], ['403 Quota exceeded', '200']);
    });
  });

  keys.after(endServers);
  keys.run();
}
