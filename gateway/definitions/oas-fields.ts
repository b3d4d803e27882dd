import { oasCachesSomething } from './caching.ts';
import {
  type Field,
  type FieldTree,
  feature,
  harmless,
  honoured,
  isFilled,
  isTrue,
  listOf,
  mapOf,
  section,
  switchedOn,
} from './field-table.ts';
import type { Fields } from './fields.ts';

const onOff: FieldTree = { enabled: honoured('') };

const withValue: FieldTree = { enabled: honoured(''), value: honoured('') };

/** An object with `enabled` that stands for something we do not have. */
function missing(name: string, cure: string): Field {
  return feature(name, switchedOn('enabled'), cure);
}

const source: FieldTree = { enabled: honoured(''), name: honoured('') };

const plugin: FieldTree = {
  enabled: honoured('an entry that does not say so is not'),
  functionName: honoured('function, export or hook name'),
  path: honoured('source file'),
  code: honoured('the source itself, base64'),
  rawBodyOnly: honoured('only bytes'),
  requireSession: honoured('JavaScript hooks get the session'),
  interpose: honoured('our extension, as in Classic definitions'),
};

const olderList = section({ plugins: listOf(plugin, 'older form; the plural one counts') });

const headers: FieldTree = {
  enabled: honoured(''),
  remove: honoured(''),
  add: listOf({ name: honoured(''), value: honoured('may hold variables') }),
};

const allowance: FieldTree = { enabled: honoured(''), ignoreCase: honoured('') };

const rate: FieldTree = { enabled: honoured(''), rate: honoured(''), per: honoured('as `1m`') };

const operation: FieldTree = {
  allow: section(allowance),
  block: section(allowance),
  ignoreAuthentication: section(allowance),
  internal: section(onOff),
  transformRequestMethod: section({ enabled: honoured(''), toMethod: honoured('') }),
  transformRequestHeaders: section(headers),
  transformResponseHeaders: section(headers),
  urlRewrite: section({
    enabled: honoured(''),
    pattern: honoured('tried on path and query, listen path included'),
    rewriteTo: honoured(''),
    triggers: listOf({
      condition: honoured('`all` or `any`'),
      rewriteTo: honoured(''),
      rules: listOf({ in: honoured(''), name: honoured(''), pattern: honoured(''), negate: honoured('') }),
    }),
  }),
  enforceTimeout: section({ enabled: honoured(''), value: honoured('seconds'), duration: honoured('as `500ms`') }),
  requestSizeLimit: section(withValue),
  rateLimit: section(rate),
  mockResponse: section({
    enabled: honoured('answers after the request hooks'),
    code: honoured('200 by default'),
    body: honoured(''),
    headers: listOf({ name: honoured(''), value: honoured('') }),
    fromOASExamples: section({
      enabled: honoured(''),
      code: honoured(''),
      contentType: honoured(''),
      exampleName: honoured(''),
    }),
  }),
  virtualEndpoint: section({
    enabled: honoured(''),
    name: honoured('older name of `functionName`'),
    functionName: honoured(''),
    path: honoured(''),
    body: honoured('base64; counts before `path`'),
    proxyOnError: honoured(''),
    requireSession: honoured(''),
  }),
  postPlugins: listOf({ ...plugin, name: honoured('older name of `functionName`') }, 'all entries run'),
  trackEndpoint: section(onOff),
  doNotTrackEndpoint: section(onOff),
  cache: harmless('acts only with `middleware.global.cache`, which is then refused'),
  transformRequestBody: missing('body-transforms', 'change the body in a post plugin'),
  transformResponseBody: missing('body-transforms', 'change the body in a response plugin'),
  validateRequest: missing('request-validation', 'check the request in a pre plugin'),
  circuitBreaker: missing('circuit-breakers', 'set `enforceTimeout`, or break circuits behind the gateway'),
};

