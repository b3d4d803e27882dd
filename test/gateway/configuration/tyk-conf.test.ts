import { join, relative } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Configuration, loadTykConf } from '../../../gateway/configuration/index.ts';
import { withFiles } from './files.ts';
import { cert, key } from './key-pair.ts';

const tykConf = suite('run by a tyk.conf');

type Json = Record<string, unknown>;

const secret = 'a-secret-of-some-length';
/** The least that starts. */
const base: Json = { listen_address: '127.0.0.1', secret };

/** What becomes of keys of a tyk.conf, and of variables over it. */
async function readTyk(
  conf: Json,
  environment: Record<string, string> = {},
  files: Record<string, string> = {},
): Promise<Configuration> {
  let read: Configuration | undefined;
  await withFiles({ ...files, 'tyk.conf': JSON.stringify({ ...base, ...conf }) }, (folder) => {
    read = loadTykConf(join(folder, 'tyk.conf'), environment);
  });
  return read as Configuration;
}

interface Row {
  readonly what: string;
  readonly conf: Json;
  readonly see: (configuration: Configuration) => unknown;
  readonly is: unknown;
}

const on = { coprocess_options: { enable_coprocess: true, coprocess_grpc_server: 'tcp://127.0.0.1:5555' } };
const coprocess = (options: Json): Json => ({ coprocess_options: { ...on.coprocess_options, ...options } });
const server = (options: Json): Json => ({ http_server_options: options });

