import { randomBytes } from 'node:crypto';
import { Cluster, type Redis } from 'ioredis';
import type { RedisStore as RedisConfiguration } from '../../configuration/index.ts';
import { maxExactLimit } from '../rate-slices.ts';
import { type Admission, type Lists, type QuotaCount, type RateCount, type Store, StoreUnavailable } from '../store.ts';
import { type Connection, connect } from './connection.ts';
import { Deadlines } from './deadlines.ts';
import { Outage, type StoreLog } from './outage.ts';
import { Pulse } from './pulse.ts';
import { admitScript, incrementScript, replaceScript } from './scripts.ts';
import { Subscriber } from './subscriber.ts';

/** A connection with our scripts defined on it. */
type Scripted = Connection & {
  interposeAdmit(...args: (string | number)[]): Promise<[number, number, number, number, number]>;
  interposeReplace(...args: (string | number)[]): Promise<number>;
  interposeIncrement(key: string, ttlSeconds: number): Promise<number | string>;
};

/**
 * A store in Redis. Resolves when Redis answers, or after the configured wait: the store is then not available, and tries on.
 * @param log told when Redis is out of reach, why, and when it is back.
 */
export async function createRedisStore(configuration: RedisConfiguration, log: StoreLog = () => {}): Promise<Store> {
  const store = new RedisStore(configuration, new Outage(configuration, log));
  await store.opened;
  return store;
}

class RedisStore implements Store {
  readonly kind = 'redis';
  readonly lists: Lists = {
    append: async (key, values) => {
      await this.ask(() => this.redis.rpush(key, ...values));
    },
    expireUnlessLimited: async (key, ttlSeconds) => {
      if ((await this.secondsLeft(key)) === -1) await this.ask(() => this.redis.expire(key, ttlSeconds));
    },
  };
  /** Settles once the first beat was heard, or the wait is over. */
  readonly opened: Promise<void>;
  private readonly redis: Scripted;
  private readonly isCluster: boolean;
  private readonly deadlines: Deadlines;
  private readonly subscriber: Subscriber;
  private readonly pulse: Pulse;
  private readonly listeners = new Map<string, Set<(message: string) => void>>();
  private readonly gapListeners: (() => void)[] = [];
  /** Names this process: its beats, and its requests in the sorted sets of rates. */
  private readonly id = randomBytes(9).toString('base64url');
  private readonly beatChannel = `interpose.beat.${this.id}`;
  private requests = 0;
  private closed: boolean = false;
  /** The socket that holds commands back until this turn of the event loop ends. */
  private gathering: Redis['stream'] | undefined;

