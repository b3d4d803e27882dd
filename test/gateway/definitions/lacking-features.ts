import { parseClassic, parseOas } from '../../../gateway/definitions/index.ts';
import { classic, oas, oasOperation, withPaths } from './sample.ts';

/** A definition that switches on one thing that we do not have. */
export interface LackingFeature {
  readonly path: string;
  readonly feature: string;
  readonly definition: Record<string, unknown>;
  readonly parse: typeof parseClassic;
}

const entry = [{ path: '/a', method: 'GET' }];
const proxy = { listen_path: '/a/', target_url: 'http://a/' };

function lacking(path: string, feature: string, fields: Record<string, unknown>): LackingFeature {
  return { path, feature, definition: classic({ use_keyless: false, ...fields }), parse: parseClassic };
}

function lackingPath(list: string, feature: string): LackingFeature {
  const path = `version_data.versions.Default.extended_paths.${list}`;
  return { path, feature, definition: withPaths({ [list]: entry }), parse: parseClassic };
}

function versionWith(paths: Record<string, unknown>): object {
  const version = { name: 'Default', use_extended_paths: true, extended_paths: paths };
  return { version_data: { not_versioned: true, versions: { Default: version } } };
}

export const features: readonly LackingFeature[] = [
  lacking('enable_jwt', 'jwt', { enable_jwt: true }),
  lacking('use_oauth2', 'oauth', { use_oauth2: true }),
  lacking('external_oauth', 'oauth', { external_oauth: { enabled: true } }),
  lacking('use_openid', 'openid', { use_openid: true }),
  lacking('use_basic_auth', 'basic-auth', { use_basic_auth: true }),
  lacking('Enable_Signature_Checking', 'hmac', {
    Enable_Signature_Checking: true,
  }),
  lacking('use_mutual_tls_auth', 'mutual-tls', { use_mutual_tls_auth: true }),
  lacking('auth_configs.authToken.use_certificate', 'mutual-tls', {
    auth_configs: { authToken: { use_certificate: true } },
  }),
  lacking('auth.validate_signature', 'key-signatures', { auth: { validate_signature: true } }),
  lacking('protocol', 'tcp', { protocol: 'tcp' }),
  lacking('proxy.target_url', 'tcp', { proxy: { ...proxy, target_url: 'tcp://a:1' } }),
  lacking('listen_port', 'own-port', { listen_port: 9000 }),
  lacking('enable_proxy_protocol', 'proxy-protocol', { enable_proxy_protocol: true }),
  lacking('certificates', 'domain-certificates', { certificates: ['id'] }),
  lacking('proxy.service_discovery', 'service-discovery', {
    proxy: { ...proxy, service_discovery: { use_discovery_service: true } },
  }),
  lacking('proxy.transport.proxy_url', 'upstream-proxy', { proxy: { ...proxy, transport: { proxy_url: 'http://p' } } }),
  lacking('analytics_plugin', 'analytics-plugin', { analytics_plugin: { enable: true } }),
  lacking('upstream_certificates', 'upstream-certificates', { upstream_certificates: { '*': 'id' } }),
  lacking('pinned_public_keys', 'certificate-pinning', { pinned_public_keys: { '*': 'id' } }),
  lacking('upstream_auth', 'upstream-auth', { upstream_auth: { enabled: true } }),
  lacking('request_signing', 'request-signing', { request_signing: { is_enabled: true } }),
  lacking('uptime_tests', 'uptime-tests', { uptime_tests: { check_list: [{ url: 'http://a' }] } }),
  lacking('enable_batch_request_support', 'batch', { enable_batch_request_support: true }),
  lacking('cache_options', 'caching', { cache_options: { enable_cache: true, cache_all_safe_requests: true } }),
  lacking('cache_options', 'caching', {
    cache_options: { enable_cache: true },
    ...versionWith({ cache: ['/a'] }),
  }),
  lacking('cache_options', 'caching', {
    cache_options: { enable_cache: true },
    ...versionWith({ advance_cache_config: entry }),
  }),
  lacking('graphql', 'graphql', { graphql: { enabled: true } }),
  lacking('error_overrides', 'error-overrides', { error_overrides: { '4xx': [{}] } }),
  lacking('application_protocol', 'mcp', { application_protocol: 'mcp' }),
  lacking('name', 'secret-stores', { name: 'vault://engine/name' }),
  lacking('custom_middleware.driver', 'goplugin', {
    custom_middleware: { driver: 'goplugin', pre: [{ name: 'P', path: 'p' }] },
  }),
  lacking('response_processors[0]', 'header-transform', { response_processors: [{ name: 'header_transform' }] }),
  lacking('event_handlers.events.AuthFailure[0]', 'webhooks', {
    event_handlers: { events: { AuthFailure: [{ handler_name: 'eh_web_hook_handler', handler_meta: {} }] } },
  }),
  {
    path: 'version_data.versions.Default.extended_paths.go_plugin[0]',
    feature: 'goplugin',
    definition: withPaths(
      { go_plugin: [{ path: '/a', plugin_path: 'a.so', func_name: 'F' }] },
      { custom_middleware: { driver: 'grpc' } },
    ),
    parse: parseClassic,
  },
  {
    path: 'version_data.versions.Default.extended_paths.url_rewrites[0].match_pattern',
    feature: 'pattern-variables',
    definition: withPaths({ url_rewrites: [{ path: '/a', match_pattern: '/$tyk_meta.tier/x', rewrite_to: '/b' }] }),
    parse: parseClassic,
  },
  lackingPath('transform', 'body-transforms'),
  lackingPath('transform_response', 'body-transforms'),
  lackingPath('transform_jq', 'jq'),
  lackingPath('transform_jq_response', 'jq'),
  lackingPath('circuit_breakers', 'circuit-breakers'),
  lackingPath('validate_json', 'json-validation'),
  lackingPath('validate_request', 'request-validation'),
  lackingPath('persist_graphql', 'graphql'),
];