const table: readonly Row[] = [
  {
    what: 'listen_port',
    conf: { listen_port: 9000 },
    see: (c) => c.listeners[0]?.address,
    is: { kind: 'tcp', host: '127.0.0.1', port: 9000 },
  },
  {
    what: 'listen_port 0 is 8080',
    conf: { listen_port: 0 },
    see: (c) => c.listeners[0]?.address.kind === 'tcp' && c.listeners[0].address.port,
    is: 8080,
  },
  {
    what: 'listen_address empty is every interface',
    conf: { listen_address: '' },
    see: (c) => c.listeners[0]?.address,
    is: { kind: 'tcp', host: '::', port: 8080 },
  },
  {
    what: 'listen_address of IPv6',
    conf: { listen_address: '::1' },
    see: (c) => c.listeners[0]?.address,
    is: { kind: 'tcp', host: '::1', port: 8080 },
  },
  {
    what: 'control on the main port',
    conf: {},
    see: (c) => [c.control.address, c.control.secret, c.metrics.enabled],
    is: [undefined, secret, false],
  },
  {
    what: 'control_api_port',
    conf: { control_api_port: 9001 },
    see: (c) => [c.control.address, c.metrics.enabled],
    is: [{ kind: 'tcp', host: '127.0.0.1', port: 9001 }, true],
  },
  {
    what: 'control_api_hostname',
    conf: { control_api_hostname: 'c.example' },
    see: (c) => c.control.hostname,
    is: 'c.example',
  },
  { what: 'health names', conf: {}, see: (c) => [c.control.healthPath, c.control.readyPath], is: ['/hello', '/ready'] },
  {
    what: 'other health names',
    conf: { health_check_endpoint_name: 'h', readiness_check_endpoint_name: '/r' },
    see: (c) => [c.control.healthPath, c.control.readyPath],
    is: ['/h', '/r'],
  },
  { what: 'policy_path', conf: { policies: { policy_path: '/p' } }, see: (c) => c.policies.path, is: '/p' },
  {
    what: 'policy_record_name',
    conf: { policies: { policy_source: 'file', policy_record_name: '/p.json' } },
    see: (c) => c.policies.path,
    is: '/p.json',
  },
  { what: 'app_path', conf: { app_path: '/a' }, see: (c) => c.definitions.folder, is: '/a' },
  { what: 'middleware_path', conf: { middleware_path: '/m' }, see: (c) => c.bundles.folder, is: '/m/bundles' },
  { what: 'bundles are off', conf: {}, see: (c) => c.bundles.download, is: false },
  {
    what: 'bundles are on',
    conf: { enable_bundle_downloader: true, bundle_base_url: 'http://h/', bundle_insecure_skip_verify: true },
    see: (c) => [c.bundles.download, c.bundles.baseUrl, c.bundles.insecureSkipVerify],
    is: [true, 'http://h/', true],
  },
  {
    what: 'an empty bundle_base_url is none',
    conf: { bundle_base_url: '' },
    see: (c) => c.bundles.baseUrl,
    is: undefined,
  },
  {
    what: 'coprocess off',
    conf: { coprocess_options: { enable_coprocess: false, coprocess_grpc_server: 'tcp://h:1' } },
    see: (c) => [c.compatibility.coprocessEnabled, c.servers],
    is: [false, {}],
  },
  {
    what: 'coprocess on',
    conf: on,
    see: (c) => [c.compatibility.coprocessEnabled, c.servers.default?.target],
    is: [true, '127.0.0.1:5555'],
  },
  {
    what: 'message sizes of the original',
    conf: on,
    see: (c) => [c.servers.default?.maxReceiveBytes, c.servers.default?.maxSendBytes],
    is: [4_194_304, 2_147_483_647],
  },
  {
    what: 'message sizes',
    conf: coprocess({ grpc_recv_max_size: 5, grpc_send_max_size: 6 }),
    see: (c) => [c.servers.default?.maxReceiveBytes, c.servers.default?.maxSendBytes],
    is: [5, 6],
  },
  {
    what: 'message sizes below 0',
    conf: coprocess({ grpc_recv_max_size: -1, grpc_send_max_size: -1 }),
    see: (c) => [c.servers.default?.maxReceiveBytes, c.servers.default?.maxSendBytes],
    is: [4_194_304, 2_147_483_647],
  },
  {
    what: 'authority, round robin',
    conf: coprocess({ grpc_authority: 'a', grpc_round_robin_load_balancing: true }),
    see: (c) => [c.servers.default?.authority, c.servers.default?.roundRobin],
    is: ['a', true],
  },
  { what: 'python_version', conf: coprocess({ python_version: '3.11' }), see: (c) => c.python.version, is: '3.11' },
  { what: 'enable_jsvm', conf: { enable_jsvm: true }, see: (c) => c.compatibility.jsvmEnabled, is: true },
  { what: 'JavaScript is off', conf: {}, see: (c) => c.compatibility.jsvmEnabled, is: false },
  {
    what: 'jsvm_timeout',
    conf: { jsvm_timeout: 2 },
    see: (c) => [c.javascript.timeoutMs, c.javascript.cpuMs],
    is: [2000, 2000],
  },
  { what: 'jsvm_timeout 0 is 5 s', conf: { jsvm_timeout: 0 }, see: (c) => c.javascript.timeoutMs, is: 5000 },
  {
    what: 'disable_virtual_path_blobs',
    conf: { disable_virtual_path_blobs: true },
    see: (c) => c.compatibility.virtualBlobs,
    is: false,
  },
  { what: 'scripts may go anywhere', conf: {}, see: (c) => c.javascript.privateAddresses, is: true },
  {
    what: 'hash_keys',
    conf: { hash_keys: true, enable_hashed_keys_listing: true },
    see: (c) => [c.keys.hash, c.keys.listHashed, c.keys.hashFunction],
    is: [true, true, undefined],
  },
  {
    what: 'hash_key_function',
    conf: { hash_key_function: 'sha256', hash_key_function_fallback: ['murmur32', 'md5'] },
    see: (c) => [c.keys.hashFunction, c.keys.hashFallbacks],
    is: ['sha256', ['murmur32']],
  },
  {
    what: 'an unknown hash_key_function',
    conf: { hash_key_function: 'md5' },
    see: (c) => c.keys.hashFunction,
    is: 'murmur64',
  },
  { what: 'min_token_length', conf: { min_token_length: 9 }, see: (c) => c.keys.minLength, is: 9 },
  { what: 'allow_master_keys', conf: { allow_master_keys: true }, see: (c) => c.keys.allowMaster, is: true },
  {
    what: 'global_session_lifetime alone does nothing',
    conf: { global_session_lifetime: 60 },
    see: (c) => [c.keys.lifetimeMs, c.keys.forceLifetime],
    is: [0, false],
  },
  {
    what: 'force_global_session_lifetime',
    conf: { global_session_lifetime: 60, force_global_session_lifetime: true },
    see: (c) => [c.keys.lifetimeMs, c.keys.forceLifetime],
    is: [60_000, true],
  },
  {
    what: 'local_session_cache off',
    conf: { local_session_cache: { disable_cached_session_state: true } },
    see: (c) => c.keys.cacheMs,
    is: 0,
  },
  {
    what: 'storage as it is by default',
    conf: {},
    see: (c) => c.store.kind === 'redis' && [c.store.mode, c.store.addresses],
    is: ['single', [{ host: 'localhost', port: 6379 }]],
  },
  {
    what: 'storage',
    conf: { storage: { type: 'redis', host: 'r', port: 1, username: 'u', password: 'p', database: 2, timeout: 3 } },
    see: (c) =>
      c.store.kind === 'redis' && [
        c.store.addresses,
        c.store.username,
        c.store.password,
        c.store.database,
        c.store.timeoutMs,
      ],
    is: [[{ host: 'r', port: 1 }], 'u', 'p', 2, 3000],
  },
  {
    what: 'storage as a cluster',
    conf: { storage: { addrs: ['a:1', 'b:2'], enable_cluster: true, use_ssl: true, ssl_insecure_skip_verify: true } },
    see: (c) => c.store.kind === 'redis' && [c.store.mode, c.store.addresses.length, c.store.tls?.insecureSkipVerify],
    is: ['cluster', 2, true],
  },
  {
    what: 'storage behind sentinels',
    conf: { storage: { addrs: ['a:1'], master_name: 'm', sentinel_password: 's' } },
    see: (c) => c.store.kind === 'redis' && [c.store.mode, c.store.sentinelMaster, c.store.sentinelPassword],
    is: ['sentinel', 'm', 's'],
  },
  {
    what: 'storage by hosts',
    conf: { storage: { hosts: { a: '1', b: 2 }, enable_cluster: true } },
    see: (c) => c.store.kind === 'redis' && c.store.addresses,
    is: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
  },
  {
    what: 'routing as it is by default',
    conf: {},
    see: (c) => [
      c.routing.strict,
      c.routing.prefixMatching,
      c.routing.suffixMatching,
      c.routing.webSockets,
      c.routing.forwardedFor,
    ],
    is: [false, false, false, false, 'first'],
  },
  {
    what: 'routing',
    conf: server({
      enable_strict_routes: true,
      enable_path_prefix_matching: true,
      enable_path_suffix_matching: true,
      enable_websockets: true,
      xff_depth: 1,
      skip_url_cleaning: true,
      skip_target_path_escaping: true,
    }),
    see: (c) => [
      c.routing.strict,
      c.routing.prefixMatching,
      c.routing.suffixMatching,
      c.routing.webSockets,
      c.routing.forwardedFor,
      c.routing.skipUrlCleaning,
      c.routing.skipTargetPathEscaping,
    ],
    is: [true, true, true, true, 1, true, true],
  },
  {
    what: 'hostname needs custom domains',
    conf: { hostname: 'h' },
    see: (c) => [c.routing.customDomains, c.routing.hostname],
    is: [false, undefined],
  },
  {
    what: 'enable_custom_domains',
    conf: { hostname: 'h', enable_custom_domains: true },
    see: (c) => [c.routing.customDomains, c.routing.hostname],
    is: [true, 'h'],
  },
  {
    what: 'timeouts as they are by default',
    conf: {},
    see: (c) => [c.limits.receiveTimeoutMs, c.limits.headersTimeoutMs, c.limits.requestTimeoutMs, c.upstream.timeoutMs],
    is: [120_000, 10_000, 120_000, 30_000],
  },
  {
    what: 'timeouts',
    conf: { ...server({ read_timeout: 5, write_timeout: 7 }), proxy_default_timeout: 1.5 },
    see: (c) => [c.limits.receiveTimeoutMs, c.limits.headersTimeoutMs, c.limits.requestTimeoutMs, c.upstream.timeoutMs],
    is: [5000, 5000, 7000, 1500],
  },
  {
    what: 'sizes',
    conf: server({ max_request_body_size: 5, max_response_body_size: 0 }),
    see: (c) => [c.limits.maxRequestBodyBytes, c.limits.maxResponseBodyBytes],
    is: [5, Number.POSITIVE_INFINITY],
  },
  {
    what: 'draining',
    conf: { graceful_shutdown_timeout_duration: 3, graceful_shutdown_delay_seconds: 1 },
    see: (c) => [c.limits.drainTimeoutMs, c.limits.drainDelayMs],
    is: [3000, 1000],
  },
  { what: 'close_connections', conf: { close_connections: true }, see: (c) => c.listeners[0]?.keepAlive, is: false },
  {
    what: 'upstreams',
    conf: {
      proxy_enable_http2: true,
      proxy_ssl_insecure_skip_verify: true,
      proxy_ssl_min_version: 772,
      proxy_close_connections: true,
      proxy_ssl_ciphers: ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_RSA_WITH_AES_256_CBC_SHA'],
    },
    see: (c) => [
      c.upstream.http2,
      c.upstream.insecureSkipVerify,
      c.upstream.minVersion,
      c.upstream.keepAlive,
      c.upstream.ciphers,
    ],
    is: [true, true, 'TLSv1.3', false, 'ECDHE-RSA-AES128-GCM-SHA256:AES256-SHA'],
  },
  {
    what: 'errors',
    conf: {
      hide_generator_header: true,
      override_messages: {
        'auth.auth_field_missing': { code: 401, message: 'Who?' },
        'auth.key_not_found': { message: 'No' },
      },
    },
    see: (c) => [c.errors.hideGenerator, c.errors.messages],
    is: [
      true,
      {
        'auth.auth_field_missing': { status: 401, message: 'Who?' },
        'auth.key_not_found': { status: undefined, message: 'No' },
      },
    ],
  },
  {
    what: 'ignore_canonical_mime_header_key',
    conf: { ignore_canonical_mime_header_key: true },
    see: (c) => c.contract.keepHeaderCase,
    is: true,
  },
  { what: 'secrets of definitions', conf: { secrets: { k: 'v' } }, see: (c) => c.definitions.secrets, is: { k: 'v' } },
  {
    what: 'secret from secrets',
    conf: { secret: 'secrets://control', secrets: { control: `${secret}-2` } },
    see: (c) => c.control.secret,
    is: `${secret}-2`,
  },
  {
    what: 'the log',
    conf: { log_level: 'WARNING', log_format: 'json', access_logs: { enabled: true } },
    see: (c) => c.log,
    is: { level: 'warn', format: 'json', accessLog: true },
  },
  {
    what: 'no tracing',
    conf: { opentelemetry: { enabled: false, endpoint: 'h:1' } },
    see: (c) => c.tracing,
    is: undefined,
  },
  {
    what: 'tracing',
    conf: { opentelemetry: { enabled: true } },
    see: (c) => [
      c.tracing?.endpoint,
      c.tracing?.protocol,
      c.tracing?.serviceName,
      c.tracing?.ratio,
      c.tracing?.parentBased,
      c.tracing?.batchDelayMs,
    ],
    is: ['http://localhost:4317', 'grpc', 'tyk-gateway', 1, false, 5000],
  },
  {
    what: 'tracing below traces, with TLS',
    conf: {
      opentelemetry: {
        traces: {
          enabled: true,
          exporter: 'http',
          endpoint: 'c:2',
          tls: { enable: true, insecure_skip_verify: true },
          sampling: { type: 'TraceIDRatioBased', rate: 0.1, parent_based: true },
        },
      },
    },
    see: (c) => [
      c.tracing?.endpoint,
      c.tracing?.protocol,
      c.tracing?.ratio,
      c.tracing?.parentBased,
      c.tracing?.tls?.insecureSkipVerify,
    ],
    is: ['https://c:2', 'http', 0.1, true, true],
  },
  {
    what: 'sampling that is off',
    conf: { opentelemetry: { enabled: true, sampling: { type: 'AlwaysOff' } } },
    see: (c) => c.tracing?.ratio,
    is: 0,
  },
  {
    what: 'analytics',
    conf: {
      analytics_config: {
        enable_detailed_recording: true,
        ignored_ips: ['1.1.1.1'],
        storage_expiration_time: -1,
        serializer_type: 'protobuf',
        enable_multiple_analytics_keys: true,
        records_buffer_size: 5,
      },
    },
    see: (c) => c.analytics,
    is: {
      enabled: false,
      detailed: true,
      maxBodyBytes: 65_536,
      ignoredIps: ['1.1.1.1'],
      serializer: 'protobuf',
      multipleKeys: true,
      expireMs: Number.POSITIVE_INFINITY,
      maxQueuedRecords: 1000,
    },
  },
  {
    what: 'keys in other letters',
    conf: { Listen_Port: 9002, HASH_KEYS: true, Storage: { HOST: 'r' } },
    see: (c) => [
      c.listeners[0]?.address.kind === 'tcp' && c.listeners[0].address.port,
      c.keys.hash,
      c.store.kind === 'redis' && c.store.addresses[0]?.host,
    ],
    is: [9002, true, 'r'],
  },
  {
    what: 'the exact key before one in other letters',
    conf: { HASH_KEYS: true, hash_keys: false },
    see: (c) => c.keys.hash,
    is: false,
  },
  {
    what: 'null is the default',
    conf: { listen_port: null, policies: null, hash_keys: null },
    see: (c) => [c.keys.hash, c.listeners[0]?.address.kind === 'tcp' && c.listeners[0].address.port],
    is: [false, 8080],
  },
];

