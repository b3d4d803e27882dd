import { z } from 'zod';
import { block, feature, harmless, honoured, same, switchedBy } from './field.ts';

const flag = z.boolean();
const number = z.number();
const text = z.string();
const texts = z.array(text);
const byPump = 'it is a matter of tyk-pump';
const certificate = z.object({ domain_name: text.optional(), cert_file: text.optional(), key_file: text.optional() });

export const server = block({
  override_defaults: harmless('the timeouts are honoured without it'),
  read_timeout: honoured(number, '`limits.receiveTimeoutMs` (120)'),
  write_timeout: honoured(number, '`limits.requestTimeoutMs` (120)'),
  use_ssl: honoured(flag, '`tls` of the listener'),
  use_ssl_le: feature(
    'get certificates with a client of Let’s Encrypt, and name them in certificates',
    undefined,
    'UseLE_SSL',
  ),
  ssl_insecure_skip_verify: harmless('it concerns nothing that the listener does'),
  certificates: honoured(z.array(certificate), 'certificates of the listener, the first one and those by name (SNI)'),
  ssl_certificates: feature('name the files in certificates (domain_name, cert_file, key_file)'),
  server_name: harmless('the certificate is picked by the name that the client asks for'),
  min_version: honoured(number, '`tls.minVersion` of the listener'),
  max_version: honoured(number, '`tls.maxVersion` of the listener'),
  ssl_ciphers: honoured(texts, '`tls.ciphers` of the listener', 'Ciphers'),
  skip_client_ca_announcement: harmless('authorities are announced only where client certificates are asked for'),
  enable_http2: honoured(flag, '`http2` of a listener with TLS; without TLS it is on'),
  enable_websockets: honoured(flag, '`routing.webSockets`'),
  enable_strict_routes: same(flag, 'routing.strict'),
  enable_path_prefix_matching: same(flag, 'routing.prefixMatching'),
  enable_path_suffix_matching: same(flag, 'routing.suffixMatching'),
  skip_url_cleaning: same(flag, 'routing.skipUrlCleaning'),
  skip_target_path_escaping: same(flag, 'routing.skipTargetPathEscaping'),
  flush_interval: harmless('what the upstream sends goes on at once'),
  max_request_body_size: same(number, 'limits.maxRequestBodyBytes'),
  max_response_body_size: same(number, 'limits.maxResponseBodyBytes'),
  xff_depth: honoured(number, '`routing.forwardedFor`; 0: the first entry'),
});

export const policies = block({
  policy_source: feature(
    'policies come from files: set it to "file", with policy_path or policy_record_name',
    (source) => !['', 'file', 'files'].includes(source),
  ),
  policy_record_name: honoured(text, '`policies.file`'),
  policy_path: honoured(text, '`policies.folder`; it comes before policy_record_name'),
  policy_connection_string: harmless('see policy_source'),
  allow_explicit_policy_id: harmless('it is without effect in the original', 'AllowExplicitPolicyID'),
});

export const coprocess = block({
  enable_coprocess: honoured(flag, 'off: hooks of the drivers grpc, python and lua cannot be run'),
  coprocess_grpc_server: honoured(text, '`servers.default.target`'),
  grpc_recv_max_size: honoured(number, '`servers.default.maxReceiveBytes` (4 MiB)'),
  grpc_send_max_size: honoured(number, '`servers.default.maxSendBytes` (2 GiB)'),
  grpc_authority: honoured(text, '`servers.default.authority`'),
  grpc_round_robin_load_balancing: honoured(flag, '`servers.default.roundRobin`'),
  python_path_prefix: harmless('the modules that Python plugins import from Tyk are built in'),
  python_version: honoured(text, '`python.version`'),
});

export const storage = {
  type: feature('Redis is the only kind: set it to "redis"', (type) => !['', 'redis'].includes(type)),
  host: honoured(text, '`store.addresses` (localhost)'),
  port: honoured(number, '`store.addresses` (6379)'),
  hosts: honoured(z.record(text, z.union([text, number])), '`store.addresses`'),
  addrs: honoured(texts, '`store.addresses`'),
  master_name: honoured(text, '`store.sentinel.master`'),
  sentinel_username: honoured(text, '`store.sentinel.username`'),
  sentinel_password: honoured(text, '`store.sentinel.password`'),
  username: honoured(text, '`store.username`'),
  password: honoured(text, '`store.password`'),
  database: honoured(number, '`store.database`'),
  timeout: honoured(number, '`store.timeoutMs` (5)'),
  enable_cluster: honoured(flag, '`store.mode: cluster`'),
  use_ssl: honoured(flag, '`store.tls`'),
  ssl_insecure_skip_verify: honoured(flag, '`store.tls.insecureSkipVerify`'),
  ca_file: honoured(text, '`store.tls.ca`'),
  cert_file: honoured(text, '`store.tls.cert`'),
  key_file: honoured(text, '`store.tls.key`'),
  tls_min_version: harmless('TLS 1.2 and 1.3 are spoken'),
  tls_max_version: harmless('TLS 1.2 and 1.3 are spoken'),
  optimisation_max_idle: harmless('commands share one connection', 'MaxIdle'),
  optimisation_max_active: harmless('commands share one connection', 'MaxActive'),
};

