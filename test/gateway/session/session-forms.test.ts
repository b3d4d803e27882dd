import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { goJson } from '../../../gateway/session/go-json.ts';
import type { Session } from '../../../gateway/session/index.ts';
import { sessionFromProto } from '../../../gateway/session/session-from-proto.ts';
import { parseSentSession, parseStoredSession, sessionJson } from '../../../gateway/session/session-json.ts';
import { metadataToProto, steadyProto, withQuota } from '../../../gateway/session/session-to-proto.ts';
import { Object as CoprocessObject } from '../../../proto/gen/coprocess_object.ts';
import { SessionState } from '../../../proto/gen/coprocess_session_state.ts';

const forms = suite('session forms');

/** A session as plugins see it. */
function sessionToProto(session: Session, keyId: string): Uint8Array {
  return withQuota(steadyProto(session, keyId), session.quota_renews ?? 0, session.quota_remaining ?? 0);
}

/** What the original stored for an auth plugin that set every field (recorded). */
const recorded =
  '{"last_check":11,"allowance":12.5,"rate":900.5,"per":60.25,"max_query_depth":4,"expires":4102444800,"quota_max":500,' +
  '"quota_renews":1795446374,"quota_remaining":499,"quota_renewal_rate":3600,"access_rights":{"a":{"api_name":"nm","api_id":"a",' +
  '"versions":["Default","v2"],"allowed_urls":[{"url":"","methods":null},{"url":"/a","methods":["GET"]}]}},"org_id":"default",' +
  '"oauth_client_id":"client-1","oauth_keys":{"k1":"v1"},"certificate":"cert1","basic_auth_data":{"password":"pw","hash_type":"bcrypt"},' +
  '"jwt_data":{"secret":"js"},"hmac_enabled":true,"hmac_string":"hs","data_expires":13,"monitor":{"trigger_limits":[80]},' +
  '"enable_detailed_recording":true,"meta_data":{"m1":"v1","token":"t"},"tags":["tag1"],"alias":"al","last_updated":"99",' +
  '"id_extractor_deadline":4102444802,"session_lifetime":1000}';

forms('a stored session is written as the original writes it', () => {
  assert.is(sessionJson(parseStoredSession(recorded)), recorded);
});

forms(
  'fields match in any letter case, null and zero are absence, and what is unknown is kept in the store only',
  () => {
    const json =
      '{"ORG_ID":"o","Rate":0,"tags":null,"Access_Rights":{"x":{"API_ID":"x","new":1}},"date_created":"0001-01-01T00:00:00Z","newer":2}';
    assert.is(
      sessionJson(parseStoredSession(json)),
      '{"access_rights":{"x":{"api_id":"x","new":1}},"org_id":"o","newer":2}',
    );
    assert.is(sessionJson(parseSentSession(json)), '{"access_rights":{"x":{"api_id":"x"}},"org_id":"o"}');
  },
);

forms('a value of the wrong type refuses the session, by name', () => {
  const cases: [json: string, message: string][] = [
    ['{"rate":"5"}', '"rate" must be a number, got "5"'],
    ['{"expires":1.5}', '"expires" must be a whole number, got 1.5'],
    ['{"access_rights":{"a":{"versions":[1]}}}', '"access_rights.a.versions[0]" must be a text, got 1'],
    ['{"date_created":"yesterday"}', '"date_created" must be a time as 2026-01-31T12:00:00Z, got "yesterday"'],
    ['[]', '"the document" must be an object, got []'],
  ];
  for (const [json, message] of cases)
    assert.throws(
      () => parseSentSession(json),
      (error: Error) => error.message === message,
    );
});

forms('a name out of a request cannot reach what all objects have', () => {
  const session = parseSentSession(
    '{"access_rights":{"__proto__":{"api_id":"x"}},"meta_data":{"__proto__":{"plan":"gold"}}}',
  );
  assert.is((session.meta_data as Record<string, unknown>).plan, undefined);
  assert.equal(Object.keys(session.access_rights ?? {}), ['__proto__']);
  assert.is(({} as Record<string, unknown>).plan, undefined);
});

forms('numbers beyond what Go can hold are written as the nearest that it can', () => {
  assert.is(
    sessionJson({ quota_max: 1e30, quota_renews: -1e30 }),
    '{"quota_max":9223372036854775807,"quota_renews":-9223372036854775808}',
  );
});

