import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseClassic } from '../../../gateway/definitions/index.ts';
import { apiOf, classic, withPaths, withVersion } from './sample.ts';

const definitions = suite('Classic definitions');

definitions('a short one is enough', () => {
  const api = apiOf({ name: 'Short', proxy: { listen_path: '/short/', target_url: 'http://127.0.0.1:3000' } });
  assert.is(api.id, 'orders');
  assert.ok(api.active);
  assert.is(api.versions.single?.name, 'Default');
  assert.equal(api.target.bases, [{ origin: 'http://127.0.0.1:3000', host: '127.0.0.1:3000', path: '' }]);
});

definitions('keys match whatever their case, the exact one first', () => {
  const api = apiOf(
    classic({ Proxy: { LISTEN_PATH: '/x/', Target_Url: 'http://a/' }, proxy: undefined, Name: 'n', name: 'exact' }),
  );
  assert.is(api.listen.path, '/x/');
  assert.is(api.name, 'exact');
});

definitions('null leaves a field at its zero value, unknown keys are ignored', () => {
  const fields = { tags: null, CORS: null, config_data: null, allowed_ips: null, no_such_key: { a: 1 } };
  const { api, unknownKeys } = parseClassic(classic({ ...fields, custom_middleware: { pre: null } }), 'a.json');
  assert.equal(api?.tags, []);
  assert.is(api?.plugins.configData, undefined);
  assert.equal(unknownKeys, ['no_such_key']);
});

definitions('a key that looks like a known one is reported', () => {
  const { warnings } = parseClassic(classic({ custom_midleware: { driver: 'grpc' } }), 'a.json');
  assert.equal(warnings, [
    'a.json: custom_midleware: is no field of a definition, and is ignored; "custom_middleware" is one',
  ]);
});

definitions('active is true unless it says false', () => {
  assert.ok(apiOf(classic()).active);
  assert.not.ok(apiOf(classic({ active: false })).active);
  assert.ok(apiOf(classic({ internal: true })).internal);
});

definitions('targets: one, or a list in turn, in parts', () => {
  const proxy = { listen_path: '/a/', target_url: 'https://a.test:8443/deep path?k=v' };
  const base = { origin: 'https://a.test:8443', host: 'a.test:8443', path: '/deep%20path', query: 'k=v' };
  assert.equal(apiOf(classic({ proxy })).target.bases, [base]);
  const balanced = { ...proxy, enable_load_balancing: true, target_list: ['http://a/', 'h2c://b:1', 'http://a/'] };
  const { urls, bases } = apiOf(classic({ proxy: balanced })).target;
  assert.equal(urls, ['http://a/', 'h2c://b:1', 'http://a/']);
  assert.is(bases[1]?.origin, 'h2c://b:1');
  const off = { ...balanced, enable_load_balancing: false };
  assert.equal(apiOf(classic({ proxy: off })).target.urls, [proxy.target_url]);
});

definitions('WebSocket and tyk targets are understood', () => {
  const target = (url: string) =>
    apiOf(classic({ proxy: { listen_path: '/a/', target_url: url } })).target.bases[0]?.origin;
  assert.is(target('ws://a:1/x'), 'http://a:1');
  assert.is(target('wss://a/x'), 'https://a');
  assert.is(target('tyk://other/x'), 'tyk://other');
});

definitions('TLS to the upstream', () => {
  const transport = {
    ssl_insecure_skip_verify: true,
    ssl_min_version: 771,
    ssl_max_version: 772,
    ssl_ciphers: [
      'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
      'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
      'TLS_RSA_WITH_AES_256_CBC_SHA',
    ],
  };
  const { tls } = apiOf(classic({ proxy: { listen_path: '/a/', target_url: 'https://a/', transport } })).target;
  assert.equal(tls, {
    insecureSkipVerify: true,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:AES256-SHA',
  });
});

