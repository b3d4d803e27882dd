import { z } from 'zod';
import { access, analytics, coprocess, openTelemetry, policies, security, server, storage } from './blocks.ts';
import { block, feature, harmless, honoured, same, seconds, switchedBlock, switchedBy } from './field.ts';

const flag = z.boolean();
const number = z.number();
const text = z.string();
const reloads = 'reloads happen when they are asked for';
const oneLimiter = 'rates are counted in one way, over a sliding window in the store';
const oneFolder = 'put the definitions into app_path as files, and set it to false';
const toOutput = 'the log goes to standard output: collect it from there, and leave this empty';
const byDashboard = 'it concerns the Dashboard and MDCB, which we do not talk to';

/** Every key of a tyk.conf that we know of. One that is not here is ignored, as it is there, with a warning. */
export const tykConf = z.object({
  // Where it listens
  listen_address: honoured(text, 'address of the listener'),
  listen_port: honoured(number, 'port of the listener (8080)'),
  hostname: honoured(text, '`routing.hostname`, with enable_custom_domains'),
  enable_custom_domains: same(flag, 'routing.customDomains'),
  control_api_hostname: same(text, 'control.hostname'),
  control_api_port: honoured(number, 'port of the control API, where it has one of its own'),
  secret: honoured(
    text,
    '`control.secret`; the sample one, an empty one and one under 16 characters are refused where others can reach the port',
  ),
  node_secret: harmless(byDashboard),
  http_server_options: server,
  close_connections: honoured(flag, '`keepAlive: false` of the listener'),
  health_check_endpoint_name: honoured(text, '`control.healthPath` (hello)'),
  readiness_check_endpoint_name: honoured(text, '`control.readyPath` (ready)'),
  graceful_shutdown_timeout_duration: seconds('limits.drainTimeoutMs'),
  graceful_shutdown_delay_seconds: seconds('limits.drainDelayMs'),
  disable_ports_whitelist: harmless('APIs with a port of their own are refused one by one', 'DisablePortWhiteList'),
  ports_whitelist: harmless('APIs with a port of their own are refused one by one', 'PortWhiteList'),

  // Definitions, policies, plugins
  app_path: honoured(text, '`definitions.folder` (apps/)'),
  use_db_app_configs: feature(`APIs come from files here: ${oneFolder}`),
  db_app_conf_options: harmless(byDashboard),
  policies,
  secrets: same(z.record(z.string(), z.string()), 'definitions.secrets'),
  kv: feature('take values out of Consul and Vault at deployment, and put them into `secrets` or the environment'),
  middleware_path: honoured(text, '`bundles/` in it is `bundles.folder` (middleware)'),
  template_path: honoured(text, '`errors.templates`, if it exists (templates)'),
  enable_jsvm: honoured(flag, 'off: JavaScript hooks answer 500'),
  jsvm_timeout: honoured(number, '`javascript.timeoutMs` and `javascript.cpuMs` (5)'),
  tyk_js_path: honoured(text, '`javascript.library`, if it exists'),
  disable_virtual_path_blobs: honoured(flag, 'virtual endpoints may not carry their code in the definition'),
  coprocess_options: coprocess,
  enable_bundle_downloader: honoured(flag, '`bundles.download`'),
  bundle_base_url: same(text, 'bundles.baseUrl'),
  bundle_insecure_skip_verify: same(flag, 'bundles.insecureSkipVerify'),
  public_key_path: same(text, 'bundles.publicKey'),
  skip_verify_existing_plugin_bundle: same(flag, 'bundles.skipVerifyExisting'),
  management_node: honoured(flag, 'bundles are not loaded'),
  ignore_canonical_mime_header_key: same(flag, 'contract.keepHeaderCase'),
  suppress_redis_signal_reload: harmless(reloads),
  reload_wait_time: harmless(reloads),
  reload_interval: harmless(reloads),
  pid_file_location: harmless('the service manager knows the process'),

  // Keys and limits
  hash_keys: same(flag, 'keys.hash'),
  hash_key_function: honoured(text, '`keys.hashFunction`; unknown ones count as murmur64'),
  hash_key_function_fallback: honoured(z.array(text), '`keys.hashFallbacks`'),
  enable_hashed_keys_listing: same(flag, 'keys.listHashed'),
  min_token_length: honoured(number, '`keys.minLength` (3)'),
  allow_master_keys: same(flag, 'keys.allowMaster'),
  disable_key_actions_by_username: same(flag, 'keys.fullNameOnly'),
  global_session_lifetime: honoured(number, '`keys.lifetimeMs`, with force_global_session_lifetime'),
  force_global_session_lifetime: same(flag, 'keys.forceLifetime'),
  session_lifetime_respects_key_expiration: same(flag, 'keys.lifetimeRespectsExpiry'),
  local_session_cache: block({
    disable_cached_session_state: honoured(flag, '`keys.cacheMs: 0`', 'DisableCacheSessionState'),
    cached_session_timeout: honoured(number, '`keys.cacheMs` (10 s)'),
    cached_session_eviction: harmless('the cache evicts by itself', 'CacheSessionEviction'),
  }),
  enable_redis_rolling_limiter: harmless(oneLimiter),
  enable_sentinel_rate_limiter: harmless(oneLimiter),
  enable_fixed_window_rate_limiter: harmless(oneLimiter),
  enable_non_transactional_rate_limiter: harmless(oneLimiter),
  drl_threshold: harmless(oneLimiter),
  drl_notification_frequency: harmless(oneLimiter),
  drl_enable_sentinel_rate_limiter: harmless(oneLimiter),
  rate_limit_response_headers: feature('quota headers are sent as ever; leave it at "quotas"', (value) =>
    isOther(value, 'quotas'),
  ),
  enforce_org_quotas: feature('limit keys instead of organisations, and set it to false'),
  enforce_org_data_age: feature('records expire by analytics_config.storage_expiration_time; set it to false'),
  enforce_org_data_detail_logging: feature(
    'use enable_detailed_recording of analytics_config or of an API; set it to false',
  ),
  allow_explicit_policy_id: harmless('it is without effect in the original'),
  monitor: feature(
    'watch quotas through the metrics, and set enable_trigger_monitors to false',
    switchedBy('enable_trigger_monitors'),
  ),

  // Upstreams
  proxy_default_timeout: honoured(number, '`upstream.timeoutMs` (30)'),
  proxy_enable_http2: same(flag, 'upstream.http2'),
  proxy_ssl_insecure_skip_verify: same(flag, 'upstream.insecureSkipVerify'),
  proxy_ssl_min_version: honoured(number, '`upstream.minVersion`'),
  proxy_ssl_max_version: honoured(number, '`upstream.maxVersion`'),
  proxy_ssl_ciphers: honoured(z.array(text), '`upstream.ciphers`', 'ProxySSLCipherSuites'),
  proxy_ssl_disable_renegotiation: harmless(
    'Node never renegotiates when asked by a server',
    'ProxySSLDisableRenegotiation',
  ),
  proxy_close_connections: honoured(flag, '`upstream.keepAlive: false`'),
  max_idle_connections: harmless('idle connections close by themselves', 'MaxIdleConns'),
  max_idle_connections_per_host: harmless('idle connections close by themselves', 'MaxIdleConnsPerHost'),
  max_conn_time: harmless('idle connections close by themselves'),
  ssl_force_common_name_check: feature('the names in the certificate (SAN) are what is checked; set it to false'),
  jwt_ssl_insecure_skip_verify: harmless('APIs with JWT are refused one by one', 'JWTSSLInsecureSkipVerify'),
  dns_cache: harmless('the system resolves names'),
  service_discovery: harmless('APIs with service discovery are refused one by one'),
  uptime_tests: harmless('APIs with uptime tests are refused one by one'),

  // Store
  storage: block(storage),
  enable_separate_cache_store: harmless(
    'APIs with a response cache are refused one by one',
    'EnableSeperateCacheStore',
  ),
  cache_storage: harmless('APIs with a response cache are refused one by one'),
  enable_separate_analytics_store: feature(
    'records go to the one store; set it to false',
    undefined,
    'EnableSeperateAnalyticsStore',
  ),
  analytics_storage: harmless('see enable_separate_analytics_store'),
  optimisations_use_async_session_write: harmless(
    'sessions are written without waiting as it is',
    'UseAsyncSessionWrite',
  ),
  session_update_pool_size: harmless('there is no pool to size'),
  session_update_buffer_size: harmless('there is no pool to size'),
  suppress_default_org_store: harmless('organisations have no store of their own', 'SupressDefaultOrgStore'),
  experimental_process_org_off_thread: harmless('organisations have no limits of their own'),
  basic_auth_hash_key_function: harmless('APIs with basic authentication are refused one by one'),
  disable_regexp_cache: harmless('expressions are compiled once'),
  regexp_cache_expire: harmless('expressions are compiled once'),

  // What is told of requests
  enable_analytics: same(flag, 'analytics.enabled'),
  analytics_config: switchedBlock('enable_analytics', analytics),
  enable_key_logging: harmless('keys are never logged'),
  track_404_logs: harmless('the access log has them'),
  access_logs: access,
  log_level: honoured(text, '`log.level`; TYK_LOGLEVEL comes first'),
  log_format: honoured(text, '`log.format`; TYK_LOGFORMAT comes first'),
  use_syslog: feature(toOutput),
  use_sentry: feature(toOutput),
  use_graylog: feature(toOutput),
  use_logstash: feature(toOutput),
  use_redis_log: harmless(byDashboard),
  syslog_transport: harmless('see use_syslog'),
  syslog_network_addr: harmless('see use_syslog'),
  sentry_code: harmless('see use_sentry'),
  sentry_log_level: harmless('see use_sentry'),
  graylog_network_addr: harmless('see use_graylog'),
  logstash_transport: harmless('see use_logstash'),
  logstash_network_addr: harmless('see use_logstash'),
  statsd_connection_string: feature('read the metrics of Prometheus form instead, and leave it empty'),
  statsd_prefix: harmless('see statsd_connection_string'),
  newrelic: feature('use the `opentelemetry` block, and leave it out', undefined, 'NewRelic'),
  tracing: feature('it was superseded: use the `opentelemetry` block', switchedBy('enabled'), 'Tracer'),
  opentelemetry: openTelemetry,
  health_check: block({
    enable_health_checks: honoured(flag, 'a warning: `/tyk/health` answers as if it were off; the metrics tell more'),
    health_check_value_timeouts: harmless('see enable_health_checks', 'HealthCheckValueTimeout'),
  }),
  liveness_check: harmless('health is checked when it is asked for'),
  enable_http_profiler: harmless('it profiles the original; ours is profiled with `node --inspect`', 'HTTPProfile'),
  enable_config_inspection: feature('`interpose validate` tells what holds; set it to false'),

  // Errors and events
  hide_generator_header: same(flag, 'errors.hideGenerator'),
  override_messages: honoured(
    z.record(z.string(), z.object({ code: z.number().optional(), message: z.string().optional() })),
    '`errors.messages`',
  ),
  error_overrides: feature('change errors with override_messages, templates or a response plugin'),
  event_handlers: feature('give the handlers to the APIs (`event_handlers` of definitions)', hasEvents),
  event_trigers_defunct: harmless('it is without effect in the original', 'EventTriggers'),
  event_triggers_defunct: harmless('it is without effect in the original'),
  version_header: feature('set the header with a response plugin, and leave it empty'),
  ignore_endpoint_case: feature('write endpoint paths as expressions with (?i), and set it to false'),

  // What belongs to features that we have not
  security: block(security),
  slave_options: feature(
    'MDCB is not talked to: put definitions into files, and set use_rpc to false',
    switchedBy('use_rpc'),
  ),
  auth_override: feature('use auth plugins of APIs, and leave it out'),
  streaming: feature('streams are not served; set enabled to false', switchedBy('enabled')),
  labs: harmless('experiments of the original'),
  enable_api_segregation: harmless(byDashboard),
  allow_insecure_configs: harmless(byDashboard),
  allow_remote_config: harmless(byDashboard),
  disable_dashboard_zeroconf: harmless(byDashboard),
  cloud: harmless(byDashboard),
  resource_sync: harmless(byDashboard),
  oauth_refresh_token_expire: harmless('APIs with OAuth are refused one by one', 'OauthRefreshExpire'),
  oauth_token_expire: harmless('APIs with OAuth are refused one by one'),
  oauth_token_expired_retain_period: harmless('APIs with OAuth are refused one by one'),
  oauth_redirect_uri_separator: harmless('APIs with OAuth are refused one by one'),
  oauth_error_status_code: harmless('APIs with OAuth are refused one by one'),
  legacy_enable_allowance_countdown: harmless('it is without effect in the original'),
  private_certificate_encoding_secret: harmless('there is no store of certificates'),
  oas_config: harmless('it concerns what the Dashboard may save'),
});

export type TykConf = z.output<typeof tykConf>;

function isOther(value: unknown, usual: string): boolean {
  return value !== '' && value !== usual;
}

function hasEvents(value: { events?: object } | undefined): boolean {
  return Object.keys(value?.events ?? {}).length > 0;
}
