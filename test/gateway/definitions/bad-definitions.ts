import { classic, oas, oasOperation, withPaths, withVersion } from './sample.ts';

/** A definition that cannot be honoured, and where its message points. */
export interface BadDefinition {
  readonly wrong: string;
  readonly definition: unknown;
  readonly format?: 'oas';
  /** Path in the document that was written. */
  readonly path: string;
  readonly what: RegExp;
  readonly cure: RegExp;
}

const proxy = { listen_path: '/a/', target_url: 'http://a/' };
const get = { path: '/e', method: 'GET' };
const extendedPath = (list: string, field: string) =>
  `version_data.versions.Default.extended_paths.${list}[0].${field}`;
const hook = (interpose: unknown) =>
  classic({ custom_middleware: { driver: 'grpc', pre: [{ name: 'a', interpose }] } });
const onHook = (field: string) => `custom_middleware.pre[0].interpose.${field}`;
const gateway = 'x-tyk-api-gateway';
const onOperation = (field: string) => `${gateway}.middleware.operations.getUser.${field}`;

function row(wrong: string, definition: unknown, path: string, what: RegExp, cure: RegExp): BadDefinition {
  return { wrong, definition, path, what, cure };
}

function oasRow(wrong: string, definition: unknown, path: string, what: RegExp, cure: RegExp): BadDefinition {
  return { wrong, definition, path, what, cure, format: 'oas' };
}