definitions('an expiration is UTC; one that cannot be read counts as past', () => {
  assert.is(apiOf(classic({ expiration: '2061-02-03 04:05' })).expires, Date.UTC(2061, 1, 3, 4, 5));
  assert.is(apiOf(classic({ expiration: 'tomorrow' })).expires, Number.NEGATIVE_INFINITY);
  assert.is(apiOf(withVersion({ expires: '-1' })).versions.single?.expires, undefined);
});

definitions('a key is looked for where auth_configs say, else where auth says', () => {
  const auth = { auth_header_name: 'X-Old' };
  assert.equal(apiOf(classic({ use_keyless: false, auth })).auth.tokenSource, { header: 'X-Old' });
  const authToken = { auth_header_name: 'x-key', use_param: true, use_cookie: true, cookie_name: 'kc' };
  const { auth: rule } = apiOf(
    classic({ use_keyless: false, auth, auth_configs: { authToken }, strip_auth_data: true }),
  );
  assert.equal(rule.tokenSource, { header: 'X-Key', param: 'x-key', cookie: 'kc' });
  assert.ok(rule.stripCredentials);
  const hidden = apiOf(
    classic({ use_keyless: false, auth: { disable_header: true, use_param: true, param_name: 'tk' } }),
  );
  assert.equal(hidden.auth.tokenSource, { param: 'tk' });
});

definitions('keys are asked for when nothing else is, or the auth plugin is missing', () => {
  const auth = (fields: Record<string, unknown>) => {
    const { token, custom, standard } = apiOf(classic({ use_keyless: false, ...fields })).auth;
    return { token, custom, standard };
  };
  const custom_middleware = { driver: 'grpc', auth_check: { name: 'a' } };
  assert.equal(auth({}), { token: true, custom: false, standard: false });
  assert.equal(auth({ enable_coprocess_auth: true, custom_middleware }), {
    token: false,
    custom: true,
    standard: false,
  });
  assert.equal(auth({ enable_coprocess_auth: true }), { token: true, custom: true, standard: false });
  assert.equal(auth({ use_go_plugin_auth: true, use_standard_auth: true, custom_middleware }), {
    token: true,
    custom: true,
    standard: true,
  });
  const disabled = { driver: 'grpc', auth_check: { name: 'a', disabled: true } };
  assert.ok(auth({ custom_plugin_auth_enabled: true, custom_middleware: disabled }).token);
});

definitions('versions by name, with their own rules', () => {
  const versions = {
    v1: { name: 'v1', use_extended_paths: true, extended_paths: {}, global_headers: { 'x-v': 'one' } },
    v2: {
      name: 'v2',
      use_extended_paths: true,
      extended_paths: {},
      override_target: 'http://b/two/',
      expires: '2001-02-03 04:05',
    },
  };
  const definition = { location: 'header', key: 'x-ver' };
  const { versions: rule } = apiOf(
    classic({ definition, version_data: { not_versioned: false, default_version: 'v1', versions } }),
  );
  assert.is(rule.single, undefined);
  assert.is(rule.key, 'X-Ver');
  assert.is(rule.defaultName, 'v1');
  assert.equal(rule.byName.get('v1')?.requestHeaders.set, [['X-V', 'one']]);
  assert.is(rule.byName.get('v2')?.target?.path, '/two/');
  assert.is(rule.byName.get('v2')?.expires, Date.UTC(2001, 1, 3, 4, 5));
});

definitions('versions that are APIs of their own', () => {
  const definition = {
    enabled: true,
    name: 'v1',
    default: 'self',
    location: 'url',
    versions: { v2: 'orders-v2' },
    strip_versioning_data: true,
    fallback_to_default: true,
    url_versioning_pattern: '^v[0-9]+$',
  };
  const { versions } = apiOf(classic({ definition }));
  assert.equal([...(versions.children?.apiIds ?? [])], [['v2', 'orders-v2']]);
  assert.is(versions.children?.baseName, 'v1');
  assert.ok(versions.children?.fallbackToDefault);
  assert.ok(versions.urlPattern?.test('v12'));
});