for (const { what, conf, see, is } of table) {
  tykConf(what, async () => {
    assert.equal(see(await readTyk(conf)), is);
  });
}

/** `coprocess_grpc_server` -> target, or what is said of it. */
const targets: readonly (readonly [string, string | RegExp])[] = [
  ['tcp://127.0.0.1:5555', '127.0.0.1:5555'],
  ['localhost:5555', 'localhost:5555'],
  ['dns:///plugins:5555', 'dns:///plugins:5555'],
  ['unix:///run/p.sock', 'unix:/run/p.sock'],
  ['unix:/run/p.sock', 'unix:/run/p.sock'],
  ['127.0.0.1:5555', /without a scheme/],
  ['[::1]:5555', /without a scheme/],
  ['my_host:5555', /without a scheme/],
  ['://invalid', /no scheme/],
  ['http://h:5555', /kind http/],
  ['', /empty/],
];

for (const [text, becomes] of targets) {
  tykConf(
    `coprocess_grpc_server "${text}" ${typeof becomes === 'string' ? 'is a target' : 'leaves the driver unloaded'}`,
    async () => {
      const { servers, compatibility } = await readTyk(coprocess({ coprocess_grpc_server: text }));
      if (typeof becomes === 'string') {
        assert.is(servers.default?.target, becomes);
        assert.is(compatibility.defaultServerProblem, undefined);
      } else {
        assert.is(servers.default, undefined);
        assert.match(compatibility.defaultServerProblem ?? '', becomes);
      }
    },
  );
}