/** Each yields a message that names file, path and cure. */
export const badDefinitions: readonly BadDefinition[] = [
  row(
    'an export of a dashboard',
    { api_definition: classic({}) },
    'api_definition',
    /holds the definition/,
    /the whole file/,
  ),
  row('a list', [1, 2], '', /must be an object, got a list/, /write an object/),
  row(
    'a text for a switch',
    classic({ active: 'yes' }),
    'active',
    /must be true or false, got "yes"/,
    /write true or false/,
  ),
  row('a number for a text', classic({ name: 5 }), 'name', /must be a string, got 5/, /write a string/),
  row('a text for a list', classic({ tags: 'a' }), 'tags', /must be a list, got "a"/, /write a list/),
  row(
    'an object in a list of texts',
    classic({ tags: [{}] }),
    'tags[0]',
    /must be a string, got an object/,
    /write a string/,
  ),
  row('a list for an object', classic({ proxy: [] }), 'proxy', /must be an object, got a list/, /write an object/),
  row(
    'half a second of lifetime',
    classic({ session_lifetime: 0.5 }),
    'session_lifetime',
    /must be a whole number/,
    /whole/,
  ),
  row('a slash in the id', classic({ api_id: 'a/b' }), 'api_id', /holds a slash or a space/, /write letters/),
  row(
    'no listen path',
    classic({ proxy: { target_url: 'http://a/' } }),
    'proxy.listen_path',
    /is missing/,
    /as \/orders\//,
  ),
  row(
    'a listen path without a slash',
    classic({ proxy: { ...proxy, listen_path: 'a/' } }),
    'proxy.listen_path',
    /does not begin with a slash: "a\/"/,
    /write "\/a\/"/,
  ),
  row(
    'a listen path with a space',
    classic({ proxy: { ...proxy, listen_path: '/a b/' } }),
    'proxy.listen_path',
    /holds a space/,
    /without them/,
  ),
  row(
    'a bad expression in the listen path',
    classic({ proxy: { ...proxy, listen_path: '/{id:(}/' } }),
    'proxy.listen_path',
    /RE2/,
    /RE2 expression after the colon/,
  ),
  row('a bad expression in the domain', classic({ domain: '{a:[}.test' }), 'domain', /RE2/, /RE2 expression/),
  row(
    'no target',
    classic({ proxy: { listen_path: '/a/' } }),
    'proxy.target_url',
    /is missing/,
    /write the URL of your service/,
  ),
  row(
    'a target without a scheme',
    classic({ proxy: { ...proxy, target_url: 'localhost:3000' } }),
    'proxy.target_url',
    /is no URL/,
    /http:\/\//,
  ),
  row(
    'a target without a host',
    classic({ proxy: { ...proxy, target_url: 'http:///x' } }),
    'proxy.target_url',
    /no URL that can be called/,
    /write the URL/,
  ),
  row(
    'a target of a strange scheme',
    classic({ proxy: { ...proxy, target_url: 'ftp://a/' } }),
    'proxy.target_url',
    /no URL that can be called/,
    /write the URL/,
  ),
  row(
    'an empty target in a list',
    classic({ proxy: { ...proxy, enable_load_balancing: true, target_list: ['http://a/', ''] } }),
    'proxy.target_list[1]',
    /is missing/,
    /write the URL/,
  ),
  row(
    'a TLS version that is none',
    classic({ proxy: { ...proxy, transport: { ssl_min_version: 12 } } }),
    'proxy.transport.ssl_min_version',
    /no TLS version: 12/,
    /771/,
  ),
  row(
    'TLS versions upside down',
    classic({ proxy: { ...proxy, transport: { ssl_min_version: 772, ssl_max_version: 771 } } }),
    'proxy.transport.ssl_max_version',
    /below ssl_min_version/,
    /raise it/,
  ),
  row(
    'ciphers that nobody has',
    classic({ proxy: { ...proxy, transport: { ssl_ciphers: ['ROT13'] } } }),
    'proxy.transport.ssl_ciphers',
    /none of these ciphers/,
    /take ssl_ciphers out/,
  ),
  row(
    'a hook without a name',
    classic({ custom_middleware: { driver: 'grpc', pre: [{}] } }),
    'custom_middleware.pre[0].name',
    /is missing/,
    /name the function/,
  ),
  row(
    'a misspelt extension key',
    hook({ timeoutMS: 1, servr: 'x' }),
    onHook('servr'),
    /is no key of the extension/,
    /write "server"/,
  ),
  row(
    'an unknown extension key',
    hook({ colour: 'red' }),
    onHook('colour'),
    /is no key of the extension/,
    /known are driver, server/,
  ),
  row(
    'an unknown driver in the extension',
    hook({ driver: 'cobol' }),
    onHook('driver'),
    /no driver has the name "cobol"/,
    /write one of grpc/,
  ),
  row(
    'a server for a driver that has none',
    hook({ driver: 'python', server: 'x' }),
    onHook('server'),
    /means nothing to the driver "python"/,
    /"driver": "grpc"/,
  ),
  row(
    'a timeout as text',
    hook({ timeoutMs: '5s' }),
    onHook('timeoutMs'),
    /whole number from 1 to 2147483647, got "5s"/,
    /write such a number/,
  ),
  row('a timeout of 0', hook({ timeoutMs: 0 }), onHook('timeoutMs'), /from 1 to/, /write such a number/),
  row(
    'a policy that is none',
    hook({ onError: 'ignore' }),
    onHook('onError'),
    /must be "reject" or "continue", got "ignore"/,
    /write "reject" or "continue"/,
  ),
  row('a body use that is none', hook({ body: 'all' }), onHook('body'), /must be "none" or "buffered"/, /write/),
  row(
    'more than all requests',
    hook({ when: { percent: 101 } }),
    onHook('when.percent'),
    /from 0 to 100, got 101/,
    /percent/,
  ),
  row(
    'a condition without methods',
    hook({ when: { methods: [] } }),
    onHook('when.methods'),
    /would never run/,
    /name a method/,
  ),
  row(
    'a condition on no header',
    hook({ when: { header: { name: 'a b' } } }),
    onHook('when.header.name'),
    /is no header name/,
    /write one/,
  ),
  row(
    'an endpoint without a path',
    withPaths({ size_limits: [{ size_limit: 1 }] }),
    extendedPath('size_limits', 'path'),
    /is missing/,
    /path of the endpoint/,
  ),
  row(
    'a bad expression as endpoint',
    withPaths({ black_list: [{ path: '/a(' }] }),
    extendedPath('black_list', 'path'),
    /missing closing/,
    /RE2/,
  ),
  row(
    'an expression that RE2 lacks',
    withPaths({ url_rewrites: [{ ...get, match_pattern: '(?=a)', rewrite_to: '/b' }] }),
    extendedPath('url_rewrites', 'match_pattern'),
    /is no RE2 expression/,
    /write an RE2 expression/,
  ),
  row(
    'a rewrite to nowhere',
    withPaths({ url_rewrites: [{ ...get, match_pattern: 'a' }] }),
    extendedPath('url_rewrites', 'rewrite_to'),
    /is missing/,
    /new path/,
  ),
  row(
    'a trigger without conditions',
    withPaths({
      url_rewrites: [{ ...get, match_pattern: 'a', rewrite_to: '/b', triggers: [{ on: 'all', rewrite_to: '/c' }] }],
    }),
    extendedPath('url_rewrites', 'triggers[0].options'),
    /would never fire/,
    /add one/,
  ),
  row(
    'a trigger on neither all nor any',
    withPaths({
      url_rewrites: [
        {
          ...get,
          match_pattern: 'a',
          rewrite_to: '/b',
          triggers: [{ on: 'some', options: { payload_matches: { match_rx: 'x' } } }],
        },
      ],
    }),
    extendedPath('url_rewrites', 'triggers[0].on'),
    /"all" or "any", got "some"/,
    /write one/,
  ),
  row(
    'a header name with a space',
    withVersion({ global_headers: { 'X Y': '1' } }),
    'version_data.versions.Default.global_headers.X Y',
    /is no header name/,
    /letters/,
  ),
  row(
    'a secret that is not set',
    withVersion({ global_headers: { A: '$secret_env.none' } }),
    'version_data.versions.Default.global_headers.A',
    /"none", which is not set/,
    /set the secret/,
  ),
  row(
    'a secret store that we lack',
    withVersion({ global_headers: { A: '$secret_vault.x' } }),
    'version_data.versions.Default.global_headers.A',
    /secret store "vault"/,
    /write the value/,
  ),
  row(
    'a mock without a status',
    withPaths({ mock_response: [get] }),
    extendedPath('mock_response', 'code'),
    /no status to answer with: 0/,
    /as 200/,
  ),
  row(
    'a mock with a broken header',
    withPaths({ mock_response: [{ ...get, code: 200, headers: { A: 'a\nb' } }] }),
    extendedPath('mock_response', 'headers.A'),
    /control character/,
    /take it out/,
  ),
  row(
    'a reply of status 1000',
    withPaths({ white_list: [{ path: '/a', method_actions: { GET: { action: 'reply', code: 1000 } } }] }),
    extendedPath('white_list', 'method_actions.GET.code'),
    /no status/,
    /as 200/,
  ),
  row(
    'a method that is none',
    withPaths({ method_transforms: [{ ...get, to_method: 'GET /x' }] }),
    extendedPath('method_transforms', 'to_method'),
    /is no method/,
    /as POST/,
  ),
  row(
    'a negative size',
    withPaths({ size_limits: [{ ...get, size_limit: -1 }] }),
    extendedPath('size_limits', 'size_limit'),
    /must not be negative/,
    /0 for no limit/,
  ),
  row(
    'a duration that is none',
    withPaths({ hard_timeouts: [{ ...get, duration: 'soon' }] }),
    extendedPath('hard_timeouts', 'duration'),
    /is no duration: "soon"/,
    /as 500ms/,
  ),
  row(
    'a global timeout that is none',
    withVersion({ global_enforce_timeout: '1 minute' }),
    'version_data.versions.Default.global_enforce_timeout',
    /is no duration/,
    /as 1m30s/,
  ),
  row(
    'a virtual endpoint without a function',
    withPaths({ virtual: [{ ...get, function_source_type: 'file', function_source_uri: 'a.js' }] }),
    extendedPath('virtual', 'response_function_name'),
    /is missing/,
    /name the function/,
  ),
  row(
    'a virtual endpoint from nowhere',
    withPaths({
      virtual: [{ ...get, response_function_name: 'f', function_source_type: 'url', function_source_uri: 'x' }],
    }),
    extendedPath('virtual', 'function_source_type'),
    /"file" or "blob", got "url"/,
    /write one/,
  ),
  row(
    'a script that is no base64',
    withPaths({
      virtual: [
        { ...get, response_function_name: 'f', function_source_type: 'blob', function_source_uri: 'function f() {}' },
      ],
    }),
    extendedPath('virtual', 'function_source_uri'),
    /is not base64/,
    /encode/,
  ),
  row(
    'an endpoint plugin without a function',
    withPaths({ go_plugin: [{ ...get, plugin_path: 'a.py' }] }, { custom_middleware: { driver: 'python' } }),
    extendedPath('go_plugin', 'func_name'),
    /is missing/,
    /name the function/,
  ),
  row(
    'several versions and no default',
    classic({ version_data: { not_versioned: true, versions: { a: {}, b: {} } } }),
    'version_data.versions',
    /none is "Default"/,
    /name one of them/,
  ),
  row(
    'versions without a place',
    classic({ version_data: { versions: { a: {}, b: {} } } }),
    'definition.location',
    /where a request names its version/,
    /"header", "url-param" or "url"/,
  ),
  row(
    'versions without a header',
    classic({ definition: { location: 'header' }, version_data: { versions: { a: {} } } }),
    'definition.key',
    /is missing/,
    /name the header/,
  ),
  row(
    'a bad version pattern',
    classic({ definition: { url_versioning_pattern: '(' } }),
    'definition.url_versioning_pattern',
    /RE2/,
    /RE2/,
  ),
  row(
    'an IP list with a name',
    classic({ enable_ip_whitelisting: true, allowed_ips: ['10.0.0.1', 'home'] }),
    'allowed_ips[1]',
    /is no address: "home"/,
    /10\.0\.0\.0\/8/,
  ),
  row(
    'an IP range that is too narrow',
    classic({ enable_ip_blacklisting: true, blacklisted_ips: ['10.0.0.1/33'] }),
    'blacklisted_ips[0]',
    /is no address/,
    /range/,
  ),
  row(
    'a negative rate',
    classic({ global_rate_limit: { rate: -1, per: 60 } }),
    'global_rate_limit.rate',
    /must not be negative/,
    /0 for no limit/,
  ),
  row(
    'an unknown event handler',
    classic({ event_handlers: { events: { AuthFailure: [{ handler_name: 'mail' }] } } }),
    'event_handlers.events.AuthFailure[0].handler_name',
    /no event handler has the name "mail"/,
    /eh_log_handler/,
  ),
  row(
    'an event handler without a name',
    classic({ event_handlers: { events: { AuthFailure: [{ handler_name: 'cp_dynamic_handler' }] } } }),
    'event_handlers.events.AuthFailure[0].handler_meta.name',
    /is missing/,
    /name the handler/,
  ),
  row(
    'a secret file that is not there',
    classic({ org_id: 'file:///nowhere/at/all' }),
    'org_id',
    /cannot be read: ENOENT/,
    /path of a file/,
  ),
  oasRow(
    'no extension',
    { openapi: '3.0.3', info: {}, paths: {} },
    '',
    /should contain x-tyk-api-gateway/,
    /add the extension/,
  ),
  oasRow('no name', oas({ info: { name: undefined } }), `${gateway}.info`, /name is required/, /add a name/),
  oasRow('no state', oas({ info: { state: undefined } }), `${gateway}.info`, /state is required/, /"active": true/),
  oasRow('no target', oas({ upstream: { url: undefined } }), `${gateway}.upstream`, /url is required/, /http/),
  oasRow(
    'a target that is none',
    oas({ upstream: { url: 'a:1' } }),
    `${gateway}.upstream.url`,
    /is no URL/,
    /write the URL/,
  ),
  oasRow(
    'a listen path without a slash',
    oas({ server: { listenPath: { value: 'a' } } }),
    `${gateway}.server.listenPath.value`,
    /does not begin with a slash/,
    /write "\/a"/,
  ),
  oasRow(
    'an unknown driver',
    oas({ middleware: { global: { pluginConfig: { driver: 'cobol' } } } }),
    `${gateway}.middleware.global.pluginConfig.driver`,
    /"cobol" must be one of/,
    /write one/,
  ),
  oasRow(
    'a switch as text',
    oas({ middleware: { global: { contextVariables: { enabled: 'on' } } } }),
    `${gateway}.middleware.global.contextVariables.enabled`,
    /must be true or false/,
    /write true/,
  ),
  oasRow(
    'a hook without a function',
    oas({ middleware: { global: { pluginConfig: { driver: 'grpc' }, prePlugins: [{ enabled: true }] } } }),
    `${gateway}.middleware.global.prePlugins[0].functionName`,
    /is missing/,
    /name the function/,
  ),
  oasRow(
    'no weight at all',
    oas({ upstream: { loadBalancing: { enabled: true, targets: [{ url: 'http://a/', weight: 0 }] } } }),
    `${gateway}.upstream.loadBalancing.targets`,
    /no target has a weight/,
    /give one a weight/,
  ),
  oasRow(
    'a rate without a time',
    oas({ upstream: { rateLimit: { enabled: true, rate: 1, per: 'minute' } } }),
    `${gateway}.upstream.rateLimit.per`,
    /is no duration/,
    /as 1m30s/,
  ),
  oasRow(
    'a bad rewrite pattern',
    oasOperation({ urlRewrite: { enabled: true, pattern: '(', rewriteTo: '/x' } }),
    onOperation('urlRewrite.pattern'),
    /missing closing/,
    /RE2/,
  ),
  oasRow(
    'a rewrite condition on nothing',
    oasOperation({
      urlRewrite: {
        enabled: true,
        pattern: '/a',
        rewriteTo: '/x',
        triggers: [{ condition: 'any', rewriteTo: '/y', rules: [{ in: 'headers', name: 'a', pattern: 'b' }] }],
      },
    }),
    onOperation('urlRewrite.triggers[0].rules[0].in'),
    /is no place to look: "headers"/,
    /write one of header/,
  ),
  oasRow(
    'a mock of an example that is not there',
    oasOperation({ mockResponse: { enabled: true, fromOASExamples: { enabled: true, code: 201 } } }),
    onOperation('mockResponse.fromOASExamples'),
    /no example for 201/,
    /add one/,
  ),
  oasRow(
    'a scheme that is not declared',
    oas({
      document: { security: [{ key: [] }] },
      server: { authentication: { enabled: true, securitySchemes: { key: { enabled: true } } } },
    }),
    `${gateway}.server.authentication.securitySchemes.key`,
    /does not declare it/,
    /"apiKey"/,
  ),
];