const on = { enabled: true };

function lackingOas(path: string, feature: string, definition: Record<string, unknown>): LackingFeature {
  return { path: path === '' ? path : `x-tyk-api-gateway.${path}`, feature, definition, parse: parseOas };
}

function lackingScheme(declaration: Record<string, unknown>, feature: string): LackingFeature {
  const document = { components: { securitySchemes: { s: declaration } }, security: [{ s: [] }] };
  const server = { authentication: { enabled: true, securitySchemes: { s: on } } };
  return lackingOas('server.authentication.securitySchemes.s', feature, oas({ document, server }));
}

function lackingMiddleware(name: string, feature: string): LackingFeature {
  return lackingOas(`middleware.operations.getUser.${name}`, feature, oasOperation({ [name]: on }));
}

export const oasFeatures: readonly LackingFeature[] = [
  lackingScheme({ type: 'http', scheme: 'bearer' }, 'jwt'),
  lackingScheme({ type: 'http', scheme: 'basic' }, 'basic-auth'),
  lackingScheme({ type: 'oauth2' }, 'oauth'),
  lackingScheme({ type: 'openIdConnect' }, 'openid'),
  lackingOas('server.authentication.hmac', 'hmac', oas({ server: { authentication: { enabled: true, hmac: on } } })),
  lackingOas('server.authentication.oidc', 'openid', oas({ server: { authentication: { enabled: true, oidc: on } } })),
  lackingOas(
    'server.authentication.securityProcessingMode',
    'security-alternatives',
    oas({
      document: { security: [{ a: [] }, { b: [] }] },
      server: { authentication: { enabled: true, securityProcessingMode: 'compliant' } },
    }),
  ),
  lackingOas('server.clientCertificates', 'mutual-tls', oas({ server: { clientCertificates: on } })),
  lackingOas('server.batchProcessing', 'batch', oas({ server: { batchProcessing: on } })),
  lackingOas(
    'middleware.global.cache',
    'caching',
    oas({ middleware: { global: { cache: { ...on, cacheAllSafeRequests: true } } } }),
  ),
  lackingOas(
    'middleware.global.cache',
    'caching',
    oas({ middleware: { global: { cache: on }, operations: { list: { cache: on } } } }),
  ),
  lackingOas(
    'middleware.global.trafficLogs.plugins',
    'analytics-plugin',
    oas({ middleware: { global: { trafficLogs: { ...on, plugins: [on] } } } }),
  ),
  lackingOas('upstream.serviceDiscovery', 'service-discovery', oas({ upstream: { serviceDiscovery: on } })),
  lackingOas('upstream.uptimeTests', 'uptime-tests', oas({ upstream: { uptimeTests: on } })),
  lackingOas('upstream.mutualTLS', 'upstream-certificates', oas({ upstream: { mutualTLS: on } })),
  lackingOas('upstream.certificatePinning', 'certificate-pinning', oas({ upstream: { certificatePinning: on } })),
  lackingOas('upstream.authentication', 'upstream-auth', oas({ upstream: { authentication: on } })),
  lackingOas('upstream.proxy', 'upstream-proxy', oas({ upstream: { proxy: on } })),
  lackingMiddleware('transformRequestBody', 'body-transforms'),
  lackingMiddleware('transformResponseBody', 'body-transforms'),
  lackingMiddleware('validateRequest', 'request-validation'),
  lackingMiddleware('circuitBreaker', 'circuit-breakers'),
];
