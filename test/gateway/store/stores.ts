import { Redis } from 'ioredis';
import type { Configuration } from '../../../gateway/configuration/index.ts';
import { createStore, type Store } from '../../../gateway/store/index.ts';
import { type Valkey, valkey } from '../../peers/index.ts';

type StoreConfiguration = Configuration['store'];
type RedisConfiguration = Extract<StoreConfiguration, { kind: 'redis' }>;

/** The kinds of store that the same claims hold for. */
export const kinds = ['memory', 'redis', 'cluster'] as const;
export type Kind = (typeof kinds)[number];

export interface Stores {
  /** The store of another gateway; in memory there is but one. */
  readonly open: () => Promise<Store>;
  /** Process ids of the servers. */
  readonly pids: readonly number[];
  /** Commands to one of the servers, as another program would send them. */
  readonly raw: Redis;
}

interface Servers {
  readonly all: readonly Valkey[];
  readonly clients: readonly Redis[];
  readonly pids: readonly number[];
}

const running = new Map<Kind, Promise<Servers>>();

/** Run `use` with empty stores that share their data. The servers stay for later calls, until {@link endServers}. */
export async function withStores(kind: Kind, use: (stores: Stores) => Promise<void>): Promise<void> {
  const starting = running.get(kind) ?? startServers(kind);
  running.set(kind, starting);
  const { all, clients, pids } = await starting;
  await Promise.all(clients.map((client) => client.flushall()));
  const opened: Store[] = [];
  try {
    const open = async (): Promise<Store> => {
      if (kind === 'memory' && opened[0] !== undefined) return opened[0];
      const store = await createStore(configurationOf(kind, all));
      opened.push(store);
      return store;
    };
    await use({ open, pids, raw: clients[0] as Redis });
  } finally {
    await Promise.all(opened.map((store) => store.close()));
  }
}

/** To be called when a suite is over. */
export async function endServers(): Promise<void> {
  for (const [kind, starting] of running) {
    const { all, clients } = await starting;
    for (const client of clients) client.disconnect();
    await Promise.all(all.map((server) => server.close()));
    running.delete(kind);
  }
}

async function startServers(kind: Kind): Promise<Servers> {
  const options = kind === 'cluster' ? ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'] : [];
  const all = await Promise.all(Array.from({ length: serversOf[kind] }, () => valkey(options)));
  const clients = all.map(({ port }) => new Redis({ port, host: '127.0.0.1' }));
  if (kind === 'cluster') await makeCluster(all, clients);
  return { all, clients, pids: await Promise.all(clients.map(pidOf)) };
}

const serversOf: Record<Kind, number> = { memory: 0, redis: 1, cluster: 3 };

function configurationOf(kind: Kind, servers: readonly Valkey[]): StoreConfiguration {
  if (kind === 'memory') return { kind: 'memory', snapshotPath: undefined };
  return redisConfiguration(
    servers.map(({ port }) => port),
    kind === 'cluster' ? { mode: 'cluster' } : {},
  );
}

export function redisConfiguration(
  ports: readonly number[],
  more: Partial<RedisConfiguration> = {},
): RedisConfiguration {
  return {
    kind: 'redis',
    mode: 'single',
    addresses: ports.map((port) => ({ host: '127.0.0.1', port })),
    username: undefined,
    password: undefined,
    database: 0,
    sentinelMaster: undefined,
    sentinelUsername: undefined,
    sentinelPassword: undefined,
    tls: undefined,
    timeoutMs: 2000,
    ...more,
  };
}

/** Three masters with a third of the slots each. */
async function makeCluster(servers: readonly Valkey[], clients: readonly Redis[]): Promise<void> {
  const share = Math.ceil(16_384 / clients.length);
  const last = (i: number): number => Math.min((i + 1) * share, 16_384) - 1;
  await Promise.all(clients.map((client, i) => client.call('CLUSTER', 'ADDSLOTSRANGE', i * share, last(i))));
  for (const { port } of servers.slice(1)) await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', port);
  for (const client of clients)
    while (!(await isWhole(client))) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function isWhole(client: Redis): Promise<boolean> {
  const info = String(await client.call('CLUSTER', 'INFO'));
  return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3');
}

async function pidOf(client: Redis): Promise<number> {
  return Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]);
}