tykConf('TLS: the first certificate is the default, the others go by name', async () => {
  const certificate = { cert_file: 'c.pem', key_file: 'k.pem' };
  const options = {
    use_ssl: true,
    enable_http2: true,
    certificates: [certificate, { ...certificate, domain_name: 'two.example' }],
    min_version: 769,
  };
  await withFiles({ 'c.pem': cert, 'k.pem': key }, async (folder) => {
    const at = (one: Json): Json => ({ ...one, cert_file: join(folder, 'c.pem'), key_file: join(folder, 'k.pem') });
    const { listeners, warnings } = await readTyk(server({ ...options, certificates: options.certificates.map(at) }));
    const [listener] = listeners;
    assert.equal([listener?.http2, listener?.tls?.cert, listener?.tls?.minVersion], [true, cert, 'TLSv1.2']);
    assert.equal(
      listener?.tls?.serverNames.map(({ name }) => name),
      ['two.example'],
    );
    assert.match(warnings.join(), /min_version asks for a version before TLS 1.2/);
  });
});

tykConf('relative paths start from the working directory, and else from the folder of the tyk.conf', () =>
  withFiles({ 'tyk.conf': JSON.stringify(base), 'apps/a.json': '{}', 'templates/error.json': '{}' }, (folder) => {
    const { definitions, bundles, errors, plugins } = loadTykConf(join(folder, 'tyk.conf'), {});
    assert.is(definitions.folder, join(folder, 'apps'));
    assert.is(errors.templates, join(folder, 'templates'));
    assert.is(bundles.folder, join(process.cwd(), 'middleware/bundles'));
    assert.equal(plugins.folders, [process.cwd(), folder]);
    const here = { ...base, app_path: relative(process.cwd(), join(folder, 'apps')) };
    return withFiles({ 'tyk.conf': JSON.stringify(here) }, (other) => {
      assert.is(loadTykConf(join(other, 'tyk.conf'), {}).definitions.folder, join(folder, 'apps'));
    });
  }),
);

