import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { oasToClassic, parseClassic, parseOas, toPluginSet } from '../../../gateway/definitions/index.ts';
import { parseTwins } from '../../../gateway/definitions/oas.ts';
import { classic, oas, oasApiOf, oasOperation } from './sample.ts';

const documents = suite('OpenAPI documents');

documents('plugin lists and config data become hooks; entries not enabled do not run', () => {
  const api = oasApiOf(
    oas({
      middleware: {
        global: {
          pluginConfig: { driver: 'grpc', data: { enabled: true, value: { colour: 'blue' } } },
          prePlugins: [
            { enabled: true, functionName: 'pre', interpose: { server: 'fraud' } },
            { enabled: false, functionName: 'off' },
            { functionName: 'absent' },
          ],
          postPlugins: [{ enabled: true, functionName: 'post', path: 'p.py', rawBodyOnly: true }],
          responsePlugins: [{ enabled: true, functionName: 'resp', requireSession: true }],
        },
      },
    }),
  );
  assert.equal(
    api.plugins.hooks.map(({ type, name }) => [type, name]),
    [
      ['pre', 'pre'],
      ['post', 'post'],
      ['response', 'resp'],
    ],
  );
  assert.is(api.plugins.hooks[0]?.server, 'fraud');
  assert.ok(api.plugins.hooks[1]?.rawBodyOnly);
  assert.equal(api.plugins.configData, { colour: 'blue' });
});

documents('the older singular plugin objects are understood; the plural ones count', () => {
  const one = { plugins: [{ enabled: true, functionName: 'old' }] };
  const global = { pluginConfig: { driver: 'grpc' }, prePlugin: one, postPlugin: one };
  const postPlugins = [{ enabled: true, functionName: 'new' }];
  const api = oasApiOf(oas({ middleware: { global: { ...global, postPlugins } } }));
  assert.equal(
    api.plugins.hooks.map(({ type, name }) => [type, name]),
    [
      ['pre', 'old'],
      ['post', 'new'],
    ],
  );
});

documents('what is absent is disabled', () => {
  const api = oasApiOf(
    oas({
      server: { customDomain: { name: 'a.test' } },
      middleware: { global: { pluginConfig: { data: { value: { a: 1 } } } } },
    }),
  );
  assert.ok(api.auth.keyless);
  assert.ok(api.tracking.off);
  assert.is(api.listen.domain, undefined);
  assert.is(api.plugins.configData, undefined);
  assert.not.ok(oasApiOf(oas({ server: { listenPath: { value: '/a/' } } })).listen.strip);
});

documents('a custom auth plugin with its extractor', () => {
  const idExtractor = {
    enabled: true,
    source: 'header',
    with: 'regex',
    config: { headerName: 'X-Cred', regexp: '[^-]+$', regexpMatchIndex: 0 },
  };
  const custom = {
    enabled: true,
    header: { enabled: true, name: 'X-My-Auth' },
    config: { enabled: true, functionName: 'auth', path: 'a.py', idExtractor },
  };
  const { auth, plugins } = oasApiOf(
    oas({
      server: { authentication: { enabled: true, custom } },
      middleware: { global: { pluginConfig: { driver: 'python' } } },
    }),
  );
  assert.equal(
    plugins.hooks.map(({ type, name, path }) => [type, name, path]),
    [['auth', 'auth', 'a.py']],
  );
  assert.equal([auth.keyless, auth.custom, auth.token], [false, true, false]);
  assert.equal(auth.customSource, { header: 'X-My-Auth' });
  assert.equal(auth.extractor?.from, { kind: 'header', name: 'X-Cred' });
});

documents('keys: from where the document declares them, and where the extension says more', () => {
  const document = {
    components: { securitySchemes: { key: { type: 'apiKey', in: 'query', name: 'api_key' } } },
    security: [{ key: [] }, { other: [] }],
  };
  const securitySchemes = { key: { enabled: true, header: { enabled: true, name: 'X-Key' } } };
  const customKeyLifetime = { enabled: true, value: '1h', respectValidity: true };
  const api = oasApiOf(
    oas({ document, server: { authentication: { enabled: true, securitySchemes, customKeyLifetime } } }),
  );
  assert.ok(api.auth.standard);
  assert.equal(api.auth.tokenSource, { header: 'X-Key', param: 'api_key' });
  assert.equal(api.sessions, { lifetimeMs: 3_600_000, lifetimeRespectsExpiry: true });
});

