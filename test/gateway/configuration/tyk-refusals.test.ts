import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { loadTykConf } from '../../../gateway/configuration/index.ts';
import { complaint, withFiles } from './files.ts';
import { cert } from './key-pair.ts';

const refusals = suite('what a tyk.conf is refused for');

type Json = Record<string, unknown>;

const base: Json = { listen_address: '127.0.0.1', secret: 'a-secret-of-some-length' };

function complaintAbout(text: string, environment: Record<string, string> = {}): Promise<string> {
  let words = '';
  const read = withFiles({ 'tyk.conf': text }, (folder) => {
    words = complaint(() => loadTykConf(join(folder, 'tyk.conf'), environment)).replaceAll(`${folder}/`, '');
  });
  return read.then(() => words);
}

/** Key, a value that switches it on, what the cure says. */
const features: readonly (readonly [string, unknown, RegExp])[] = [
  ['use_db_app_configs', true, /definitions into app_path as files/],
  ['policies.policy_source', 'service', /Policies come from files/],
  ['policies.policy_source', 'rpc', /Policies come from files/],
  ['slave_options', { use_rpc: true }, /MDCB is not talked to/],
  ['kv', { consul: { address: 'h' } }, /Consul and Vault/],
  ['storage.type', 'mongo', /Redis is the only kind/],
  ['enforce_org_quotas', true, /Limit keys/],
  ['enforce_org_data_age', true, /set it to false/],
  ['enforce_org_data_detail_logging', true, /set it to false/],
  ['monitor', { enable_trigger_monitors: true }, /enable_trigger_monitors to false/],
  ['ssl_force_common_name_check', true, /SAN/],
  ['enable_separate_analytics_store', true, /one store/],
  ['use_syslog', true, /standard output/],
  ['use_sentry', true, /standard output/],
  ['use_graylog', true, /standard output/],
  ['use_logstash', true, /standard output/],
  ['statsd_connection_string', 'h:1', /metrics/],
  ['newrelic', { app_name: 'x', license_key: 'y' }, /opentelemetry/],
  ['tracing', { enabled: true, name: 'jaeger' }, /opentelemetry/],
  ['opentelemetry.context_propagation', 'b3', /tracecontext/],
  ['opentelemetry.metrics', { enabled: true }, /Prometheus/],
  ['enable_config_inspection', true, /interpose validate/],
  ['error_overrides', { '500': [{}, { a: 1 }] }, /override_messages/],
  ['event_handlers', { events: { AuthFailure: [{ handler_name: 'eh_web_hook_handler' }] } }, /definitions/],
  ['version_header', 'x-version', /response plugin/],
  ['ignore_endpoint_case', true, /\(\?i\)/],
  ['rate_limit_response_headers', 'rate_limits', /quotas/],
  ['security.control_api_use_mutual_tls', true, /port that only its callers/],
  ['security.pinned_public_keys', { h: 'fp' }, /one authority/],
  ['security.certificates', { apis: ['id'] }, /interpose migrate/],
  ['auth_override', { force_auth_provider: true }, /auth plugins/],
  ['streaming', { enabled: true }, /streams are not served/i],
  ['http_server_options.use_ssl_le', true, /Let’s Encrypt/],
  ['http_server_options.ssl_certificates', ['id'], /certificates/],
];

function nested(path: string, value: unknown): Json {
  const [first = '', ...rest] = path.split('.');
  return { [first]: rest.length === 0 ? value : nested(rest.join('.'), value) };
}

for (const [path, value, cure] of features) {
  refusals(`${path} ${JSON.stringify(value)}: named with its place and its cure`, async () => {
    const text = await complaintAbout(JSON.stringify({ ...base, ...nested(path, value) }, undefined, 1));
    const [first = '', second = '', ...more] = text.split('\n');
    assert.equal(more, [], text);
    assert.match(first, /^tyk\.conf:\d+:\d+: /);
    assert.ok(first.includes(`"${path}" switches on something that we do not have`), first);
    assert.match(second, cure);
  });
}

refusals('the same keys when they are off', () => {
  const off: Json = {};
  for (const [path, value] of features) {
    const none = typeof value === 'boolean' ? false : typeof value === 'string' ? '' : Array.isArray(value) ? [] : {};
    const [first = '', second] = path.split('.');
    off[first] = second === undefined ? none : { ...(off[first] as Json), [second]: none };
  }
  return withFiles({ 'tyk.conf': JSON.stringify({ ...base, ...off }) }, (folder) => {
    assert.equal(loadTykConf(join(folder, 'tyk.conf'), {}).warnings, []);
  });
});