definitions('lists: one rule per method, replies, and whether an allow list closes the rest', () => {
  const get = { GET: { action: 'no_action', code: 200 } };
  const reply = { GET: { action: 'reply', code: 418, data: 'teapot', headers: { 'x-mock': '1' } } };
  const rules = apiOf(
    withPaths({
      ignored: [{ path: '/free', method_actions: get }],
      black_list: [{ path: '/closed' }, { path: '/off', disabled: true }],
      white_list: [
        { path: '/open/{id}', method_actions: { ...get, POST: { action: 'no_action' } } },
        { path: '/mock', method_actions: reply },
      ],
      internal: [{ path: '/inner', method: 'get' }],
      mock_response: [{ path: '/fake', method: 'GET', code: 203, body: 'm' }],
    }),
  ).versions.single?.endpoints;
  assert.equal(
    rules?.access.map(({ action, path, method }) => `${action} ${method} ${path}`),
    [
      'internal GET /inner',
      'reply GET /fake',
      'ignore GET /free',
      'block  /closed',
      'allow GET /open/{id}',
      'allow POST /open/{id}',
      'reply GET /mock',
    ],
  );
  assert.ok(rules?.closed);
  const teapot = rules?.access.at(-1);
  assert.ok(teapot?.action === 'reply');
  assert.is(teapot.reply.status, 418);
  assert.equal(teapot.reply.headers, [['X-Mock', '1']]);
  assert.is(String(teapot.reply.body), 'teapot');
});

definitions('lists without methods, of versions that do not use extended paths', () => {
  const version = {
    use_extended_paths: false,
    paths: { black_list: ['/closed'] },
    extended_paths: { white_list: [{ path: '/x' }] },
  };
  const rules = apiOf(withVersion(version)).versions.single?.endpoints;
  assert.equal(
    rules?.access.map(({ action, path, method }) => [action, path, method]),
    [['block', '/closed', '']],
  );
  assert.not.ok(rules?.closed);
});

definitions('rules of single endpoints', () => {
  const at = { path: '/e', method: 'POST' };
  const rules = apiOf(
    withPaths({
      transform_headers: [{ ...at, delete_headers: ['x-del'], add_headers: { 'x-add': 'a' } }],
      transform_response_headers: [{ ...at, add_headers: { 'x-r': 'r' } }],
      hard_timeouts: [
        { ...at, timeout: 2 },
        { ...at, timeout: 9, duration: '1m0.5s' },
      ],
      size_limits: [{ ...at, size_limit: 4 }],
      method_transforms: [{ ...at, to_method: 'put' }],
      rate_limit: [
        { ...at, rate: 3, per: 60 },
        { ...at, rate: 0, per: 60 },
      ],
      track_endpoints: [at],
      do_not_track_endpoints: [{ ...at, disabled: true }],
    }),
  ).versions.single?.endpoints;
  assert.equal(rules?.requestHeaders[0]?.headers, { delete: ['X-Del'], set: [['X-Add', 'a']] });
  assert.equal(rules?.responseHeaders[0]?.headers, { delete: [], set: [['X-R', 'r']] });
  assert.equal(
    rules?.timeouts.map(({ timeoutMs }) => timeoutMs),
    [2000, 60_500],
  );
  assert.is(rules?.bodySizes[0]?.maxBodyBytes, 4);
  assert.is(rules?.methods[0]?.to, 'PUT');
  assert.equal(
    rules?.rateLimits.map(({ limit }) => limit),
    [{ count: 3, seconds: 60 }],
  );
  assert.is(rules?.tracked.length, 1);
  assert.is(rules?.untracked.length, 0);
});