documents('operations become rules for their path and method', () => {
  const rules = oasApiOf(
    oasOperation({
      allow: { enabled: true },
      transformRequestHeaders: { enabled: true, remove: ['x-a'], add: [{ name: 'x-b', value: '1' }] },
      transformRequestMethod: { enabled: true, toMethod: 'POST' },
      urlRewrite: {
        enabled: true,
        pattern: '/users/(\\d+)',
        rewriteTo: '/people/$1',
        triggers: [
          {
            condition: 'all',
            rewriteTo: '/new/$1',
            rules: [
              { in: 'header', name: 'x-new', pattern: '1', negate: true },
              { in: 'requestBody', pattern: 'n' },
            ],
          },
        ],
      },
      enforceTimeout: { enabled: true, value: 1 },
      requestSizeLimit: { enabled: true, value: 2 },
      rateLimit: { enabled: true, rate: 5, per: '1m' },
      trackEndpoint: { enabled: true },
      block: { enabled: false },
    }),
  ).versions.single?.endpoints;
  assert.equal(
    rules?.access.map(({ action, path, method }) => [action, path, method]),
    [['allow', '/users/{id}', 'GET']],
  );
  assert.ok(rules?.closed);
  assert.equal(rules?.requestHeaders[0]?.headers, { delete: ['X-A'], set: [['X-B', '1']] });
  assert.is(rules?.methods[0]?.to, 'POST');
  assert.is(rules?.rewrites[0]?.match.groups('/users/5')?.[1], '5');
  assert.equal(
    rules?.rewrites[0]?.triggers[0]?.conditions.map(({ source, key, negate }) => [source, key, negate]),
    [
      ['header', 'X-New', true],
      ['body', '', false],
    ],
  );
  assert.equal([rules?.timeouts[0]?.timeoutMs, rules?.bodySizes[0]?.maxBodyBytes], [1000, 2]);
  assert.equal(rules?.rateLimits[0]?.limit, { count: 5, seconds: 60 });
  assert.is(rules?.tracked.length, 1);
});

documents('all plugins of an operation run, with drivers of their own', () => {
  const postPlugins = [
    { enabled: true, functionName: 'one', path: 'a.ts', interpose: { driver: 'typescript' } },
    { enabled: false, functionName: 'off' },
    { enabled: true, functionName: 'two', interpose: { driver: 'grpc', timeoutMs: 50 } },
  ];
  const api = oasApiOf(oasOperation({ postPlugins }));
  assert.equal(
    toPluginSet(api).hooks.map(({ name, driver }) => [name, driver]),
    [
      ['one', 'typescript'],
      ['two', 'grpc'],
    ],
  );
  assert.is(api.versions.single?.endpoints.plugins.length, 2);
});

documents('a virtual endpoint’s own body counts before its path', () => {
  const body = Buffer.from('function f() {}').toString('base64');
  const virtualEndpoint = { enabled: true, functionName: 'f', path: 'a.js', body, requireSession: true };
  const [rule] = oasApiOf(oasOperation({ virtualEndpoint })).versions.single?.endpoints.virtual ?? [];
  assert.equal([rule?.script, rule?.requireSession], [{ code: 'function f() {}' }, true]);
});

documents('middleware of an operation that no path has is reported', () => {
  const { api, warnings } = parseOas(
    oas({ middleware: { operations: { gone: { block: { enabled: true } } } } }),
    'a.json',
  );
  assert.ok(api);
  assert.match(warnings[0] ?? '', /operations\.gone: no operation in `paths` has this operationId/);
});

documents('upstream: weights, limits, TLS, timeouts', () => {
  const targets = [
    { url: 'http://a/', weight: 4 },
    { url: 'http://b/', weight: 2 },
  ];
  const api = oasApiOf(
    oas({
      upstream: {
        loadBalancing: { enabled: true, targets },
        rateLimit: { enabled: true, rate: 10, per: '1h0m30s' },
        tlsTransport: { insecureSkipVerify: true, minVersion: '1.2' },
        preserveHostHeader: { enabled: true },
        enforceTimeout: { enabled: true, duration: '90s' },
      },
    }),
  );
  assert.equal(api.target.urls, ['http://a/', 'http://a/', 'http://b/']);
  assert.equal(api.limits.api, { count: 10, seconds: 3630 });
  assert.equal(api.target.tls, { insecureSkipVerify: true, minVersion: 'TLSv1.2' });
  assert.ok(api.target.preserveHost);
  assert.is(api.versions.single?.timeoutMs, 90_000);
});

