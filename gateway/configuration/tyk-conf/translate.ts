import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { Configuration } from '../configuration.ts';
import type { Environment } from '../environment.ts';
import { sampleSecret } from '../resolve/control.ts';
import { translateListeners } from './listeners.ts';
import { readSecret } from './secret.ts';
import { targetProblem } from './server-target.ts';
import { translateStore } from './store.ts';
import type { TykConf } from './table.ts';
import { translateTracing } from './tracing.ts';
import { copyPlainKeys, UserTree } from './tree.ts';
import { cipherList, millis, positive, tlsVersion } from './units.ts';

export interface Translation {
  readonly tree: UserTree;
  readonly warnings: readonly string[];
  /** What our own file cannot say. */
  readonly adjust: (configuration: Configuration) => Configuration;
}

/** Where the original's built-in defaults are others than ours. */
const originalDefaults = {
  'routing.strict': false,
  'routing.prefixMatching': false,
  'routing.suffixMatching': false,
  'routing.customDomains': false,
  'routing.webSockets': false,
  'upstream.http2': false,
  'javascript.privateAddresses': true,
  // The original has no limit; hooks get whole bodies here as there, so there must be one.
  'limits.maxBodyBytes': 128 * 1024 * 1024,
};

/** A tyk.conf in words of ours. Relative paths start from the working directory, as there; what is not there is looked for beside the tyk.conf. */
export function translate(conf: TykConf, file: string, environment: Environment): Translation {
  const tree = new UserTree();
  const warnings: string[] = [];
  for (const [path, value] of Object.entries(originalDefaults)) tree.set(path, '', value);
  copyPlainKeys(conf, tree);
  translateListeners(conf, tree, warnings);
  tree.set('control.secret', 'secret', readSecret(conf, conf.secret ?? sampleSecret, environment));
  translateFolders(conf, tree, file);
  translateKeys(conf, tree);
  translateUpstream(conf, tree, warnings);
  translateStore(conf, tree, environment);
  translateTracing(conf, tree);
  translateReporting(conf, tree, environment, warnings);
  const defaultServerProblem = translateServer(conf, tree, warnings);
  translateScripts(conf, tree, file, warnings);
  return {
    tree,
    warnings,
    adjust: (configuration) => ({
      ...configuration,
      plugins: { ...configuration.plugins, folders: [...new Set([process.cwd(), dirname(resolve(file))])] },
      compatibility: {
        tykConf: true,
        coprocessEnabled: conf.coprocess_options?.enable_coprocess ?? false,
        jsvmEnabled: conf.enable_jsvm ?? false,
        virtualBlobs: !conf.disable_virtual_path_blobs,
        defaultServerProblem,
        managementNode: conf.management_node ?? false,
      },
    }),
  };
}

/** The path, or, where only that exists, the one beside the tyk.conf. */
function found(path: string, file: string): string {
  const beside = resolve(dirname(file), path);
  return isAbsolute(path) || existsSync(path) || !existsSync(beside) ? path : relative(process.cwd(), beside) || '.';
}

function translateFolders(conf: TykConf, tree: UserTree, file: string): void {
  tree.set('definitions.folder', 'app_path', found(conf.app_path || 'apps/', file));
  // What the control API writes counts at the next reload, and not before.
  tree.set('definitions.watch', '', false);
  tree.set('plugins.folder', '', '.');
  tree.set('bundles.folder', 'middleware_path', join(found(conf.middleware_path || 'middleware', file), 'bundles'));
  tree.set('bundles.download', 'enable_bundle_downloader', conf.enable_bundle_downloader ?? false);
  const { policy_path: folder, policy_record_name: record } = conf.policies ?? {};
  if (folder) tree.set('policies.folder', 'policies.policy_path', found(folder, file));
  else if (record) tree.set('policies.file', 'policies.policy_record_name', found(record, file));
  const templates = found(conf.template_path || 'templates', file);
  if (existsSync(templates)) tree.set('errors.templates', 'template_path', templates);
}

function translateKeys(conf: TykConf, tree: UserTree): void {
  const hashes = ['murmur32', 'murmur64', 'murmur128', 'sha256'];
  const hash = (name: string): string => (hashes.includes(name) ? name : 'murmur64');
  if (conf.hash_key_function) tree.set('keys.hashFunction', 'hash_key_function', hash(conf.hash_key_function));
  tree.set(
    'keys.hashFallbacks',
    'hash_key_function_fallback',
    conf.hash_key_function_fallback?.filter((name) => hashes.includes(name)),
  );
  tree.set('keys.minLength', 'min_token_length', positive(conf.min_token_length));
  if (conf.force_global_session_lifetime) {
    tree.set('keys.lifetimeMs', 'global_session_lifetime', millis(conf.global_session_lifetime));
  }
  const cache = conf.local_session_cache;
  if (cache?.disable_cached_session_state)
    tree.set('keys.cacheMs', 'local_session_cache.disable_cached_session_state', 0);
  else
    tree.set(
      'keys.cacheMs',
      'local_session_cache.cached_session_timeout',
      millis(positive(cache?.cached_session_timeout)),
    );
}