refusals('a feature that a variable switches on is said to come from there', async () => {
  const text = await complaintAbout(JSON.stringify(base), { TYK_GW_USEDBAPPCONFIGS: 'true' });
  assert.match(text, /^environment variable TYK_GW_USEDBAPPCONFIGS: "use_db_app_configs" switches on/);
});

refusals('what of analytics is not built in, once analytics are on', async () => {
  const conf = {
    ...base,
    enable_analytics: true,
    analytics_config: { enable_geo_ip: true, normalise_urls: { enabled: true }, serializer_type: 'protobuf' },
  };
  const text = await complaintAbout(JSON.stringify(conf));
  assert.match(text, /^tyk\.conf:1:\d+: "analytics_config.enable_geo_ip" switches on/m);
  assert.match(text, /^tyk\.conf:1:\d+: "analytics_config.normalise_urls" switches on/m);
  assert.match(text, /^tyk\.conf:1:\d+: "analytics_config.serializer_type" asks for protobuf.*\n.*msgpack/m);
});

refusals('no analytics that can be had', () => {
  const conf = { ...base, enable_analytics: true, analytics_config: { ignored_ips: ['10.0.0.1'] } };
  return withFiles({ 'tyk.conf': JSON.stringify(conf) }, (folder) => {
    const { analytics, store, warnings } = loadTykConf(join(folder, 'tyk.conf'), {});
    assert.equal([analytics.enabled, analytics.ignoredIps, store.kind, warnings], [true, ['10.0.0.1'], 'redis', []]);
  });
});

refusals('features and wrong values are said together', async () => {
  const text = await complaintAbout(JSON.stringify({ ...base, secret: 'short', listen_address: '', use_syslog: true }));
  assert.match(text, /"use_syslog"/);
  assert.match(text, /"secret" has 5 characters.*\[::\]:8080 can be reached/);
});

const weak: readonly (readonly [string, Json, RegExp])[] = [
  ['the sample secret', { secret: '352d20ee67be67f6340b4c0605b044b7' }, /sample configuration/],
  ['no secret, which is the sample one there', {}, /sample configuration/],
  ['an empty secret', { secret: '' }, /is empty/],
  ['a short secret', { secret: 'golden-secret' }, /13 characters/],
  ['a reference that leads nowhere', { secret: 'env://NOWHERE' }, /is empty/],
];

for (const [what, conf, says] of weak) {
  refusals(`${what} is refused on every interface, and warned of on loopback`, async () => {
    const open = await complaintAbout(JSON.stringify({ listen_port: 9000, ...conf }));
    assert.match(open, says);
    assert.match(open, /openssl rand/);
    assert.not.match(open, /golden-secret|352d20/);
    await withFiles({ 'tyk.conf': JSON.stringify({ listen_address: '127.0.0.1', ...conf }) }, (folder) => {
      assert.match(loadTykConf(join(folder, 'tyk.conf'), {}).warnings.join(), says);
    });
  });
}

const broken: readonly (readonly [string, string, RegExp])[] = [
  [
    'a text for a number',
    '{"listen_port": "8080"}',
    /^tyk\.conf:1:2: "listen_port" must be a number, got a text\n.*"listen_port": 1/,
  ],
  ['a number for a flag', '{"hash_keys": 1}', /"hash_keys" must be true or false, got 1\n.*"hash_keys": true/],
  ['a text for a list', '{"hash_key_function_fallback": "murmur32"}', /must be a list, got a text\n.*\["text"\]/],
  ['a list for a block', '{"storage": []}', /"storage" must be a map, got a list/],
  [
    'an unknown exporter',
    '{"opentelemetry": {"exporter": "zipkin"}}',
    /"opentelemetry.exporter" must be one of grpc, http, got a text/,
  ],
  ['a comma too many', '{\n  "listen_port": 1,\n}', /^tyk\.conf:3:1: this is no valid JSON/],
  ['YAML', 'listen_port: 1', /^tyk\.conf(:1:1)?: this is no valid JSON.*\n.*--config/],
  ['a list', '[]', /no map of settings/],
  ['nothing', '', /no valid JSON/],
];

for (const [what, text, says] of broken) {
  refusals(`${what}: place and cure`, async () => {
    assert.match(await complaintAbout(text), says);
  });
}

refusals('a file that is not there', () => {
  assert.match(
    complaint(() => loadTykConf('/nowhere/tyk.conf', {})),
    /^\/nowhere\/tyk.conf: there is no such file/,
  );
});

