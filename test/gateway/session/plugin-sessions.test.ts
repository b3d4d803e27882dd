import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Caller, extractId, isRefusal } from '../../../gateway/session/index.ts';
import { endServers, kinds } from '../store/stores.ts';
import { answerOf, api, type Gateway, pluginApi, request, rightTo, seen, until, withGateways } from './gateways.ts';

const extracted = (id: string, more: object = {}): ReturnType<typeof api> =>
  api(id, {
    enable_coprocess_auth: true,
    custom_middleware: {
      driver: 'grpc',
      auth_check: { name: 'who' },
      id_extractor: { extract_from: 'header', extract_with: 'value', extractor_config: { header_name: 'X-Cred' } },
    },
    ...more,
  });

const first = extracted('first');
const second = extracted('second');
const inAnHour = (): bigint => BigInt(Math.floor(Date.now() / 1000) + 3600);
const idOf = (credential: string): string =>
  extractId(
    first.auth.extractor as NonNullable<typeof first.auth.extractor>,
    request('/', { 'X-Cred': credential }),
    first,
    undefined,
  ) as string;

/** Accept an answer, as a caller. */
async function accepted(
  gateway: Gateway,
  ...args: Parameters<Gateway['sessions']['acceptPluginSession']>
): Promise<Caller> {
  const caller = await gateway.sessions.acceptPluginSession(...args);
  if (caller === undefined || isRefusal(caller)) throw new Error(`not accepted: ${JSON.stringify(caller)}`);
  return caller;
}

const stored = async ({ store }: Gateway, name: string): Promise<Record<string, unknown>> =>
  JSON.parse(String(await store.get(`apikey-${name}`)));