function translateUpstream(conf: TykConf, tree: UserTree, warnings: string[]): void {
  tree.set('upstream.timeoutMs', 'proxy_default_timeout', millis(positive(conf.proxy_default_timeout)));
  tree.set(
    'upstream.minVersion',
    'proxy_ssl_min_version',
    tlsVersion(conf.proxy_ssl_min_version, 'proxy_ssl_min_version', warnings),
  );
  tree.set(
    'upstream.maxVersion',
    'proxy_ssl_max_version',
    tlsVersion(conf.proxy_ssl_max_version, 'proxy_ssl_max_version', warnings),
  );
  tree.set('upstream.ciphers', 'proxy_ssl_ciphers', cipherList(conf.proxy_ssl_ciphers));
  if (conf.proxy_close_connections) tree.set('upstream.keepAlive', 'proxy_close_connections', false);
}

function translateReporting(conf: TykConf, tree: UserTree, environment: Environment, warnings: string[]): void {
  if (conf.health_check?.enable_health_checks) {
    warnings.push(
      'health_check.enable_health_checks is on: /tyk/health answers as if it were off; the metrics tell more.',
    );
  }
  const level = environment.TYK_LOGLEVEL || conf.log_level || 'info';
  const format = environment.TYK_LOGFORMAT || conf.log_format || 'text';
  const levels: Record<string, string> = { warning: 'warn', panic: 'fatal' };
  const known = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
  const name = levels[level.toLowerCase()] ?? level.toLowerCase();
  if (!known.includes(name)) warnings.push(`The log level "${level}" is none of ${known.join(', ')}; it is info.`);
  tree.set('log.level', 'log_level', known.includes(name) ? name : 'info');
  tree.set('log.format', 'log_format', format === 'json' ? 'json' : 'text');
  const analytics = conf.analytics_config ?? {};
  tree.set('analytics.serializer', 'analytics_config.serializer_type', analytics.serializer_type || undefined);
  const records = positive(analytics.records_buffer_size);
  tree.set('analytics.maxQueuedRecords', 'analytics_config.records_buffer_size', records && Math.max(records, 1000));
  const expiry = analytics.storage_expiration_time;
  tree.set(
    'analytics.expireMs',
    'analytics_config.storage_expiration_time',
    expiry && expiry < 0 ? 0 : millis(positive(expiry)),
  );
  const messages = Object.entries(conf.override_messages ?? {}).map(([id, { code, message }]) => [
    id,
    { status: positive(code), message: message || undefined },
  ]);
  tree.set('errors.messages', 'override_messages', Object.fromEntries(messages));
}

/** The default plugin server, where the original could use it; else why not. */
function translateServer(conf: TykConf, tree: UserTree, warnings: string[]): string | undefined {
  const options = conf.coprocess_options ?? {};
  const target = options.coprocess_grpc_server ?? '';
  tree.set('python.version', 'coprocess_options.python_version', options.python_version || undefined);
  if (!options.enable_coprocess) return undefined;
  const problem = targetProblem(target);
  if (problem !== undefined) {
    const tell = target !== '';
    if (tell)
      warnings.push(
        `coprocess_grpc_server cannot be used: ${problem}. Hooks of the driver grpc answer 500, as in the original.`,
      );
    return problem;
  }
  const server = 'servers.default';
  const from = 'coprocess_options';
  tree.set(`${server}.target`, `${from}.coprocess_grpc_server`, target);
  tree.set(`${server}.authority`, `${from}.grpc_authority`, options.grpc_authority || undefined);
  tree.set(`${server}.maxReceiveBytes`, `${from}.grpc_recv_max_size`, positive(options.grpc_recv_max_size));
  tree.set(`${server}.maxSendBytes`, `${from}.grpc_send_max_size`, positive(options.grpc_send_max_size) ?? 2 ** 31 - 1);
  tree.set(`${server}.roundRobin`, `${from}.grpc_round_robin_load_balancing`, options.grpc_round_robin_load_balancing);
  return undefined;
}

/** The original knows one limit for scripts, of the clock; so CPU time may be as long. */
function translateScripts(conf: TykConf, tree: UserTree, file: string, warnings: string[]): void {
  const timeoutMs = millis(positive(conf.jsvm_timeout) ?? 5);
  tree.set('javascript.timeoutMs', 'jsvm_timeout', timeoutMs);
  tree.set('javascript.cpuMs', 'jsvm_timeout', timeoutMs);
  if (conf.tyk_js_path) {
    const library = found(conf.tyk_js_path, file);
    if (existsSync(library)) tree.set('javascript.library', 'tyk_js_path', library);
    else
      warnings.push(`tyk_js_path names ${library}, which does not exist; scripts run without it, as in the original.`);
  }
  if (conf.enable_jsvm)
    warnings.push(
      'Scripts may send requests to any address, private ones too, as in the original (`javascript.privateAddresses`).',
    );
}