tykConf('tyk_js_path is a library if it exists, and a warning else', async () => {
  const { javascript, warnings } = await readTyk({ tyk_js_path: '/nowhere/lib.js' });
  assert.is(javascript.library, undefined);
  assert.match(warnings.join(), /\/nowhere\/lib.js, which does not exist/);
});

tykConf('TYK_GW_ variables are the field names, and come before the file', async () => {
  const { listeners, keys, servers, compatibility, store, limits, python, control, policies, definitions, analytics } =
    await readTyk(
      { listen_port: 1 },
      {
        TYK_GW_LISTENPORT: '9003',
        TYK_GW_SECRET: `${secret}-3`,
        TYK_GW_HASHKEYS: 'true',
        TYK_GW_HASHKEYFUNCTIONFALLBACK: 'murmur32,sha256',
        TYK_GW_ENABLEJSVM: '1',
        TYK_GW_STORAGE_HOST: 'redis',
        TYK_GW_STORAGE_MAXIDLE: '5',
        TYK_GW_COPROCESSOPTIONS_ENABLECOPROCESS: 'true',
        TYK_GW_COPROCESSOPTIONS_COPROCESSGRPCSERVER: 'tcp://p:5',
        TYK_GW_COPROCESSOPTIONS_PYTHONVERSION: '3.11',
        TYK_GW_HTTPSERVEROPTIONS_MAXREQUESTBODYSIZE: '7',
        TYK_GW_POLICIES_POLICYPATH: '/p',
        TYK_GW_SECRETS: 'a:1,b:http://h:2',
        TYK_GW_ANALYTICSCONFIG_ENABLEDETAILEDRECORDING: 'true',
        TYK_GW_APPPATH: '/a',
      },
    );
  assert.equal(listeners[0]?.address, { kind: 'tcp', host: '127.0.0.1', port: 9003 });
  assert.is(control.secret, `${secret}-3`);
  assert.equal([keys.hash, keys.hashFallbacks], [true, ['murmur32', 'sha256']]);
  assert.equal([compatibility.jsvmEnabled, compatibility.coprocessEnabled], [true, true]);
  assert.is(servers.default?.target, 'p:5');
  assert.is(python.version, '3.11');
  assert.is(store.kind === 'redis' && store.addresses[0]?.host, 'redis');
  assert.is(limits.maxRequestBodyBytes, 7);
  assert.is(policies.path, '/p');
  assert.equal(definitions, {
    folder: '/a',
    ignoreFeatures: [],
    secrets: { a: '1', b: 'http://h:2' },
    watch: false,
  });
  assert.is(analytics.detailed, true);
});

