import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { ClientTls, RedisStore as RedisConfiguration } from '../../configuration/index.ts';

export type Connection = Redis | Cluster;

/** The connection for commands. It reconnects by itself, and queues nothing while it cannot. */
export function connect(configuration: RedisConfiguration): Connection {
  const options = optionsOf(configuration);
  if (configuration.mode !== 'cluster') {
    return new Redis({
      ...options,
      ...targetOf(configuration),
      retryStrategy: retryDelayMs,
      enableOfflineQueue: false,
    });
  }
  return new Cluster([...configuration.addresses], {
    clusterRetryStrategy: retryDelayMs,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    slotsRefreshTimeout: configuration.timeoutMs,
    redisOptions: options,
    // Names in certificates are host names: look up none of them here.
    ...(configuration.tls === undefined
      ? {}
      : { dnsLookup: (address: string, callback: (error: null, address: string) => void) => callback(null, address) }),
  });
}

/** A connection that listens; it does not come back by itself. */
export function connectSubscriber(connection: Connection): Redis | undefined {
  const options = { retryStrategy: () => null, enableOfflineQueue: true, lazyConnect: true, socketTimeout: undefined };
  if (connection instanceof Redis) return connection.duplicate(options);
  // Any node hears what any other publishes; another one each time, for this one may be down.
  const nodes = connection.nodes('all');
  return nodes[Math.floor(Math.random() * nodes.length)]?.duplicate(options);
}

/** Wait before the n-th attempt to reconnect: from 100 ms to 2 s, spread, so that many gateways do not come at once. */
export function retryDelayMs(attempt: number): number {
  return Math.min(2000, 100 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
}

/** What connections to single servers and to nodes of a cluster have in common. */
function optionsOf(configuration: RedisConfiguration): Omit<RedisOptions, 'replyMapping' | OfClientOnly> {
  return {
    ...(configuration.username === undefined ? {} : { username: configuration.username }),
    ...(configuration.password === undefined ? {} : { password: configuration.password }),
    ...(configuration.tls === undefined ? {} : { tls: tlsOf(configuration.tls) }),
    connectTimeout: configuration.timeoutMs,
    connectionName: 'interpose',
    disableClientInfo: true,
    // What every Redis since 4, every Valkey and every proxy speaks.
    protocol: 2,
    enableAutoPipelining: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    socketTimeout: deadSocketMs,
  };
}

/** What only the client as a whole has, not its connections to single nodes. */
type OfClientOnly =
  | 'port'
  | 'host'
  | 'path'
  | 'sentinels'
  | 'retryStrategy'
  | 'enableOfflineQueue'
  | 'readOnly'
  | 'himportFieldsets';

/** A socket that owes an answer this long is dead: a new one may find another way. */
const deadSocketMs = 10_000;

function targetOf(configuration: RedisConfiguration): Omit<RedisOptions, 'replyMapping'> {
  if (configuration.mode === 'single') {
    const [address] = configuration.addresses;
    if (address === undefined) throw new Error('"store.addresses" must name a Redis server');
    return { ...address, db: configuration.database };
  }
  if (configuration.sentinelMaster === undefined) throw new Error('"store.sentinelMaster" must name the master set');
  return {
    sentinels: [...configuration.addresses],
    name: configuration.sentinelMaster,
    db: configuration.database,
    sentinelRetryStrategy: retryDelayMs,
    ...(configuration.sentinelUsername === undefined ? {} : { sentinelUsername: configuration.sentinelUsername }),
    ...(configuration.sentinelPassword === undefined ? {} : { sentinelPassword: configuration.sentinelPassword }),
    ...(configuration.tls === undefined
      ? {}
      : { sentinelTLS: tlsOf(configuration.tls), enableTLSForSentinelMode: true }),
  };
}

function tlsOf(tls: ClientTls): ConnectionOptions {
  return {
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
  };
}
