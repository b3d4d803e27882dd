import type { TykConf } from './table.ts';
import type { UserTree } from './tree.ts';
import { cipherList, millis, positive, tlsVersion } from './units.ts';

/** The one port of the original, which serves APIs and control API alike unless that has a port of its own. */
export function translateListeners(conf: TykConf, tree: UserTree, warnings: string[]): void {
  const server = conf.http_server_options ?? {};
  const host = bracketed(conf.listen_address ?? '');
  const port = positive(conf.listen_port) ?? 8080;
  tree.set('listeners.0.address', 'listen_port', `${host}:${port}`);
  // Without TLS the original knows no HTTP/2 at all, and no client can rely on that.
  tree.set(
    'listeners.0.http2',
    'http_server_options.enable_http2',
    server.use_ssl ? (server.enable_http2 ?? false) : true,
  );
  if (conf.close_connections) tree.set('listeners.0.keepAlive', 'close_connections', false);
  const tls = server.use_ssl ? translateTls(server, warnings) : undefined;
  tree.set('listeners.0.tls', 'http_server_options.certificates', tls);

  const controlPort = positive(conf.control_api_port);
  const own = controlPort !== undefined && controlPort !== port;
  tree.set('control.address', own ? 'control_api_port' : 'listen_port', own ? `${host}:${controlPort}` : 'listeners');
  if (own) tree.set('control.tls', 'http_server_options.certificates', tls);
  // On the port of the APIs, metrics would be there for every client.
  tree.set('metrics.enabled', '', own);
  tree.set(
    'control.healthPath',
    'health_check_endpoint_name',
    `/${(conf.health_check_endpoint_name || 'hello').replace(/^\/+/, '')}`,
  );
  tree.set(
    'control.readyPath',
    'readiness_check_endpoint_name',
    `/${(conf.readiness_check_endpoint_name || 'ready').replace(/^\/+/, '')}`,
  );
  if (conf.enable_custom_domains && conf.hostname) tree.set('routing.hostname', 'hostname', conf.hostname);

  tree.set('routing.webSockets', 'http_server_options.enable_websockets', server.enable_websockets);
  tree.set('routing.forwardedFor', 'http_server_options.xff_depth', positive(server.xff_depth) ?? 'first');
  const receiveMs = millis(positive(server.read_timeout) ?? 120);
  tree.set('limits.receiveTimeoutMs', 'http_server_options.read_timeout', receiveMs);
  tree.set('limits.headersTimeoutMs', 'http_server_options.read_timeout', Math.min(receiveMs, 10_000));
  tree.set(
    'limits.requestTimeoutMs',
    'http_server_options.write_timeout',
    millis(positive(server.write_timeout) ?? 120),
  );
}

function translateTls(server: NonNullable<TykConf['http_server_options']>, warnings: string[]): unknown {
  const certificates = (server.certificates ?? []).map(({ domain_name, cert_file = '', key_file = '' }) => ({
    name: domain_name,
    pair: { cert: cert_file, key: key_file },
  }));
  const [first, ...others] = certificates;
  const min = tlsVersion(server.min_version, 'min_version', warnings);
  const max = tlsVersion(server.max_version, 'max_version', warnings);
  const ciphers = cipherList(server.ssl_ciphers);
  return {
    // Without any certificate the schema says that it is missing.
    ...first?.pair,
    serverNames: Object.fromEntries(others.flatMap(({ name, pair }) => (name ? [[name, pair]] : []))),
    ...(min && { minVersion: min }),
    ...(max && { maxVersion: max }),
    ...(ciphers && { ciphers }),
  };
}

/** An address of IPv6 needs brackets before a port. */
function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