forms('values are written as Go does: sorted keys, and < > & escaped', () => {
  assert.is(
    goJson({ b: '<a&b>\u2028', a: [1, true, null, 1e21, 1e-7] }),
    '{"a":[1,true,null,1e+21,1e-7],"b":"\\u003ca\\u0026b\\u003e\\u2028"}',
  );
});

forms('plugins see the session, but for certificate, query depth and what comes after expiry', () => {
  const session = parseStoredSession(recorded);
  const seen = SessionState.decode(
    sessionToProto({ ...session, post_expiry_action: 'retain', post_expiry_grace_period: 9 }, 'key-1'),
  );
  assert.is(seen.keyId, 'key-1');
  assert.is(seen.certificate, '');
  assert.is(seen.maxQueryDepth, 0n);
  assert.is(seen.postExpiryAction, '');
  assert.is(seen.postExpiryGracePeriod, 0n);
  assert.is(seen.hmacSecret, 'hs');
  assert.is(seen.quotaRemaining, 499n);
  assert.is(seen.quotaRenews, 1795446374n);
  assert.equal(seen.monitor?.triggerLimits, [80]);
  assert.equal(seen.basicAuthData?.hash, 'bcrypt');
  assert.equal(
    seen.accessRights.a?.allowedUrls.map(({ url, methods }) => [url, methods]),
    [
      ['', []],
      ['/a', ['GET']],
    ],
  );
});

forms('an empty session has its three inner messages nevertheless', () => {
  const seen = SessionState.decode(sessionToProto({}, ''));
  assert.ok(seen.basicAuthData !== undefined && seen.jwtData !== undefined && seen.monitor !== undefined);
  assert.is(sessionToProto({}, '').length, 7);
});

forms('metadata that is no text reaches plugins as JSON', () => {
  const session = parseStoredSession(
    '{"meta_data":{"plan":"gold","n":3,"deep":{"b":[1,"<"],"a":null},"flag":true,"nothing":null}}',
  );
  const texts = { plan: 'gold', n: '3', deep: '{"a":null,"b":[1,"\\u003c"]}', flag: 'true', nothing: 'null' };
  assert.equal({ ...SessionState.decode(sessionToProto(session, '')).metadata }, texts);
  assert.equal({ ...CoprocessObject.decode(metadataToProto(session)).metadata }, texts);
});

forms('both flags of detailed recording reach plugins as one', () => {
  assert.ok(SessionState.decode(sessionToProto({ enable_detail_recording: true }, '')).enableDetailedRecording);
});

forms('negative numbers cross the wire', () => {
  const seen = SessionState.decode(sessionToProto({ quota_max: -1, expires: -1 }, ''));
  assert.equal([seen.quotaMax, seen.expires], [-1n, -1n]);
});

forms("a plugin's session is read as the original reads it", () => {
  const given = SessionState.fromPartial({
    rate: 900.5,
    quotaMax: -1n,
    certificate: 'cert1',
    maxQueryDepth: 4n,
    keyId: 'ignored',
    postExpiryAction: 'retain',
    postExpiryGracePeriod: 50n,
    basicAuthData: { password: 'pw', hash: 'bcrypt' },
    monitor: { triggerLimits: [80, 90] },
    metadata: { m: 'v' },
    applyPolicies: ['p'],
    accessRights: { a: { apiId: 'a', allowedUrls: [{ url: '/a', methods: ['GET'] }] } },
  });
  assert.is(
    sessionJson(sessionFromProto(SessionState.encode(given).finish())),
    '{"rate":900.5,"max_query_depth":4,"quota_max":-1,"access_rights":{"a":{"api_id":"a","allowed_urls":[{"url":"","methods":null},' +
      '{"url":"/a","methods":["GET"]}]}},"certificate":"cert1","basic_auth_data":{"password":"pw","hash_type":"bcrypt"},' +
      '"apply_policies":["p"],"monitor":{"trigger_limits":[80,90]},"meta_data":{"m":"v"}}',
  );
});

forms('bytes that are no session are an error', () => {
  assert.throws(() => sessionFromProto(Buffer.from([0x0a, 0xff])));
});

forms.run();