for (const kind of kinds) {
  const plugins = suite(`plugin sessions: ${kind}`);

  plugins('an answer without session, or without token, is nobody', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const { session } = answerOf('x');
      assert.is(await gateway.answer({}), '403 Forbidden');
      assert.is(await gateway.answer({ metadata: [['token', 't']] }), '403 Forbidden');
      assert.is(await gateway.answer({ session: session as Uint8Array }), '403 Forbidden');
      assert.is(await gateway.answer({ session: Buffer.from([0xff]), metadata: [['token', 't']] }), '403 Forbidden');
      const shadowed = answerOf('', { metadata: { token: 'in-session' } });
      assert.is(await gateway.answer(shadowed), '403 Forbidden');
    }),
  );

  plugins("a script's session with a field of the wrong type is an answer that nobody can read", () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const metadata = [['token', 't']] as const;
      assert.is(await gateway.answer({ sessionJson: '{"rate":"fast"}', metadata }), '500 Internal Server Error');
      assert.is(await gateway.answer({ sessionJson: '{"apply_policies":["no"]}', metadata }), '403 Forbidden');
    }),
  );

  plugins('the token names the session, wherever it stands, and stays in its metadata', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const inside = answerOf('', { metadata: { token: 'inside', plan: 'gold' } });
      const one = await accepted(gateway, { session: inside.session as Uint8Array }, pluginApi, undefined);
      assert.is(one.keyId, 'inside');
      const both = answerOf('outside', { metadata: { token: 'inside', who: 'bert' } });
      const answer = {
        session: both.session as Uint8Array,
        metadata: [
          ['who', 'anna'],
          ['token', 'outside'],
        ] as const,
      };
      const two = await accepted(gateway, answer, pluginApi, undefined);
      assert.equal({ ...seen(two).metadata }, { token: 'outside', who: 'anna' });
      assert.is(seen(two).keyId, 'outside');
      assert.is(seen(two).orgId, 'default');
      assert.equal((await stored(gateway, 'outside')).meta_data, { token: 'outside', who: 'anna' });
    }),
  );

  plugins('an inactive session is 403, an expired one 401, one without right 403', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      assert.is(
        await gateway.answer(answerOf('t', { isInactive: true, expires: 1n })),
        '403 Key is inactive, please renew',
      );
      assert.is(await gateway.answer(answerOf('t', { expires: 1500000000n })), '401 Key has expired, please renew');
      assert.is(await gateway.answer(answerOf('t', { expires: -1n })), '200');
      const right = { apiName: '', apiId: '', versions: [], allowedUrls: [] };
      assert.is(
        await gateway.answer(answerOf('t', { accessRights: { other: right } })),
        '403 Access to this API has been disallowed',
      );
      assert.is(await gateway.answer(answerOf('t', { accessRights: { plugged: right } })), '200');
    }),
  );

  plugins('quota goes on from answer to answer, on all gateways, whatever the plugin says of it', () =>
    withGateways(kind, {}, async ({ start }) => {
      const [here, there] = [await start(), await start()];
      const answer = (alias: string) =>
        answerOf('q', { quotaMax: 3n, quotaRenewalRate: 3600n, quotaRemaining: 99n, alias });
      const before = await accepted(here, answer('a'), pluginApi, undefined);
      assert.is(seen(before).quotaRemaining, 99n);
      assert.is(await here.check(before, pluginApi), '200');
      assert.is(seen(before).quotaRemaining, 2n);
      assert.is(before.limits.quotaRemaining, 2);
      assert.ok(Math.abs(before.limits.quotaRenews - Date.now() / 1000 - 3600) < 3);
      const next = await accepted(here, answer('a'), pluginApi, undefined);
      assert.is(seen(next).quotaRemaining, 2n);
      assert.is(await here.check(next, pluginApi), '200');
      assert.is(next.limits.quotaRenews, before.limits.quotaRenews);
      const elsewhere = await accepted(there, answer('b'), pluginApi, undefined);
      assert.is(await there.check(elsewhere, pluginApi), '200');
      assert.is(elsewhere.limits.quotaRemaining, 0);
      assert.is(await here.answer(answer('c')), '403 Quota exceeded');
    }),
  );

  plugins('where another method provides the identity, the answer counts and nothing is stored', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const both = api('both', {
        enable_coprocess_auth: true,
        use_standard_auth: true,
        base_identity_provided_by: 'auth_token',
        custom_middleware: { driver: 'grpc', auth_check: { name: 'who' } },
      });
      assert.is(await gateway.sessions.acceptPluginSession(answerOf('dropped'), both, undefined), undefined);
      assert.is(await gateway.answer({}, both), '403 Forbidden');
      assert.is(await gateway.store.get('apikey-dropped'), undefined);
    }),
  );

  plugins('a session stays in the store as long as it says, else as long as the API says', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const brief = api('brief', {
        enable_coprocess_auth: true,
        session_lifetime: 1,
        custom_middleware: { driver: 'grpc', auth_check: { name: 'who' } },
      });
      await gateway.answer(answerOf('by-api'), brief);
      await gateway.answer(answerOf('by-itself', { sessionLifetime: 60n }), brief);
      assert.ok((await gateway.store.get('apikey-by-api')) !== undefined);
      await until(async () => (await gateway.store.get('apikey-by-api')) === undefined);
      assert.ok((await gateway.store.get('apikey-by-itself')) !== undefined);
    }),
  );

  plugins('an accepted session spares the plugin until its deadline, on all gateways', () =>
    withGateways(kind, {}, async ({ start }) => {
      const [here, there] = [await start(), await start()];
      const id = idOf('cred-1');
      assert.match(id, /^default[0-9a-f]{32}$/);
      assert.is(await here.sessions.recall(id, first), undefined);
      await accepted(here, answerOf('t', { idExtractorDeadline: inAnHour(), metadata: { nr: 'one' } }), first, id);
      for (const gateway of [here, there]) {
        const caller = (await gateway.sessions.recall(id, first)) as Caller;
        assert.is(seen(caller).keyId, id);
        assert.equal({ ...seen(caller).metadata }, { nr: 'one', token: 't' });
      }
      const past = BigInt(Math.floor(Date.now() / 1000));
      await accepted(here, answerOf('t', { idExtractorDeadline: past }), first, idOf('past'));
      await accepted(here, answerOf('t', {}), first, idOf('none'));
      assert.is(await here.sessions.recall(idOf('past'), first), undefined);
      assert.is(await here.sessions.recall(idOf('none'), first), undefined);
    }),
  );

  plugins('a remembered session ends at once when it is deleted or switched off', () =>
    withGateways(kind, { apis: [first] }, async ({ start }) => {
      const [here, there] = [await start(), await start()];
      const id = idOf('cred-del');
      const answer = answerOf('t', { idExtractorDeadline: inAnHour() });
      await accepted(here, answer, first, id);
      assert.ok((await there.sessions.recall(id, first)) !== undefined);
      assert.is((await here.control(`DELETE /tyk/keys/${id}`)).status, 200);
      assert.is(await here.sessions.recall(id, first), undefined);
      await until(async () => (await there.sessions.recall(id, first)) === undefined, 100);
      // The plugin is asked again, with the answer that is remembered elsewhere: it must be stored anew.
      await accepted(here, answer, first, id);
      await until(async () => (await there.sessions.recall(id, first)) !== undefined, 100);
      await there.control(`PUT /tyk/keys/${id}`, {
        org_id: 'default',
        is_inactive: true,
        id_extractor_deadline: Number(inAnHour()),
        access_rights: rightTo('first'),
      });
      await until(
        async () => (await here.check(await here.sessions.recall(id, first), first)).includes('inactive'),
        100,
      );
    }),
  );

  plugins('a remembered session opens no API but those that it has a right to, or whose own plugin accepted it', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      await accepted(gateway, answerOf('t', { idExtractorDeadline: inAnHour() }), first, idOf('free'));
      assert.is(await gateway.sessions.recall(idOf('free'), second), undefined);
      const right = { apiName: '', apiId: '', versions: [], allowedUrls: [] };
      const accessRights = { first: right };
      await accepted(gateway, answerOf('t', { idExtractorDeadline: inAnHour(), accessRights }), first, idOf('bound'));
      const caller = await gateway.sessions.recall(idOf('bound'), second);
      assert.is(await gateway.check(caller, second), '403 Access to this API has been disallowed');
      const shown = await gateway.control(`GET /tyk/keys/${idOf('free')}`);
      assert.equal(
        Object.keys(shown.body as object).sort((a, b) => a.localeCompare(b)),
        ['id_extractor_deadline', 'meta_data', 'org_id'],
      );
    }),
  );

  plugins('rate and quota count for spared calls, under the extracted name', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const id = idOf('limited');
      const caller = await accepted(
        gateway,
        answerOf('t', { idExtractorDeadline: inAnHour(), rate: 2, per: 60 }),
        first,
        id,
      );
      const answers = [await gateway.check(caller, first)];
      for (let i = 0; i < 2; i++) answers.push(await gateway.check(await gateway.sessions.recall(id, first), first));
      assert.equal(answers, ['200', '200', '429 Rate Limit Exceeded']);
    }),
  );

  plugins('policies that a plugin names give rights, limits, tags and metadata; without them nobody enters', () =>
    withGateways(
      kind,
      {
        policies: {
          gold: {
            rate: 1000,
            per: 30,
            quota_max: 3,
            quota_renewal_rate: 3600,
            meta_data: { from: 'gold' },
            tags: ['g'],
            access_rights: rightTo('plugged'),
          },
          foreign: { org_id: 'elsewhere', access_rights: rightTo('plugged') },
          off: { is_inactive: true, access_rights: rightTo('plugged') },
        },
      },
      async ({ start, policies }) => {
        const gateway = await start();
        const caller = await accepted(
          gateway,
          answerOf('p', { applyPolicies: ['gold'], rate: 5, per: 1, tags: ['mine'] }),
          pluginApi,
          undefined,
        );
        const session = seen(caller);
        assert.equal([session.rate, session.per, session.quotaMax], [1000, 30, 3n]);
        assert.equal(session.tags, ['g', 'mine']);
        assert.equal({ ...session.metadata }, { token: 'p', from: 'gold' });
        assert.equal(session.accessRights.plugged?.apiId, '');
        assert.is(await gateway.check(caller, pluginApi), '200');
        assert.is(caller.limits.quotaRemaining, 2);
        for (const ids of [['missing'], ['foreign']])
          assert.is(await gateway.answer(answerOf('p', { applyPolicies: ids })), '403 Forbidden');
        assert.is(await gateway.answer(answerOf('p', { applyPolicies: ['missing', 'gold'] })), '200');
        assert.is(await gateway.answer(answerOf('p', { applyPolicies: ['off'] })), '403 Key is inactive, please renew');
        // Another revision of the policies counts from the next answer on, though the plugin says the same.
        await policies.save({
          id: 'gold',
          org_id: 'default',
          access_rights: rightTo('other') as Record<string, object>,
        });
        assert.equal(await policies.load(), []);
        assert.is(
          await gateway.answer(answerOf('p', { applyPolicies: ['gold'], rate: 5, per: 1, tags: ['mine'] })),
          '403 Access to this API has been disallowed',
        );
      },
    ),
  );

  plugins('the same answer again writes nothing for a second', () =>
    withGateways(kind, {}, async ({ start }) => {
      const gateway = await start();
      const answer = answerOf('again', { sessionLifetime: 60n });
      await accepted(gateway, answer, pluginApi, undefined);
      await gateway.store.get('apikey-again');
      let writes = 0;
      const replace = gateway.store.replace.bind(gateway.store);
      gateway.store.replace = (...args) => {
        writes++;
        return replace(...args);
      };
      for (let i = 0; i < 50; i++) await accepted(gateway, answer, pluginApi, undefined);
      assert.is(writes, 0);
      await until(async () => {
        await accepted(gateway, answer, pluginApi, undefined);
        return writes === 1;
      });
    }),
  );

  plugins.after(endServers);
  plugins.run();
}
