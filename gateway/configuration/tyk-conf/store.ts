import type { Environment } from '../environment.ts';
import { readSecret } from './secret.ts';
import type { TykConf } from './table.ts';
import type { UserTree } from './tree.ts';
import { millis, positive } from './units.ts';

/** `storage`: Redis as it is, at localhost:6379 unless something else is said. */
export function translateStore(conf: TykConf, tree: UserTree, environment: Environment): void {
  const storage = conf.storage ?? {};
  const hosts = Object.entries(storage.hosts ?? {}).map(([host, port]) => `${host}:${port}`);
  const single = `${storage.host || 'localhost'}:${positive(storage.port) ?? 6379}`;
  const several = storage.addrs?.length ? storage.addrs : hosts;
  const master = storage.master_name || undefined;
  tree.set('store.kind', 'storage', 'redis');
  tree.set('store.mode', 'storage', master ? 'sentinel' : storage.enable_cluster ? 'cluster' : 'single');
  tree.set(
    'store.addresses',
    several.length > 0 ? 'storage.addrs' : 'storage.host',
    several.length > 0 ? several : [single],
  );
  tree.set('store.username', 'storage.username', readSecret(conf, storage.username, environment) || undefined);
  tree.set('store.password', 'storage.password', readSecret(conf, storage.password, environment) || undefined);
  tree.set('store.database', 'storage.database', storage.database);
  tree.set('store.timeoutMs', 'storage.timeout', millis(positive(storage.timeout)));
  if (master !== undefined) {
    tree.set('store.sentinel.master', 'storage.master_name', master);
    tree.set('store.sentinel.username', 'storage.sentinel_username', storage.sentinel_username || undefined);
    const password = readSecret(conf, storage.sentinel_password, environment) || undefined;
    tree.set('store.sentinel.password', 'storage.sentinel_password', password);
  }
  if (storage.use_ssl) {
    const tls = 'store.tls';
    tree.set(
      `${tls}.insecureSkipVerify`,
      'storage.ssl_insecure_skip_verify',
      storage.ssl_insecure_skip_verify ?? false,
    );
    tree.set(`${tls}.ca`, 'storage.ca_file', storage.ca_file || undefined);
    tree.set(`${tls}.cert`, 'storage.cert_file', storage.cert_file || undefined);
    tree.set(`${tls}.key`, 'storage.key_file', storage.key_file || undefined);
  }
}
