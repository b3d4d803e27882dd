import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseClassic, toPluginSet } from '../../../gateway/definitions/index.ts';
import { apiOf, classic, withPaths } from './sample.ts';

const plugins = suite('plugins of a definition');

/** A keyed API with this `custom_middleware`. */
function hooked(custom_middleware: Record<string, unknown>, fields: Record<string, unknown> = {}) {
  return classic({ use_keyless: false, custom_plugin_auth_enabled: true, custom_middleware, ...fields });
}

plugins('hooks are in the order of phases and lists, disabled ones are not there', () => {
  const { hooks } = apiOf(
    hooked({
      driver: 'grpc',
      response: [{ name: 'r' }],
      post: [{ name: 'post' }],
      auth_check: { name: 'auth' },
      post_key_auth: [{ name: 'pka' }],
      pre: [{ name: 'a' }, { name: 'off', disabled: true }, { name: 'b', raw_body_only: true, require_session: true }],
    }),
  ).plugins;
  assert.equal(
    hooks.map(({ index, type, name }) => `${index} ${type} ${name}`),
    ['0 pre a', '1 pre b', '2 auth auth', '3 postKeyAuth pka', '4 post post', '5 response r'],
  );
  assert.equal([hooks[1]?.rawBodyOnly, hooks[1]?.requireSession], [true, true]);
  assert.equal([hooks[0]?.timeoutMs, hooks[0]?.onError], [5000, 'reject']);
});

plugins('a keyless API has no auth and no post_key_auth hooks', () => {
  const middleware = {
    driver: 'grpc',
    auth_check: { name: 'a' },
    post_key_auth: [{ name: 'b' }],
    post: [{ name: 'c' }],
  };
  const { hooks } = apiOf(hooked(middleware, { use_keyless: true })).plugins;
  assert.equal(
    hooks.map(({ type }) => type),
    ['post'],
  );
});

plugins('an auth_check that nothing enables never runs, and says so', () => {
  const definition = hooked({ driver: 'grpc', auth_check: { name: 'a' } }, { custom_plugin_auth_enabled: false });
  const { api, warnings } = parseClassic(definition, 'a.json');
  assert.equal(api?.plugins.hooks, []);
  assert.ok(api?.auth.token);
  assert.match(warnings[0] ?? '', /custom_middleware\.auth_check: never runs/);
});

plugins('an unknown driver is no refusal: its hooks have no place in the plugin set', () => {
  for (const driver of ['cobol', 'GRPC', '']) {
    const api = apiOf(classic({ custom_middleware: { driver, pre: [{ name: 'p' }] } }));
    assert.is(api.plugins.unknownDriver, driver);
    assert.equal(
      api.plugins.hooks.map(({ index }) => index),
      [-1],
    );
    assert.equal(toPluginSet(api).hooks, []);
  }
});

plugins('without hooks the driver does not matter', () => {
  const api = apiOf(classic({ custom_middleware: { driver: 'cobol', pre: [], post: null } }));
  assert.is(api.plugins.unknownDriver, undefined);
});

plugins('an entry may have a driver, server and policy of its own', () => {
  const interpose = {
    driver: 'grpc',
    server: 'fraud',
    timeoutMs: 200,
    onError: 'continue',
    body: 'none',
    when: { methods: ['get'], path: '/orders/**', header: { name: 'x-canary', value: '1' }, percent: 10 },
  };
  const api = apiOf(
    classic({
      custom_middleware: {
        driver: 'python',
        pre: [
          { name: 'p', path: 'p.py' },
          { name: 'q', interpose },
        ],
      },
    }),
  );
  const [first, second] = api.plugins.hooks;
  assert.equal([first?.driver, first?.path, first?.server], ['python', 'p.py', undefined]);
  assert.equal(
    [second?.driver, second?.server, second?.timeoutMs, second?.onError, second?.body],
    ['grpc', 'fraud', 200, 'continue', 'none'],
  );
  const when = second?.when;
  assert.equal([when?.methods, when?.header, when?.percent], [['GET'], { name: 'X-Canary', value: '1' }, 10]);
  assert.ok(when?.path?.test('/orders/1/items'));
  assert.not.ok(when?.path?.test('/old/orders/1'));
});