export const analytics = {
  type: feature('records go to the store: leave it empty', (type) => !['', 'redis'].includes(type)),
  ignored_ips: same(texts, 'analytics.ignoredIps'),
  enable_detailed_recording: same(flag, 'analytics.detailed'),
  enable_geo_ip: feature('look countries up where the records are read, and set it to false'),
  geo_ip_db_path: harmless('see enable_geo_ip', 'GeoIPDBLocation'),
  normalise_urls: feature('normalise where the records are read, and set enabled to false', switchedBy('enabled')),
  pool_size: harmless('one writer is enough'),
  records_buffer_size: honoured(number, '`analytics.maxQueuedRecords` (1000 at least)'),
  storage_expiration_time: honoured(number, '`analytics.expireMs` (60 s; -1: never)'),
  enable_multiple_analytics_keys: same(flag, 'analytics.multipleKeys'),
  purge_interval: harmless('records are written every 200 ms'),
  csv_dir: harmless(byPump),
  mongo_url: harmless(byPump),
  mongo_db_name: harmless(byPump),
  mongo_collection: harmless(byPump),
  purge_delay: harmless(byPump),
  serializer_type: honoured(
    z.enum(['', 'msgpack', 'protobuf']),
    '`analytics.serializer`; `protobuf` is refused once analytics are on',
  ),
};

export const access = block({
  enabled: same(flag, 'log.accessLog'),
  template: harmless('a line has all fields'),
});

const clientTls = block({
  enable: honoured(flag, 'https to the collector'),
  insecure_skip_verify: honoured(flag, '`tracing.tls.insecureSkipVerify`'),
  ca_file: honoured(text, '`tracing.tls.ca`'),
  cert_file: honoured(text, '`tracing.tls.cert`'),
  key_file: honoured(text, '`tracing.tls.key`'),
  min_version: harmless('TLS 1.2 and 1.3 are spoken'),
  max_version: harmless('TLS 1.2 and 1.3 are spoken'),
});

const traces = {
  enabled: honoured(flag, '`tracing` at all'),
  exporter: honoured(z.enum(['', 'grpc', 'http']), '`tracing.protocol` (grpc)'),
  endpoint: honoured(text, '`tracing.endpoint` (localhost:4317)'),
  headers: honoured(z.record(text, text), '`tracing.headers`'),
  connection_timeout: honoured(number, '`tracing.timeoutMs` (1)'),
  resource_name: honoured(text, '`tracing.serviceName` (tyk-gateway)'),
  span_processor_type: harmless(
    'spans are exported in batches, or one by one with span_batch_config.max_export_batch_size 1',
  ),
  span_batch_config: block({
    max_queue_size: honoured(number, '`tracing.maxQueuedSpans` (2048)'),
    max_export_batch_size: honoured(number, '`tracing.maxBatchSpans` (512)'),
    batch_timeout: honoured(number, '`tracing.batchDelayMs` (5)'),
  }),
  context_propagation: feature(
    'W3C trace context is passed on: leave it at "tracecontext", or set OTEL_PROPAGATORS',
    (kind) => !['', 'tracecontext'].includes(kind),
  ),
  custom_trace_header: harmless('see context_propagation'),
  sampling: block({
    type: honoured(z.enum(['', 'AlwaysOn', 'AlwaysOff', 'TraceIDRatioBased']), '`tracing.ratio`'),
    rate: honoured(number, '`tracing.ratio` (0.5), with TraceIDRatioBased'),
    parent_based: honoured(flag, '`tracing.parentBased`'),
  }),
  tls: clientTls,
};

export const openTelemetry = block({
  ...traces,
  traces: block(traces),
  metrics: feature('read the metrics of Prometheus form instead, and set enabled to false', switchedBy('enabled')),
});

export type TykTraces = NonNullable<z.output<typeof openTelemetry>>['traces'];

export const security = {
  private_certificate_encoding_secret: harmless('there is no store of certificates'),
  control_api_use_mutual_tls: feature(
    'give the control API a port that only its callers can reach, and set it to false',
  ),
  pinned_public_keys: feature('trust one authority instead (upstream.ca of our configuration), and leave it out'),
  certificates: feature(
    'name authorities and client certificates in our own configuration (`interpose migrate`), and leave it out',
  ),
};
