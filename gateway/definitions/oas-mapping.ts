import {
  type Convert,
  eventHandlers,
  nameValueMap,
  not,
  rewriteTriggers,
  seconds,
  tlsVersion,
  versionMap,
  weightedTargets,
} from './oas-conversions.ts';

/**
 * A field of `x-tyk-api-gateway`, the Classic field that it stands for, and how the one becomes the other: by a function, or, for a list,
 * by rows for the fields of each entry.
 */
export type MappingRow = readonly [oas: string, classic: string, convert?: Convert | readonly MappingRow[]];

const enabled: MappingRow = ['enabled', 'disabled', not];

/** Entries of plugin lists; one that does not say that it is enabled is not. */
const plugins: readonly MappingRow[] = [
  enabled,
  ['functionName', 'name'],
  ['path', 'path'],
  ['code', 'code'],
  ['rawBodyOnly', 'raw_body_only'],
  ['requireSession', 'require_session'],
  ['interpose', 'interpose'],
];

/** The one version that an OAS API has. */
export const oasVersion = 'version_data.versions.';

/** Fields of the whole API. Where two rows have one target, the later one wins if it is there. */
export const apiRows: readonly MappingRow[] = [
  ['info.id', 'api_id'],
  ['info.dbId', 'id'],
  ['info.orgId', 'org_id'],
  ['info.name', 'name'],
  ['info.expiration', 'expiration'],
  ['info.state.active', 'active'],
  ['info.state.internal', 'internal'],
  ['info.versioning.enabled', 'definition.enabled'],
  ['info.versioning.name', 'definition.name'],
  ['info.versioning.default', 'definition.default'],
  ['info.versioning.location', 'definition.location'],
  ['info.versioning.key', 'definition.key'],
  ['info.versioning.versions', 'definition.versions', versionMap],
  ['info.versioning.stripVersioningData', 'definition.strip_versioning_data'],
  ['info.versioning.urlVersioningPattern', 'definition.url_versioning_pattern'],
  ['info.versioning.fallbackToDefault', 'definition.fallback_to_default'],
  ['server.listenPath.value', 'proxy.listen_path'],
  ['server.listenPath.strip', 'proxy.strip_listen_path'],
  ['server.customDomain.enabled', 'domain_disabled', not],
  ['server.customDomain.name', 'domain'],
  ['server.customDomain.certificates', 'certificates'],
  ['server.gatewayTags.enabled', 'tags_disabled', not],
  ['server.gatewayTags.tags', 'tags'],
  ['server.port', 'listen_port'],
  ['server.protocol', 'protocol'],
  ['server.detailedActivityLogs.enabled', 'enable_detailed_recording'],
  ['server.detailedTracing.enabled', 'detailed_tracing'],
  ['server.ipAccessControl.enabled', 'ip_access_control_disabled', not],
  ['server.ipAccessControl.allow', 'allowed_ips'],
  ['server.ipAccessControl.block', 'blacklisted_ips'],
  ['server.eventHandlers', 'event_handlers.events', eventHandlers],
  ['server.authentication.enabled', 'use_keyless', not],
  ['server.authentication.stripAuthorizationData', 'strip_auth_data'],
  ['server.authentication.baseIdentityProvider', 'base_identity_provided_by'],
  ['server.authentication.customKeyLifetime.value', 'session_lifetime', seconds],
  ['server.authentication.customKeyLifetime.respectValidity', 'session_lifetime_respects_key_expiration'],
  ['server.authentication.custom.enabled', 'custom_plugin_auth_enabled'],
  ['server.authentication.custom.config.enabled', 'custom_middleware.auth_check.disabled', not],
  ['server.authentication.custom.config.functionName', 'custom_middleware.auth_check.name'],
  ['server.authentication.custom.config.path', 'custom_middleware.auth_check.path'],
  ['server.authentication.custom.config.rawBodyOnly', 'custom_middleware.auth_check.raw_body_only'],
  ['server.authentication.custom.config.requireSession', 'custom_middleware.auth_check.require_session'],
  ['server.authentication.custom.config.interpose', 'custom_middleware.auth_check.interpose'],
  ['server.authentication.custom.config.idExtractor.enabled', 'custom_middleware.id_extractor.disabled', not],
  ['server.authentication.custom.config.idExtractor.source', 'custom_middleware.id_extractor.extract_from'],
  ['server.authentication.custom.config.idExtractor.with', 'custom_middleware.id_extractor.extract_with'],
  [
    'server.authentication.custom.config.idExtractor.config.headerName',
    'custom_middleware.id_extractor.extractor_config.header_name',
  ],
  [
    'server.authentication.custom.config.idExtractor.config.formParamName',
    'custom_middleware.id_extractor.extractor_config.param_name',
  ],
  [
    'server.authentication.custom.config.idExtractor.config.regexp',
    'custom_middleware.id_extractor.extractor_config.regex_expression',
  ],
  [
    'server.authentication.custom.config.idExtractor.config.regexpMatchIndex',
    'custom_middleware.id_extractor.extractor_config.regex_match_index',
  ],
  [
    'server.authentication.custom.config.idExtractor.config.xPathExp',
    'custom_middleware.id_extractor.extractor_config.xpath_expression',
  ],
  ['middleware.global.pluginConfig.driver', 'custom_middleware.driver'],
  ['middleware.global.pluginConfig.bundle.enabled', 'custom_middleware_bundle_disabled', not],
  ['middleware.global.pluginConfig.bundle.path', 'custom_middleware_bundle'],
  ['middleware.global.pluginConfig.data.enabled', 'config_data_disabled', not],
  ['middleware.global.pluginConfig.data.value', 'config_data'],
  ['middleware.global.prePlugin.plugins', 'custom_middleware.pre', plugins],
  ['middleware.global.prePlugins', 'custom_middleware.pre', plugins],
  ['middleware.global.postAuthenticationPlugin.plugins', 'custom_middleware.post_key_auth', plugins],
  ['middleware.global.postAuthenticationPlugins', 'custom_middleware.post_key_auth', plugins],
  ['middleware.global.postPlugin.plugins', 'custom_middleware.post', plugins],
  ['middleware.global.postPlugins', 'custom_middleware.post', plugins],
  ['middleware.global.responsePlugin.plugins', 'custom_middleware.response', plugins],
  ['middleware.global.responsePlugins', 'custom_middleware.response', plugins],
  ['middleware.global.trafficLogs.enabled', 'do_not_track', not],
  ['middleware.global.trafficLogs.tagHeaders', 'tag_headers'],
  ['middleware.global.trafficLogs.customRetentionPeriod', 'expire_analytics_after', seconds],
  ['server.contextVariables.enabled', 'enable_context_vars'],
  ['middleware.global.contextVariables.enabled', 'enable_context_vars'],
  ['middleware.global.cors.enabled', 'CORS.enable'],
  ['middleware.global.cors.allowedOrigins', 'CORS.allowed_origins'],
  ['middleware.global.cors.allowedMethods', 'CORS.allowed_methods'],
  ['middleware.global.cors.allowedHeaders', 'CORS.allowed_headers'],
  ['middleware.global.cors.exposedHeaders', 'CORS.exposed_headers'],
  ['middleware.global.cors.allowCredentials', 'CORS.allow_credentials'],
  ['middleware.global.cors.maxAge', 'CORS.max_age'],
  ['middleware.global.cors.optionsPassthrough', 'CORS.options_passthrough'],
  ['middleware.global.transformRequestHeaders.enabled', `${oasVersion}.global_headers_disabled`, not],
  ['middleware.global.transformRequestHeaders.remove', `${oasVersion}.global_headers_remove`],
  ['middleware.global.transformRequestHeaders.add', `${oasVersion}.global_headers`, nameValueMap],
  ['middleware.global.transformResponseHeaders.enabled', `${oasVersion}.global_response_headers_disabled`, not],
  ['middleware.global.transformResponseHeaders.remove', `${oasVersion}.global_response_headers_remove`],
  ['middleware.global.transformResponseHeaders.add', `${oasVersion}.global_response_headers`, nameValueMap],
  ['middleware.global.requestSizeLimit.enabled', `${oasVersion}.global_size_limit_disabled`, not],
  ['middleware.global.requestSizeLimit.value', `${oasVersion}.global_size_limit`],
  ['middleware.global.ignoreCase.enabled', `${oasVersion}.ignore_endpoint_case`],
  ['middleware.global.skipRateLimit', 'disable_rate_limit'],
  ['middleware.global.skipQuota', 'disable_quota'],
  ['middleware.global.skipQuotaReset', 'dont_set_quota_on_create'],
  ['upstream.url', 'proxy.target_url'],
  ['upstream.loadBalancing.enabled', 'proxy.enable_load_balancing'],
  ['upstream.loadBalancing.skipUnavailableHosts', 'proxy.check_host_against_uptime_tests'],
  ['upstream.loadBalancing.targets', 'proxy.target_list', weightedTargets],
  ['upstream.preserveHostHeader.enabled', 'proxy.preserve_host_header'],
  ['upstream.preserveTrailingSlash.enabled', 'proxy.disable_strip_slash'],
  ['upstream.rateLimit.enabled', 'global_rate_limit.disabled', not],
  ['upstream.rateLimit.rate', 'global_rate_limit.rate'],
  ['upstream.rateLimit.per', 'global_rate_limit.per', seconds],
  ['upstream.enforceTimeout.enabled', `${oasVersion}.global_enforce_timeout_disabled`, not],
  ['upstream.enforceTimeout.duration', `${oasVersion}.global_enforce_timeout`],
  ['upstream.tlsTransport.insecureSkipVerify', 'proxy.transport.ssl_insecure_skip_verify'],
  ['upstream.tlsTransport.ciphers', 'proxy.transport.ssl_ciphers'],
  ['upstream.tlsTransport.minVersion', 'proxy.transport.ssl_min_version', tlsVersion],
  ['upstream.tlsTransport.maxVersion', 'proxy.transport.ssl_max_version', tlsVersion],
  ['upstream.tlsTransport.forceCommonNameCheck', 'proxy.transport.ssl_force_common_name_check'],
];