plugins('an entry with a driver of its own does not need the API’s', () => {
  const typescript = { driver: 'typescript', isolation: 'none', instances: 2 };
  const api = apiOf(classic({ custom_middleware: { pre: [{ name: 'p', path: 'p.ts', interpose: typescript }] } }));
  assert.is(api.plugins.unknownDriver, undefined);
  const [hook] = toPluginSet(api).hooks;
  assert.equal([hook?.driver, hook?.isolation, hook?.instances], ['typescript', 'none', 2]);
});

plugins('a Python hook picks an environment by a name of the configuration, and by no other', () => {
  const entry = { name: 'score', interpose: { environment: 'ml' } };
  const definition = hooked({ driver: 'python', pre: [entry] });
  const [hook] = toPluginSet(apiOf(definition, { pythonEnvironments: ['ml'] })).hooks;
  assert.is(hook?.environment, 'ml');
  const { refusal } = parseClassic(definition, 'a.json', { pythonEnvironments: ['old'] });
  const [problem] = refusal?.problems ?? [];
  assert.is(problem?.path, 'custom_middleware.pre[0].interpose.environment');
  assert.match(JSON.stringify(problem), /no Python .* name \\"ml\\".*add it to python.environments .* old/);
  // A coprocess that is another process has them, and tells.
  assert.is(toPluginSet(apiOf(definition)).hooks[0]?.environment, 'ml');
  const lua = parseClassic(hooked({ driver: 'lua', pre: [entry] }), 'a.json');
  assert.match(JSON.stringify(lua.refusal?.problems), /means nothing to the driver \\"lua\\"/);
});

plugins('an auth hook may let callers in on failure only when the operator says so twice', () => {
  const definition = hooked({ driver: 'grpc', auth_check: { name: 'a', interpose: { onError: 'continue' } } });
  const { refusal } = parseClassic(definition, 'a.json');
  assert.is(refusal?.problems[0]?.path, 'custom_middleware.auth_check.interpose.onError');
  const [hook] = apiOf(definition, { authMayContinue: true }).plugins.hooks;
  assert.is(hook?.onError, 'continue');
});

plugins('deadlines default to the configuration, by driver if it says so', () => {
  const custom_middleware = { driver: 'otto', pre: [{ name: 'a' }, { name: 'b', interpose: { driver: 'grpc' } }] };
  const options = { hookTimeoutMs: 700, driverTimeoutMs: { otto: 100 } };
  const { hooks } = apiOf(classic({ custom_middleware }), options).plugins;
  assert.equal(
    hooks.map(({ timeoutMs }) => timeoutMs),
    [100, 700],
  );
});

plugins('endpoint plugins follow the API’s hooks in the set, for every driver', () => {
  const go_plugin = [
    { path: '/a', method: 'GET', plugin_path: 'a.py', func_name: 'one' },
    { path: '/a', method: 'GET', func_name: 'two', interpose: { driver: 'grpc' } },
    { path: '/b', func_name: 'off', disabled: true },
  ];
  const api = apiOf(withPaths({ go_plugin }, { custom_middleware: { driver: 'python', post: [{ name: 'post' }] } }));
  assert.equal(
    toPluginSet(api).hooks.map(({ index, driver, name }) => `${index} ${driver} ${name}`),
    ['0 python post', '1 python one', '2 grpc two'],
  );
  const rules = api.versions.single?.endpoints.plugins;
  assert.equal(
    rules?.map(({ hook }) => hook),
    api.plugins.endpointHooks,
  );
});

plugins('a Go plugin is refused by name, or left out when the operator does without', () => {
  for (const custom_middleware of [
    { driver: 'goplugin', pre: [{ name: 'P', path: 'p.so' }] },
    { driver: 'grpc', response: [{ name: 'P', path: 'p.so' }] },
    { pre: [{ name: 'P', path: 'p.so' }] },
  ]) {
    const definition = classic({ custom_middleware });
    const { refusal } = parseClassic(definition, 'a.json');
    assert.equal([refusal?.kind, refusal?.problems[0]?.feature], ['feature', 'goplugin']);
    assert.equal(apiOf(definition, { ignoreFeatures: ['goplugin'] }).plugins.hooks, []);
  }
});