/** Every field of `x-tyk-api-gateway`. */
export const oasFields: FieldTree = {
  info: section({
    id: honoured('the API’s id; the file’s name when absent'),
    dbId: harmless('database id of the original’s dashboard'),
    orgId: honoured(''),
    name: honoured('required'),
    expiration: honoured('`YYYY-MM-DD HH:MM`, UTC'),
    state: section({
      active: honoured('required; `false`: not served'),
      internal: honoured('reached by `tyk://` only'),
    }),
    versioning: section({
      enabled: honoured('versions are APIs of their own'),
      name: honoured(''),
      default: honoured(''),
      location: honoured(''),
      key: honoured(''),
      versions: listOf({ name: honoured(''), id: honoured('') }),
      stripVersioningData: honoured(''),
      urlVersioningPattern: honoured(''),
      fallbackToDefault: honoured(''),
    }),
  }),
  server: section({
    listenPath: section({ value: honoured('required'), strip: honoured('not by default') }),
    slug: harmless('unused in the original'),
    authentication: section({
      enabled: honoured('absent: keyless'),
      stripAuthorizationData: honoured(''),
      baseIdentityProvider: honoured(''),
      securityProcessingMode: honoured('`compliant` with several requirements is refused'),
      security: honoured('see `securityProcessingMode`'),
      securitySchemes: mapOf({
        enabled: honoured('API keys; JWT, passwords, OAuth and OpenID Connect are refused'),
        header: section(source),
        query: section(source),
        cookie: section(source),
        enableClientCertificate: honoured('refused when on'),
        signatureValidation: honoured('refused when on'),
      }),
      custom: section({
        enabled: honoured(''),
        config: section({
          ...plugin,
          idExtractor: section({
            enabled: honoured(''),
            source: honoured('`header`, `form` or `body`'),
            with: honoured('`value`, `regex` or `xpath`'),
            config: section({
              headerName: honoured(''),
              formParamName: honoured(''),
              regexp: honoured(''),
              regexpMatchIndex: honoured(''),
              xPathExp: honoured(''),
            }),
          }),
        }),
        header: section(source),
        query: section(source),
        cookie: section(source),
      }),
      customKeyLifetime: section({ enabled: honoured(''), value: honoured('as `1h`'), respectValidity: honoured('') }),
      hmac: feature('hmac', whenAuthenticating, 'check signatures in an auth plugin'),
      oidc: feature('openid', whenAuthenticating, 'check tokens in an auth plugin'),
    }),
    clientCertificates: missing('mutual-tls', 'ask for client certificates at a listener (`tls.ca`)'),
    gatewayTags: section({ enabled: honoured(''), tags: honoured('go into traces, as `tyk.api.tags`') }),
    customDomain: section({
      enabled: honoured(''),
      name: honoured('host that the API answers on'),
      certificates: feature(
        'domain-certificates',
        isFilled,
        'give the certificate to a listener of the configuration (`tls.serverNames`)',
      ),
    }),
    detailedActivityLogs: section(onOff),
    detailedTracing: section(onOff),
    eventHandlers: honoured('`custom` and `log`; `webhook` is refused'),
    contextVariables: section(onOff),
    ipAccessControl: section({ enabled: honoured(''), allow: honoured(''), block: honoured('') }),
    batchProcessing: missing('batch', 'send the requests one by one; HTTP/2 carries them on one connection'),
    port: feature('own-port', isFilled, 'take it out and add the port to `listeners` of the configuration'),
    protocol: harmless('listeners speak HTTP/1.1 and HTTP/2'),
  }),
  middleware: section({
    global: section({
      pluginConfig: section({
        driver: honoured('`grpc`, `typescript`, `javascript`, `otto`, `python`, `lua`'),
        bundle: section({ enabled: honoured(''), path: honoured('') }),
        data: section({ enabled: honoured(''), value: honoured('handed to plugins') }),
      }),
      prePlugins: listOf(plugin),
      postAuthenticationPlugins: listOf(plugin),
      postPlugins: listOf(plugin),
      responsePlugins: listOf(plugin),
      prePlugin: olderList,
      postAuthenticationPlugin: olderList,
      postPlugin: olderList,
      responsePlugin: olderList,
      cors: section({
        enabled: honoured(''),
        allowedOrigins: honoured(''),
        allowedMethods: honoured(''),
        allowedHeaders: honoured(''),
        exposedHeaders: honoured(''),
        allowCredentials: honoured(''),
        maxAge: honoured(''),
        optionsPassthrough: honoured(''),
        debug: harmless('log levels are the configuration’s'),
      }),
      cache: feature('caching', oasCachesSomething, 'disable it; cache in front or behind'),
      transformRequestHeaders: section(headers),
      transformResponseHeaders: section(headers),
      contextVariables: section(onOff),
      ignoreCase: section(onOff),
      trafficLogs: section({
        enabled: honoured('analytics records; without the section there are none'),
        tagHeaders: honoured('their values become tags of analytics records'),
        customRetentionPeriod: honoured('as `24h`; analytics records tell it'),
        plugins: feature('analytics-plugin', hasEnabled, 'take them out: they are Go plugins'),
      }),
      requestSizeLimit: section(withValue),
      skipRateLimit: honoured(''),
      skipQuota: honoured(''),
      skipQuotaReset: honoured(''),
    }),
    operations: mapOf(operation),
  }),
  upstream: section({
    url: honoured('required unless `loadBalancing` is on'),
    loadBalancing: section({
      enabled: honoured(''),
      skipUnavailableHosts: harmless('acts only with `uptimeTests`, which are refused'),
      targets: listOf({ url: honoured(''), weight: honoured('a whole number') }),
    }),
    preserveHostHeader: section(onOff),
    preserveTrailingSlash: section(onOff),
    rateLimit: section(rate),
    enforceTimeout: section({ enabled: honoured(''), duration: honoured('as `30s`') }),
    tlsTransport: section({
      insecureSkipVerify: honoured(''),
      ciphers: honoured(''),
      minVersion: honoured('as `1.2`'),
      maxVersion: honoured('as `1.3`'),
      forceCommonNameCheck: harmless('a common name is checked anyway when there is no other'),
    }),
    proxy: missing('upstream-proxy', 'take it out: upstreams are called directly'),
    serviceDiscovery: missing('service-discovery', 'list the targets in `loadBalancing`, or use a DNS name'),
    uptimeTests: missing('uptime-tests', 'take them out: upstreams are not probed'),
    mutualTLS: missing('upstream-certificates', 'take it out: no certificate is shown to upstreams'),
    certificatePinning: missing('certificate-pinning', 'take it out: certificates are checked by their issuer'),
    authentication: missing('upstream-auth', 'set the credentials with a header edit or a post plugin'),
  }),
  errorOverrides: feature(
    'error-overrides',
    isFilled,
    'change errors in a response plugin, or in the configuration (`errors`)',
  ),
};

/** Enabled, below an `authentication` that is enabled. */
function whenAuthenticating(value: unknown, authentication: Fields): boolean {
  return switchedOn('enabled')(value) && authentication.boolean('enabled');
}

function hasEnabled(value: unknown): boolean {
  return Array.isArray(value) && value.some((entry) => switchedOn('enabled')(entry) || isTrue(entry));
}