refusals('no keys of the examples that come with the original, but for their secret', async () => {
  const storage = { type: 'redis', host: 'redis', port: 6379, username: '', password: '', database: 0 };
  const example = {
    listen_port: 8080,
    template_path: '/opt/tyk-gateway/templates',
    tyk_js_path: '/opt/tyk-gateway/js/tyk.js',
    middleware_path: '/opt/tyk-gateway/middleware',
    use_db_app_configs: false,
    app_path: '/opt/tyk-gateway/apps/',
    storage: { ...storage, optimisation_max_idle: 2000, optimisation_max_active: 4000 },
    enable_analytics: false,
    analytics_config: { type: 'csv', csv_dir: '/tmp', mongo_url: '', purge_delay: -1, ignored_ips: [] },
    health_check: { enable_health_checks: true, health_check_value_timeouts: 60 },
    optimisations_use_async_session_write: true,
    enable_non_transactional_rate_limiter: true,
    enable_sentinel_rate_limiter: false,
    allow_master_keys: false,
    policies: { policy_source: 'file', policy_record_name: '/opt/tyk-gateway/policies/policies.json' },
    hash_keys: true,
    close_connections: false,
    http_server_options: { enable_websockets: true },
    allow_insecure_configs: true,
    coprocess_options: { enable_coprocess: true, coprocess_grpc_server: '' },
    enable_bundle_downloader: true,
    bundle_base_url: '',
    global_session_lifetime: 100,
    force_global_session_lifetime: false,
    max_idle_connections_per_host: 500,
    enable_jsvm: true,
    // What the original writes when it finds no file.
    kv: { consul: { address: '', http_auth: { username: '' }, wait_time: 0 }, vault: { max_retries: 0 } },
    event_handlers: { events: null },
    security: { certificates: { apis: null, upstream: null }, pinned_public_keys: null },
    auth_override: { force_auth_provider: false, auth_provider: { name: '', meta: null } },
    tracing: { name: '', enabled: false, options: null },
    monitor: { enable_trigger_monitors: false, configuration: { method: '' }, global_trigger_limit: 0 },
  };
  const sample = { ...example, secret: '352d20ee67be67f6340b4c0605b044b7' };
  assert.equal((await complaintAbout(JSON.stringify(sample))).match(/"\w+" /g), ['"secret" ']);
  await withFiles({ 'tyk.conf': JSON.stringify({ ...example, ...base }) }, (folder) => {
    const warnings = loadTykConf(join(folder, 'tyk.conf'), {}).warnings.join('\n');
    assert.match(warnings, /tyk_js_path.*\n.*private ones|health_check/);
    assert.not.match(warnings, /unknown/);
  });
});

const cases = join(import.meta.dirname, '../../conformance/cases');

refusals('no tyk.conf of the recordings is', async () => {
  const files = await Array.fromAsync(glob('*.yaml', { cwd: cases }));
  assert.ok(files.length > 3);
  for (const file of files) {
    const [head] = (await readFile(join(cases, file), 'utf8')).split(/^cases:/m, 1);
    const { config = {} } = (parse(head as string) ?? {}) as { config?: Json };
    await withFiles({ 'm/bundle-public.pem': cert }, async (folder) => {
      const text = JSON.stringify(overBase({ ...recorded }, config))
        .replaceAll(/\$\{MIDDLEWARE\}/g, join(folder, 'm'))
        .replaceAll(/\$\{GRPC\}/g, '5555');
      await withFiles({ 'tyk.conf': text }, (place) => {
        assert.ok(loadTykConf(join(place, 'tyk.conf'), {}).compatibility.tykConf);
      });
    });
  }
});

/** What the recordings were made with, save for ports and folders. */
const recorded: Json = {
  listen_address: '127.0.0.1',
  listen_port: 9000,
  secret: 'golden-secret',
  node_secret: 'golden-secret',
  app_path: '/srv/apps',
  middleware_path: '/srv/middleware',
  use_db_app_configs: false,
  enable_jsvm: true,
  jsvm_timeout: 2,
  enable_analytics: false,
  hash_keys: false,
  allow_master_keys: true,
  storage: { type: 'redis', host: '127.0.0.1', port: 6379 },
  policies: { policy_source: 'file', policy_path: '/srv/policies', allow_explicit_policy_id: true },
  coprocess_options: { enable_coprocess: true, coprocess_grpc_server: 'tcp://127.0.0.1:5555' },
  enable_bundle_downloader: true,
  bundle_base_url: 'http://127.0.0.1:5556/',
  bundle_insecure_skip_verify: true,
  close_connections: false,
  max_idle_connections_per_host: 100,
  disable_ports_whitelist: true,
  log_level: 'info',
};

function overBase(under: Json, over: Json): Json {
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const both =
      typeof value === 'object' && value !== null && !Array.isArray(value) && typeof merged[key] === 'object';
    merged[key] = both ? overBase(merged[key] as Json, value as Json) : value;
  }
  return merged;
}

refusals.run();