tykConf('with TYK_GW_OMITCONFIGFILE the environment is all', () => {
  const environment = { TYK_GW_OMITCONFIGFILE: 'true', TYK_GW_LISTENADDRESS: '127.0.0.1', TYK_GW_SECRET: secret };
  assert.is(loadTykConf('/nowhere/tyk.conf', environment).control.secret, secret);
});

tykConf('secrets can come from TYK_SECRET_ variables', async () => {
  const conf = { secret: 'env://control', storage: { password: 'env://REDIS' } };
  const { control, store } = await readTyk(conf, { TYK_SECRET_CONTROL: `${secret}-4`, TYK_SECRET_REDIS: 'p' });
  assert.equal([control.secret, store.kind === 'redis' && store.password], [`${secret}-4`, 'p']);
});

tykConf('TYK_LOGLEVEL and TYK_LOGFORMAT come before the file', async () => {
  const { log } = await readTyk({ log_level: 'info' }, { TYK_LOGLEVEL: 'error', TYK_LOGFORMAT: 'json' });
  assert.equal([log.level, log.format], ['error', 'json']);
});

tykConf('INTERPOSE_ variables add what a tyk.conf cannot say', async () => {
  const { tracing, servers, store } = await readTyk(on, {
    INTERPOSE_TRACING_ENDPOINT: 'http://c:4317',
    INTERPOSE_SERVERS_FRAUD_TARGET: 'f:1',
    INTERPOSE_SERVERS_DEFAULT_TIMEOUT_MS: '50',
  });
  assert.is(tracing?.endpoint, 'http://c:4317');
  assert.equal([servers.fraud?.target, servers.default?.timeoutMs], ['f:1', 50]);
  assert.is(store.kind, 'redis');
});

tykConf('unknown keys and variables are ignored, with a warning that has the right name', async () => {
  const { warnings } = await readTyk({ hash_key: true, _comment: 'x' }, { TYK_GW_NOSUCH: '1' });
  assert.is(warnings.length, 2);
  assert.match(warnings[0] as string, /unknown keys are ignored.*hash_key \(hash_keys was meant\?\)/);
  assert.match(warnings[1] as string, /TYK_GW_NOSUCH/);
});

tykConf.run();
