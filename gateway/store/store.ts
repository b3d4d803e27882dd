/** A value, or a promise of one: what is at hand comes without a turn of the event loop. */
export type Awaitable<T> = T | Promise<T>;

/**
 * Where keys, sessions, counters and plugins' own data live: in this process, or in Redis when several gateways share them. Keys are
 * the contract's (`apikey-...`, `quota-...`), so a Tyk gateway may use the same Redis.
 *
 * Every call is over by the store's deadline at the latest. @throws {StoreUnavailable} or rejects with it, when it cannot be answered.
 */
export interface Store {
  readonly kind: 'memory' | 'redis';
  /** Whether calls can be answered now; readiness tells. */
  readonly available: boolean;
  /**
   * Whether what others publish arrives here. While it does not, memories of stored values must be checked before use.
   */
  readonly hearing: boolean;
  get(key: string): Awaitable<string | undefined>;
  /** One value per key, in their order. */
  getMany(keys: readonly string[]): Awaitable<(string | undefined)[]>;
  /** @param ttlSeconds 0: for ever. */
  set(key: string, value: string, ttlSeconds: number): Awaitable<void>;
  /** Set only where the value is still `expected`; the answer tells whether it was. */
  replace(key: string, expected: string, value: string, ttlSeconds: number): Awaitable<boolean>;
  /** Set only where there is nothing yet; the answer tells whether there was nothing. */
  add(key: string, value: string, ttlSeconds: number): Awaitable<boolean>;
  /** Seconds that a value has left; -1: for ever, -2: there is none. */
  secondsLeft(key: string): Awaitable<number>;
  /**
   * Count a value up by one, from 0 if there is none; only then it gets `ttlSeconds`.
   * @throws {TypeError} when the value is no whole number.
   */
  increment(key: string, ttlSeconds: number): Awaitable<number>;
  /** Values and counters alike; the answer is how many of them were there. */
  delete(keys: readonly string[]): Awaitable<number>;
  /** Keys that begin with `prefix`, in no order. */
  keys(prefix: string): Promise<string[]>;
  /** Count one request against a rate, a quota, or both. Nothing is counted against the quota when the rate refuses. */
  admit(rate: RateCount | undefined, quota: QuotaCount | undefined): Awaitable<Admission>;
  /** Requests counted so far under quota keys; undefined where no period runs. */
  quotasUsed(keys: readonly string[]): Awaitable<(number | undefined)[]>;
  /** Tell all who subscribed to a channel, in this process and in others. */
  publish(channel: string, message: string): Awaitable<void>;
  /** Returns how to stop listening. */
  subscribe(channel: string, listener: (message: string) => void): () => void;
  /** Called whenever messages may have been missed, after listening works again. */
  onGap(listener: () => void): void;
  /** Lists that another program reads; undefined in a store that only this process has. */
  readonly lists: Lists | undefined;
  close(): Promise<void>;
}

export interface Lists {
  /** Put values at a list's end, in their order. */
  append(key: string, values: readonly Buffer[]): Promise<void>;
  /** Give a key a lifetime, if it has none. */
  expireUnlessLimited(key: string, ttlSeconds: number): Promise<void>;
}

/** At most `limit` requests in any `perMs` milliseconds. The key begins with `rate-limit-`; the limit is a whole number. */
export interface RateCount {
  readonly key: string;
  readonly limit: number;
  readonly perMs: number;
}

/**
 * At most `max` requests in a period that begins with the first one and lasts `renewalSeconds` (0: for ever). Refused requests are
 * counted too. The key begins with `quota-`.
 */
export interface QuotaCount {
  readonly key: string;
  readonly max: number;
  readonly renewalSeconds: number;
}

/** What became of one request. Fields of a limit that was not asked for are 0. */
export interface Admission {
  readonly refusedBy: 'rate' | 'quota' | undefined;
  /** Requests that the rate has left, after this one. */
  readonly rateRemaining: number;
  /** Milliseconds until the rate has room for one request more than now. */
  readonly rateResetMs: number;
  /** Requests counted in this quota period, refused ones included. */
  readonly quotaUsed: number;
  /** Milliseconds until the quota's period ends; 0: never. */
  readonly quotaResetMs: number;
}

/** The store cannot be asked: it does not answer in time, or there is no connection. */
export class StoreUnavailable extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StoreUnavailable';
  }
}
