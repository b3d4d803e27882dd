import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Caller, type CountedRequest, isRefusal } from '../../../gateway/session/index.ts';
import { endServers, kinds } from '../store/stores.ts';
import { api, type Gateway, rightTo, seen, tokenApi, until, withGateways } from './gateways.ts';

const tooFast = '429 Rate Limit Exceeded';
const clients = 64;

/** The caller behind a key. */
async function callerOf(gateway: Gateway, key: string, of = tokenApi): Promise<Caller> {
  const caller = await gateway.sessions.authenticateKey(key, of);
  if (isRefusal(caller)) throw new Error(caller.message);
  return caller;
}

for (const kind of kinds) {
  const limits = suite(`limits: ${kind}`);

  limits('two gateways enforce one rate of 100/s under 64 clients: never more, hardly less', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateways = [await start(), await start()] as const;
      await gateways[0].control('POST /tyk/keys/busy', {
        org_id: 'default',
        rate: 100,
        per: 1,
        access_rights: rightTo('tokens'),
      });
      const moments: number[] = [];
      const since = performance.now();
      const lastsMs = 3500;
      const client = async (i: number): Promise<void> => {
        while (performance.now() - since < lastsMs) {
          if ((await gateways[i % 2 === 0 ? 0 : 1].ask('busy')) === '200') moments.push(performance.now());
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      await Promise.all(Array.from({ length: clients }, (_, i) => client(i)));
      const most = Math.max(...moments.map((start) => moments.filter((at) => at >= start && at < start + 900).length));
      assert.ok(most <= 100, `${most} in one second`);
      // A full window at once, and another one each second: four in three seconds and a half.
      assert.ok(moments.length <= 400 && moments.length >= 392, `${moments.length} of 400`);
    }),
  );

  limits('two gateways enforce one quota of 10,000 under 64 clients, to the request', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateways = [await start(), await start()] as const;
      await gateways[0].control('POST /tyk/keys/bulk', {
        org_id: 'default',
        quota_max: 10_000,
        quota_renewal_rate: 3600,
        access_rights: rightTo('tokens'),
      });
      let [asked, admitted] = [0, 0];
      const client = async (i: number): Promise<void> => {
        while (asked < 10_200) {
          asked++;
          if ((await gateways[i % 2 === 0 ? 0 : 1].ask('bulk')) === '200') admitted++;
        }
      };
      await Promise.all(Array.from({ length: clients }, (_, i) => client(i)));
      assert.is(admitted, 10_000);
    }),
  );

  limits('limits are those of the key, and each key has its own', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      for (const key of ['one', 'two'])
        await gateway.control(`POST /tyk/keys/${key}`, {
          org_id: 'default',
          rate: 2,
          per: 60,
          access_rights: rightTo('tokens'),
        });
      assert.equal(
        [await gateway.ask('one'), await gateway.ask('one'), await gateway.ask('one')],
        ['200', '200', tooFast],
      );
      assert.is(await gateway.ask('defaultone'), tooFast);
      assert.is(await gateway.ask('two'), '200');
    }),
  );

  limits('a limit in the right of an API replaces those of the key for it, and is counted by itself', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const other = api('other');
      const limit = { rate: 2, per: 60, quota_max: 5, quota_renewal_rate: 3600 };
      await gateway.control('POST /tyk/keys/own', {
        org_id: 'default',
        rate: 100,
        per: 1,
        quota_max: 50,
        quota_renewal_rate: 100,
        access_rights: { tokens: { api_id: 'tokens', limit }, other: { api_id: 'other' } },
      });
      const caller = await callerOf(gateway, 'own');
      assert.equal(
        [await gateway.check(caller, tokenApi), await gateway.ask('own'), await gateway.ask('own')],
        ['200', '200', tooFast],
      );
      assert.equal([caller.limits.quotaMax, caller.limits.quotaRemaining, caller.limits.rate], [5, 4, 2]);
      assert.is(await gateway.ask('own', other), '200');
      const { body } = await gateway.control('GET /tyk/keys/defaultown');
      const shown = body as {
        quota_remaining: number;
        access_rights: { tokens: { limit: { quota_remaining: number }; allowance_scope: string } };
      };
      assert.is(shown.quota_remaining, 49);
      assert.is(shown.access_rights.tokens.limit.quota_remaining, 3);
      assert.is(shown.access_rights.tokens.allowance_scope, 'tokens');
    }),
  );

  limits('an endpoint of the right may have a rate of its own', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const endpoints = [{ path: '/slow/{id}', methods: [{ name: 'GET', limit: { rate: 1, per: 60 } }] }];
      await gateway.control('POST /tyk/keys/ends', {
        org_id: 'default',
        rate: 3,
        per: 60,
        access_rights: { tokens: { api_id: 'tokens', endpoints } },
      });
      assert.equal(
        [await gateway.ask('ends', tokenApi, '/slow/1'), await gateway.ask('ends', tokenApi, '/slow/2')],
        ['200', tooFast],
      );
      const others = [];
      for (let i = 0; i < 4; i++) others.push(await gateway.ask('ends', tokenApi, '/fast'));
      assert.equal(others, ['200', '200', '200', tooFast]);
    }),
  );

  limits('PUT begins the limits of a key anew, unless suppress_reset=1', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const body = {
        org_id: 'default',
        rate: 1,
        per: 100,
        quota_max: 2,
        quota_renewal_rate: 3600,
        access_rights: rightTo('tokens'),
      };
      await gateway.control('POST /tyk/keys/reset', body);
      assert.equal([await gateway.ask('reset'), await gateway.ask('reset')], ['200', tooFast]);
      await gateway.control('PUT /tyk/keys/defaultreset?suppress_reset=1', body);
      assert.is(await gateway.ask('reset'), tooFast);
      await gateway.control('PUT /tyk/keys/defaultreset', body);
      const caller = await callerOf(gateway, 'reset');
      assert.is(await gateway.check(caller, tokenApi), '200');
      assert.is(caller.limits.quotaRemaining, 1);
    }),
  );

  limits('a quota starts again when its time has passed, and one without renewal never', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const quota = (quota_renewal_rate: number) => ({
        org_id: 'default',
        quota_max: 1,
        quota_renewal_rate,
        access_rights: rightTo('tokens'),
      });
      await gateway.control('POST /tyk/keys/renews', quota(1));
      await gateway.control('POST /tyk/keys/lasts', quota(0));
      for (const key of ['renews', 'lasts']) assert.is(await gateway.ask(key), '200');
      for (const key of ['renews', 'lasts']) assert.is(await gateway.ask(key), '403 Quota exceeded');
      await until(async () => (await gateway.ask('renews')) === '200');
      assert.is(await gateway.ask('lasts'), '403 Quota exceeded');
    }),
  );

  limits('refused requests raise the quota counter, and those that the rate refused do not', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const body = { org_id: 'default', quota_max: 1, quota_renewal_rate: 3600, access_rights: rightTo('tokens') };
      await gateway.control('POST /tyk/keys/raised', body);
      for (let i = 0; i < 3; i++) await gateway.ask('raised');
      await gateway.control('PUT /tyk/keys/defaultraised?suppress_reset=1', {
        ...body,
        quota_max: 5,
        rate: 1,
        per: 60,
      });
      const caller = await callerOf(gateway, 'raised');
      assert.is(await gateway.check(caller, tokenApi), '200');
      assert.is(caller.limits.quotaRemaining, 1);
      assert.is(await gateway.ask('raised'), tooFast);
      const { body: shown } = await gateway.control('GET /tyk/keys/defaultraised');
      assert.is((shown as { quota_remaining: number }).quota_remaining, 1);
    }),
  );

  limits('an API may switch both off, and the numbers are then what the session holds', () =>
    withGateways(kind, {}, async ({ start }) => {
      const off = api('off', { disable_rate_limit: true, disable_quota: true });
      const gateway = await start();
      await gateway.control('POST /tyk/keys/off', {
        org_id: 'default',
        rate: 1,
        per: 60,
        quota_max: 1,
        quota_renewal_rate: 3600,
      });
      const caller = await callerOf(gateway, 'off', off);
      assert.equal([await gateway.check(caller, off), await gateway.ask('off', off)], ['200', '200']);
      assert.equal([caller.limits.quotaMax, caller.limits.quotaRemaining], [1, 0]);
      assert.ok(Math.abs(caller.limits.quotaRenews - Date.now() / 1000 - 3600) < 3);
    }),
  );

  limits('a limit of the API counts all callers of all gateways together, and each of its endpoints by itself', () =>
    withGateways(kind, {}, async ({ start }) => {
      const [here, there] = [await start(), await start()];
      const limited = api('limited', { global_rate_limit: { rate: 2, per: 60 } });
      const rule = limited.limits.api;
      if (rule === undefined) throw new Error('the API has no limit');
      assert.is(await here.sessions.checkApiRate(limited, rule), undefined);
      assert.is(await there.sessions.checkApiRate(limited, rule), undefined);
      assert.is((await here.sessions.checkApiRate(limited, rule))?.message, 'API Rate Limit Exceeded');
      assert.is(await here.sessions.checkApiRate(limited, rule, 'GET:/a'), undefined);
      assert.is(await here.sessions.checkApiRate(tokenApi, rule), undefined);
    }),
  );

  limits('keys that name one pattern share their limits', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const meta_data = { team: 'blue', rate_limit_pattern: '$tyk_meta.team-$tyk_context.region' };
      for (const key of ['ann', 'bob'])
        await gateway.control(`POST /tyk/keys/${key}`, {
          org_id: 'default',
          rate: 2,
          per: 60,
          meta_data,
          access_rights: rightTo('tokens'),
        });
      const ask = async (key: string, region: string): Promise<string | undefined> => {
        const counted: CountedRequest = {
          method: 'GET',
          paths: () => ['/'],
          context: (name) => (name === 'region' ? region : undefined),
        };
        return (await gateway.sessions.checkRateAndQuota(await callerOf(gateway, key), tokenApi, counted))?.message;
      };
      assert.equal(
        [await ask('ann', 'eu'), await ask('bob', 'eu'), await ask('ann', 'eu'), await ask('ann', 'us')],
        [undefined, undefined, 'Rate Limit Exceeded', undefined],
      );
    }),
  );

  limits('hooks see the quota as it stands before the check, and after it', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      await gateway.control('POST /tyk/keys/shown', {
        org_id: 'default',
        quota_max: 9,
        quota_renewal_rate: 60,
        access_rights: rightTo('tokens'),
      });
      for (const left of [8n, 7n]) {
        const caller = await callerOf(gateway, 'shown');
        const before = seen(caller).quotaRemaining;
        assert.is(await gateway.check(caller, tokenApi), '200');
        assert.is(seen(caller).quotaRemaining, left);
        assert.is(before, left === 8n ? 0n : 8n);
      }
    }),
  );

  limits.after(endServers);
  limits.run();
}