  constructor(configuration: RedisConfiguration, outage: Outage) {
    this.isCluster = configuration.mode === 'cluster';
    this.deadlines = new Deadlines(
      this.isCluster ? Math.min(configuration.timeoutMs, nodeTimeoutMs) : configuration.timeoutMs,
    );
    this.redis = connect(configuration) as Scripted;
    this.redis.defineCommand('interposeAdmit', { lua: admitScript });
    this.redis.defineCommand('interposeReplace', { lua: replaceScript, numberOfKeys: 1 });
    this.redis.defineCommand('interposeIncrement', { lua: incrementScript, numberOfKeys: 1 });
    let open = (): void => {};
    const wait = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, configuration.timeoutMs);
      open = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.opened = wait;
    this.pulse = new Pulse({
      beat: () => this.beat(),
      onCheck: () => this.deadlines.check(),
      onLife: () => outage.ended(),
      onDeath: () => {
        this.deadlines.rejectAll('Redis stopped answering');
        if (!this.closed) outage.began('it stopped answering');
      },
      onDeafness: () => this.subscriber.reconnect(),
      onHearing: () => {
        open();
        for (const listener of this.gapListeners) listener();
      },
    });
    this.subscriber = new Subscriber(this.redis, {
      onMessage: (channel, message) => this.deliver(channel, message),
      onOpen: () => this.pulse.beat(),
      onClose: () => this.pulse.deaf(),
    });
    this.subscriber.add(this.beatChannel);
    this.redis.on('error', ({ message }: Error) => outage.began(message));
    this.redis.on('ready', () => {
      this.pulse.beat();
      this.subscriber.reconnect();
    });
    this.redis.on('close', () => this.pulse.dead());
  }

  get available(): boolean {
    return this.pulse.alive;
  }

  get hearing(): boolean {
    return this.pulse.hearing;
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.ask(() => this.redis.get(key))) ?? undefined;
  }

  async getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    if (keys.length === 0) return [];
    // Keys of one command must live in one slot of a cluster.
    const values = this.isCluster
      ? await Promise.all(keys.map((key) => this.ask(() => this.redis.get(key))))
      : await this.ask(() => this.redis.mget([...keys]));
    return values.map((value) => value ?? undefined);
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    await this.ask(() =>
      ttlSeconds > 0 ? this.redis.set(key, value, 'EX', Math.ceil(ttlSeconds)) : this.redis.set(key, value),
    );
  }

  async replace(key: string, expected: string, value: string, ttlSeconds: number): Promise<boolean> {
    const ttl = ttlSeconds > 0 ? Math.ceil(ttlSeconds) : 0;
    return (await this.ask(() => this.redis.interposeReplace(key, expected, value, ttl))) === 1;
  }

  async add(key: string, value: string, ttlSeconds: number): Promise<boolean> {
    const added = await this.ask(() =>
      ttlSeconds > 0 ? this.redis.set(key, value, 'EX', Math.ceil(ttlSeconds), 'NX') : this.redis.set(key, value, 'NX'),
    );
    return added === 'OK';
  }

  async secondsLeft(key: string): Promise<number> {
    return this.ask(() => this.redis.ttl(key));
  }

  async increment(key: string, ttlSeconds: number): Promise<number> {
    const value = await this.ask(() => this.redis.interposeIncrement(key, ttlSeconds > 0 ? Math.ceil(ttlSeconds) : 0));
    if (typeof value !== 'number') throw new TypeError('the value is no whole number');
    return value;
  }

  async delete(names: readonly string[]): Promise<number> {
    if (names.length === 0) return 0;
    const keys = names.flatMap((key) => (key.startsWith(ratePrefix) ? [key, key + slicesSuffix] : [key]));
    if (!this.isCluster) return this.ask(() => this.redis.del(keys));
    const counts = await Promise.all(keys.map((key) => this.ask(() => this.redis.del(key))));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async keys(prefix: string): Promise<string[]> {
    const pattern = `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`;
    const nodes = this.redis instanceof Cluster ? this.redis.nodes('master') : [this.redis];
    const found = new Set<string>();
    for (const node of nodes) {
      let cursor = '0';
      do {
        const [next, page] = await this.ask(() => node.scan(cursor, 'MATCH', pattern, 'COUNT', scanCount));
        for (const key of page) found.add(key);
        cursor = next;
      } while (cursor !== '0');
    }
    return [...found];
  }

  async admit(rate: RateCount | undefined, quota: QuotaCount | undefined): Promise<Admission> {
    if (rate !== undefined && quota !== undefined && this.isCluster) {
      // The two may live on different nodes: one after the other, the quota only when the rate lets through.
      const first = await this.admit(rate, undefined);
      if (first.refusedBy !== undefined) return first;
      const second = await this.admit(undefined, quota);
      return { ...second, rateRemaining: first.rateRemaining, rateResetMs: first.rateResetMs };
    }
    const sliced = rate !== undefined && rate.limit > maxExactLimit;
    const keys: string[] = [];
    // The two kinds of window are different kinds of value.
    if (rate !== undefined) keys.push(sliced ? rate.key + slicesSuffix : rate.key);
    if (quota !== undefined) keys.push(quota.key);
    const [verdict, rateRemaining, rateResetMs, quotaUsed, quotaResetMs] = await this.ask(() =>
      this.redis.interposeAdmit(
        keys.length,
        ...keys,
        rate?.limit ?? 0,
        rate?.perMs ?? 0,
        sliced ? 'slices' : 'log',
        rate === undefined ? '' : `${this.id}${this.requests++}`,
        quota?.max ?? -1,
        quota?.renewalSeconds ?? 0,
      ),
    );
    const refusedBy = verdict === 1 ? 'rate' : verdict === 2 ? 'quota' : undefined;
    return { refusedBy, rateRemaining, rateResetMs, quotaUsed, quotaResetMs };
  }

  async quotasUsed(keys: readonly string[]): Promise<(number | undefined)[]> {
    const values = await this.getMany(keys);
    return values.map((value) => (value === undefined ? undefined : Number(value)));
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.ask(() => this.redis.publish(channel, message));
  }

  subscribe(channel: string, listener: (message: string) => void): () => void {
    const listeners = this.listeners.get(channel) ?? new Set();
    this.listeners.set(channel, listeners.add(listener));
    this.subscriber.add(channel);
    return () => listeners.delete(listener);
  }

  onGap(listener: () => void): void {
    this.gapListeners.push(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.pulse.stop();
    this.subscriber.close();
    this.redis.disconnect();
    this.deadlines.rejectAll('the store was closed');
  }

  /** A cluster lives while one of its masters does; every node hears what any of them publishes. */
  private beat(): Promise<unknown> {
    if (!(this.redis instanceof Cluster)) return this.redis.publish(this.beatChannel, '');
    return Promise.any(this.redis.nodes('master').map((node) => node.publish(this.beatChannel, '')));
  }

  /** Send a command; at once refused while Redis does not answer, so that nothing piles up. */
  private ask<T>(send: () => Promise<T>): Promise<T> {
    if (!this.pulse.alive) return Promise.reject(new StoreUnavailable('Redis does not answer'));
    this.gather();
    return this.deadlines.guard(send());
  }

  /** Commands of one turn of the event loop are written together: a write each costs more than all else about them. */
  private gather(): void {
    // A cluster has a connection per node, and one command of many goes to each.
    if (this.redis instanceof Cluster || this.gathering !== undefined) return;
    this.gathering = this.redis.stream;
    this.gathering.cork();
    setImmediate(this.write);
  }

  private readonly write = (): void => {
    this.gathering?.uncork();
    this.gathering = undefined;
  };

  private deliver(channel: string, message: string): void {
    if (channel === this.beatChannel) return this.pulse.heard();
    for (const listener of this.listeners.get(channel) ?? []) listener(message);
  }
}

/** Keys that one step of a scan looks at: enough to be quick, few enough not to hold up other commands. */
const scanCount = 1000;

/** Longest wait for a node of a cluster: its silence does not show in the beats, which the other nodes answer. */
const nodeTimeoutMs = 2000;

/** Windows of rates have such keys. */
const ratePrefix = 'rate-limit-';
const slicesSuffix = '.slices';