/** Authentication sources; where a scheme's key is looked for. */
export const sourceRows: readonly MappingRow[] = [
  ['header.enabled', 'disable_header', not],
  ['header.name', 'auth_header_name'],
  ['query.enabled', 'use_param'],
  ['query.name', 'param_name'],
  ['cookie.enabled', 'use_cookie'],
  ['cookie.name', 'cookie_name'],
];

/** What an operation's middleware becomes: an entry of a list of `extended_paths`, beside path and method. */
export interface OperationMapping {
  readonly list: string;
  readonly rows: readonly MappingRow[];
}

/** By name of the middleware. */
export const operationMappings: Readonly<Record<string, OperationMapping>> = {
  allow: { list: 'white_list', rows: [enabled, ['ignoreCase', 'ignore_case']] },
  block: { list: 'black_list', rows: [enabled, ['ignoreCase', 'ignore_case']] },
  ignoreAuthentication: { list: 'ignored', rows: [enabled, ['ignoreCase', 'ignore_case']] },
  internal: { list: 'internal', rows: [enabled] },
  transformRequestMethod: { list: 'method_transforms', rows: [enabled, ['toMethod', 'to_method']] },
  transformRequestHeaders: {
    list: 'transform_headers',
    rows: [enabled, ['remove', 'delete_headers'], ['add', 'add_headers', nameValueMap]],
  },
  transformResponseHeaders: {
    list: 'transform_response_headers',
    rows: [enabled, ['remove', 'delete_headers'], ['add', 'add_headers', nameValueMap]],
  },
  urlRewrite: {
    list: 'url_rewrites',
    rows: [
      enabled,
      ['pattern', 'match_pattern'],
      ['rewriteTo', 'rewrite_to'],
      ['triggers', 'triggers', rewriteTriggers],
    ],
  },
  enforceTimeout: { list: 'hard_timeouts', rows: [enabled, ['value', 'timeout'], ['duration', 'duration']] },
  requestSizeLimit: { list: 'size_limits', rows: [enabled, ['value', 'size_limit']] },
  rateLimit: { list: 'rate_limit', rows: [enabled, ['rate', 'rate'], ['per', 'per', seconds]] },
  trackEndpoint: { list: 'track_endpoints', rows: [enabled] },
  doNotTrackEndpoint: { list: 'do_not_track_endpoints', rows: [enabled] },
  virtualEndpoint: {
    list: 'virtual',
    rows: [
      enabled,
      ['name', 'response_function_name'],
      ['functionName', 'response_function_name'],
      ['path', 'function_source_uri'],
      ['body', 'function_source_uri'],
      ['proxyOnError', 'proxy_on_error'],
      ['requireSession', 'use_session'],
    ],
  },
};

/** Entries of an operation's `postPlugins`, as entries of `go_plugin`. */
export const endpointPluginRows: readonly MappingRow[] = [
  enabled,
  ['name', 'func_name'],
  ['functionName', 'func_name'],
  ['path', 'plugin_path'],
  ['rawBodyOnly', 'raw_body_only'],
  ['requireSession', 'require_session'],
  ['interpose', 'interpose'],
];