definitions('a rewrite has groups, variables and triggers', () => {
  const triggers = [
    {
      on: 'any',
      rewrite_to: '/beta/$1',
      options: {
        header_matches: { 'x-beta': { match_rx: '^yes$', reverse: true } },
        query_val_matches: { b: { match_rx: '1' } },
        payload_matches: { match_rx: 'beta' },
      },
    },
  ];
  const rewrite = {
    path: '/u',
    method: 'GET',
    match_pattern: '/u/(\\w+)',
    rewrite_to: '/p?name=$1$12&k=$tyk_meta.k',
    triggers,
  };
  const rule = apiOf(withPaths({ url_rewrites: [rewrite] })).versions.single?.endpoints.rewrites[0];
  const group = { from: 'group', number: 1, source: '$1' };
  assert.equal(rule?.to, ['/p?name=', group, group, '2&k=', { from: 'session', name: 'k', source: '$tyk_meta.k' }]);
  assert.equal(
    rule?.triggers[0]?.conditions.map(({ source, key, negate, pattern }) => [source, key, negate, pattern.source]),
    [
      ['header', 'X-Beta', true, '^yes$'],
      ['query', 'b', false, '1'],
      ['body', '', false, 'beta'],
    ],
  );
});

definitions('context variables are empty where they are not switched on', () => {
  const version = { global_headers: { 'X-P': '$tyk_context.path' } };
  const off = apiOf(withVersion(version)).versions.single?.requestHeaders.set[0]?.[1];
  assert.is(off, '');
  const on = apiOf(withVersion(version, { enable_context_vars: true })).versions.single?.requestHeaders.set[0]?.[1];
  assert.equal(on, [{ from: 'context', name: 'path', source: '$tyk_context.path' }]);
});

definitions('secrets in texts are filled in at load', () => {
  const version = { global_headers: { 'X-A': 'Bearer $secret_env.token', 'X-B': '$secret_conf.key' } };
  const options = { env: { TYK_SECRET_TOKEN: 't0p' }, secrets: { key: 'k' } };
  const steps = apiOf(withVersion(version), options).versions.single?.requestHeaders;
  assert.equal(steps?.set, [
    ['X-A', 'Bearer t0p'],
    ['X-B', 'k'],
  ]);
});

definitions('virtual endpoints come from a file or from the definition', () => {
  const virtual = [
    {
      path: '/v',
      method: 'GET',
      response_function_name: 'f',
      function_source_type: 'file',
      function_source_uri: 'v.js',
      use_session: true,
    },
    {
      path: '/w',
      method: 'GET',
      response_function_name: 'g',
      function_source_type: 'blob',
      function_source_uri: Buffer.from('function g() {}').toString('base64'),
      proxy_on_error: true,
    },
  ];
  const rules = apiOf(withPaths({ virtual })).versions.single?.endpoints.virtual;
  assert.equal(
    rules?.map(({ script }) => script),
    [{ path: 'v.js' }, { code: 'function g() {}' }],
  );
  assert.equal(
    rules?.map(({ requireSession, proxyOnError }) => [requireSession, proxyOnError]),
    [
      [true, false],
      [false, true],
    ],
  );
});