plugins('with a bundle the hooks of the definition do not count', () => {
  const custom_middleware = { driver: 'grpc', pre: [{ name: 'p' }] };
  const { api, warnings } = parseClassic(classic({ custom_middleware, custom_middleware_bundle: 'b.zip' }), 'a.json');
  assert.equal([api?.plugins.hooks, api?.plugins.bundle], [[], 'b.zip']);
  assert.match(warnings[0] ?? '', /custom_middleware: its hooks do not count/);
});

plugins('bundles are named one by one', () => {
  assert.equal(apiOf(classic({ custom_middleware_bundle: 'a.zip, b.zip,' })).plugins.bundles, ['a.zip', 'b.zip']);
});

plugins('an ID extractor is resolved', () => {
  const extractor = (id_extractor: Record<string, unknown>, driver = 'grpc') =>
    apiOf(hooked({ driver, auth_check: { name: 'a' }, id_extractor })).auth.extractor;
  const header = { extract_from: 'header', extract_with: 'value', extractor_config: { header_name: 'x-cred' } };
  assert.equal(extractor(header), { from: { kind: 'header', name: 'X-Cred' }, with: { kind: 'value' } });
  assert.is(extractor({ ...header, disabled: true }), undefined);
  assert.is(extractor({ ...header, extract_with: 'magic' }), undefined);
  assert.is(extractor(header, 'otto'), undefined);
  assert.is(extractor({ ...header, extractor_config: { header_name: 5 } }), undefined);
  const regex = {
    extract_from: 'body',
    extract_with: 'regex',
    extractor_config: { regex_expression: 'u=[a-z]+', regex_match_index: 1 },
  };
  const found = extractor(regex);
  assert.ok(found?.with.kind === 'regex');
  assert.equal(found.with.pattern.all('u=a u=b'), ['u=a', 'u=b']);
  assert.is(found.with.index, 1);
  const form = {
    extract_from: 'form',
    extract_with: 'xpath',
    extractor_config: { param_name: 'p', xpath_expression: '/a' },
  };
  assert.equal(extractor(form), { from: { kind: 'form', name: 'p' }, with: { kind: 'xpath', expression: '/a' } });
});

plugins('an ID extractor that would give everyone one identity, or cannot work, finds nothing', () => {
  const finder = (extract_from: string, extract_with: string, extractor_config = {}) =>
    apiOf(
      hooked({
        driver: 'grpc',
        auth_check: { name: 'a' },
        id_extractor: { extract_from, extract_with, extractor_config },
      }),
    ).auth.extractor?.with.kind;
  assert.is(finder('body', 'value'), 'none');
  assert.is(finder('querystring', 'value'), 'none');
  assert.is(finder('header', 'value'), 'none');
  assert.is(finder('header', 'regex', { header_name: 'A', regex_expression: '(' }), 'none');
});

plugins('plugin sets with the same content have the same digest, whatever the order of keys', () => {
  const custom_middleware = { driver: 'grpc', pre: [{ name: 'a' }] };
  const set = (config_data: Record<string, unknown>) => toPluginSet(apiOf(classic({ custom_middleware, config_data })));
  assert.is(set({ a: 1, b: { c: 2, d: [3] } }).digest, set({ b: { d: [3], c: 2 }, a: 1 }).digest);
  assert.is.not(set({ a: 1 }).digest, set({ a: 2 }).digest);
  assert.match(set({}).digest, /^[0-9a-f]{64}$/);
});

plugins('what only the gateway knows of a hook is not in the set', () => {
  const interpose = { body: 'none', when: { percent: 5 } };
  const api = apiOf(classic({ custom_middleware: { driver: 'grpc', pre: [{ name: 'a', interpose }] } }));
  const plain = apiOf(classic({ custom_middleware: { driver: 'grpc', pre: [{ name: 'a' }] } }));
  assert.is(toPluginSet(api).digest, toPluginSet(plain).digest);
});

plugins.run();