documents('event handlers, versions and lists of addresses', () => {
  const versioning = {
    enabled: true,
    name: 'v1',
    default: 'self',
    location: 'header',
    key: 'X-V',
    versions: [{ name: 'v2', id: 'b' }],
  };
  const eventHandlers = [
    {
      enabled: true,
      trigger: 'AuthFailure',
      type: 'custom',
      id: 'i',
      name: 'label',
      functionName: 'seen',
      path: 'e.js',
    },
  ];
  const api = oasApiOf(
    oas({ info: { versioning }, server: { eventHandlers, ipAccessControl: { enabled: true, block: ['10.0.0.1'] } } }),
  );
  assert.equal([...(api.versions.children?.apiIds ?? [])], [['v2', 'b']]);
  assert.equal(api.eventHandlers, [{ kind: 'javascript', event: 'AuthFailure', name: 'seen', path: 'e.js', id: 'i' }]);
  assert.ok(api.ipAccess.deny?.check('10.0.0.1'));
  assert.is(api.ipAccess.allow, undefined);
});

documents('a mock answers with what it says', () => {
  const mockResponse = { enabled: true, code: 201, body: 'mocked', headers: [{ name: 'x-mock', value: 'm' }] };
  const [mock] = oasApiOf(oasOperation({ mockResponse })).versions.single?.endpoints.mocks ?? [];
  assert.equal(
    [mock?.path, mock?.method, mock?.reply.status, String(mock?.reply.body)],
    ['/users/{id}', 'GET', 201, 'mocked'],
  );
  assert.equal(mock?.reply.headers, [['X-Mock', 'm']]);
});

documents('a mock answers with an example of the document, or one made from its schema', () => {
  const schema = {
    type: 'object',
    properties: { id: { type: 'integer' }, tags: { type: 'array', items: { $ref: '#/components/schemas/Tag' } } },
  };
  const responses = {
    '200': { content: { 'application/json': { schema } } },
    '202': { content: { 'application/json': { examples: { one: { value: { n: 1 } }, two: { value: { n: 2 } } } } } },
  };
  const mockOf = (fromOASExamples: Record<string, unknown>) => {
    const definition = oasOperation(
      { mockResponse: { enabled: true, fromOASExamples: { enabled: true, ...fromOASExamples } } },
      { responses },
    );
    const components = { schemas: { Tag: { type: 'string', enum: ['red'] } } };
    return oasApiOf({ ...definition, components }).versions.single?.endpoints.mocks[0];
  };
  assert.is(String(mockOf({ code: 202, exampleName: 'two' })?.reply.body), '{"n":2}');
  assert.is(String(mockOf({})?.reply.body), '{"id":0,"tags":["red"]}');
  assert.equal(
    mockOf({})?.examples?.map(({ status, name }) => [status, name]),
    [
      [200, ''],
      [202, 'one'],
      [202, 'two'],
    ],
  );
});

documents('schemas that hold themselves have an example too', () => {
  const components = {
    schemas: { Node: { type: 'object', properties: { next: { $ref: '#/components/schemas/Node' } } } },
  };
  const responses = { '200': { content: { 'application/json': { schema: { $ref: '#/components/schemas/Node' } } } } };
  const definition = oasOperation(
    { mockResponse: { enabled: true, fromOASExamples: { enabled: true } } },
    { responses },
  );
  const [mock] = oasApiOf({ ...definition, components }).versions.single?.endpoints.mocks ?? [];
  assert.match(String(mock?.reply.body), /^\{"next":\{"next":/);
});

documents('the Classic structure of a document makes the same API', () => {
  const document = oasOperation({ block: { enabled: true }, requestSizeLimit: { enabled: true, value: 9 } });
  const structure = JSON.parse(JSON.stringify(oasToClassic(document)));
  assert.ok(structure.is_oas);
  const direct = oasApiOf(document);
  const { api } = parseClassic(structure, 'orders.json');
  assert.equal(JSON.parse(JSON.stringify({ ...api, format: 'oas' })), JSON.parse(JSON.stringify(direct)));
});

documents('of twins the Classic one decides, the document adds its mocks', () => {
  const mockResponse = { enabled: true, code: 201, body: 'm' };
  const document = oasOperation({ mockResponse, block: { enabled: true } });
  const { api } = parseTwins(classic({ is_oas: true, name: 'of the Classic one' }), document, 'orders.json');
  assert.is(api?.name, 'of the Classic one');
  const rules = api?.versions.single?.endpoints;
  assert.equal([rules?.mocks.length, rules?.access.length], [1, 0]);
  const validating = oasOperation({ validateRequest: { enabled: true } });
  const { refusal } = parseTwins(classic({ is_oas: true }), validating, 'orders.json');
  assert.is(refusal?.problems[0]?.feature, 'request-validation');
});

documents.run();