definitions('CORS, IP lists, limits, lifetimes and tracking', () => {
  const api = apiOf(
    classic({
      CORS: { enable: true, allowed_origins: ['https://a.test'], max_age: 60 },
      enable_ip_whitelisting: true,
      allowed_ips: ['10.1.2.3', '192.168.0.0/16', '2001:db8::/32'],
      enable_ip_blacklisting: true,
      blacklisted_ips: ['192.168.7.7'],
      global_rate_limit: { rate: 2, per: 60 },
      disable_quota: true,
      session_lifetime: 300,
      session_lifetime_respects_key_expiration: true,
      enable_detailed_recording: true,
      tag_headers: ['X-Team'],
      expire_analytics_after: 10,
      tags: ['edge'],
    }),
  );
  assert.equal(api.cors?.allowedOrigins, ['https://a.test']);
  assert.equal(api.cors?.allowedMethods, ['GET', 'POST', 'HEAD']);
  assert.ok(api.ipAccess.allow?.check('192.168.7.7'));
  assert.ok(api.ipAccess.allow?.check('2001:db8::1', 'ipv6'));
  assert.not.ok(api.ipAccess.allow?.check('10.1.2.4'));
  assert.ok(api.ipAccess.deny?.check('192.168.7.7'));
  assert.equal(api.limits, {
    api: { count: 2, seconds: 60 },
    skipRateLimit: false,
    skipQuota: true,
    keepQuotaOnCreate: false,
  });
  assert.equal(api.sessions, { lifetimeMs: 300_000, lifetimeRespectsExpiry: true });
  assert.equal(api.tracking, { off: false, detailed: true, tagHeaders: ['x-team'], expireMs: 10_000 });
  assert.equal(api.tags, ['edge']);
});

definitions('switches that turn a section off', () => {
  const api = apiOf(
    withVersion(
      {
        global_headers: { A: 'a' },
        global_headers_disabled: true,
        global_size_limit: 5,
        global_size_limit_disabled: true,
      },
      {
        tags: ['a'],
        tags_disabled: true,
        domain: 'a.test',
        domain_disabled: true,
        config_data: { a: 1 },
        config_data_disabled: true,
        custom_middleware_bundle: 'b.zip',
        custom_middleware_bundle_disabled: true,
        enable_ip_blacklisting: true,
        blacklisted_ips: ['10.0.0.1'],
        ip_access_control_disabled: true,
        global_rate_limit: { disabled: true, rate: 1, per: 1 },
      },
    ),
  );
  assert.equal(
    [api.tags, api.listen.domain, api.plugins.configData, api.plugins.bundle],
    [[], undefined, undefined, ''],
  );
  assert.ok(api.plugins.configDataDisabled);
  assert.equal([api.ipAccess, api.limits.api], [{}, undefined]);
  assert.equal(api.versions.single?.requestHeaders.set, []);
  assert.is(api.versions.single?.maxBodyBytes, Number.POSITIVE_INFINITY);
});

definitions('event handlers and header injectors', () => {
  const events = {
    AuthFailure: [
      { handler_name: 'eh_dynamic_handler', handler_meta: { name: 'seen', path: 'e.js', id: 'i' } },
      { handler_name: 'cp_dynamic_handler', handler_meta: { name: 'my_handler' } },
      { handler_name: 'eh_log_handler', handler_meta: { disabled: true } },
    ],
  };
  const response_processors = [
    { name: 'header_injector', options: { add_headers: { 'x-i': '1' }, remove_headers: ['Server'] } },
  ];
  const api = apiOf(classic({ event_handlers: { events }, response_processors }));
  assert.equal(api.eventHandlers, [
    { kind: 'javascript', event: 'AuthFailure', name: 'seen', path: 'e.js', id: 'i' },
    { kind: 'coprocess', event: 'AuthFailure', name: 'my_handler' },
  ]);
  assert.equal(api.responseProcessors, [{ delete: ['Server'], set: [['X-I', '1']] }]);
});

definitions('env, secrets and file references are filled in', () => {
  const fields = {
    org_id: 'env://ORG',
    name: 'secrets://name',
    config_data: { token: 'Bearer env://TOKEN', kept: 'env://NOT_SET' },
  };
  const options = { env: { ORG: 'acme', TOKEN: 'say "hi"' }, secrets: { name: 'Named' } };
  const { api, warnings } = parseClassic(classic(fields), 'a.json', options);
  assert.equal([api?.orgId, api?.name], ['acme', 'Named']);
  assert.equal(api?.plugins.configData, { token: 'Bearer say "hi"', kept: 'env://NOT_SET' });
  assert.match(warnings[0] ?? '', /config_data\.kept: env:\/\/NOT_SET is not set/);
});

definitions.run();
