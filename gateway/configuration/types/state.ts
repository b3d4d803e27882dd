import type { ClientTls } from './network.ts';

export type Store = MemoryStore | RedisStore;

export interface MemoryStore {
  readonly kind: 'memory';
  /** File that the store is kept in from one start to the next; undefined: it is gone when the process ends. */
  readonly snapshotPath: string | undefined;
}

export interface RedisStore {
  readonly kind: 'redis';
  readonly mode: 'single' | 'sentinel' | 'cluster';
  /** One for `single`; sentinels or cluster nodes else. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** Name of the master set, for `sentinel`. */
  readonly sentinelMaster: string | undefined;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  readonly tls: ClientTls | undefined;
  /** Longest wait for a connection or a command. */
  readonly timeoutMs: number;
}

export type HashFunction = 'murmur32' | 'murmur64' | 'murmur128' | 'sha256';

export interface Keys {
  /** Keys are stored by their hash. */
  readonly hash: boolean;
  /** For new keys; undefined: the old form, organisation and id put together. */
  readonly hashFunction: HashFunction | undefined;
  readonly hashFallbacks: readonly HashFunction[];
  readonly listHashed: boolean;
  /** Shorter ones are not looked up. */
  readonly minLength: number;
  /** Keys without access rights may be made, and open every API. */
  readonly allowMaster: boolean;
  /** Keys are found by their full name only. */
  readonly fullNameOnly: boolean;
  /** Lifetime of sessions that say none; 0: for ever. */
  readonly lifetimeMs: number;
  /** `lifetimeMs` holds whatever an API or session says. */
  readonly forceLifetime: boolean;
  readonly lifetimeRespectsExpiry: boolean;
  /** How long a session may be served from this process's memory; 0: never. */
  readonly cacheMs: number;
}

export interface Analytics {
  readonly enabled: boolean;
  /** Records carry raw requests and responses. */
  readonly detailed: boolean;
  /** How much of each body such a record holds. */
  readonly maxBodyBytes: number;
  readonly ignoredIps: readonly string[];
  readonly serializer: 'msgpack' | 'protobuf';
  readonly multipleKeys: boolean;
  /** How long records may wait in the store; Infinity: for ever. */
  readonly expireMs: number;
  readonly maxQueuedRecords: number;
}
