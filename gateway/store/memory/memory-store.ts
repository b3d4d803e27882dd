import { LRUCache } from 'lru-cache';
import { maxExactLimit } from '../rate-slices.ts';
import type { Admission, QuotaCount, RateCount, Store } from '../store.ts';
import { SlicedWindow } from './sliced-window.ts';
import { SlidingWindow } from './sliding-window.ts';
import { readSnapshot, type SnapshotEntry, writeSnapshot } from './snapshot.ts';

export interface MemoryStoreOptions {
  /** Size of keys and values together past which the least recently used go, in bytes. @default 256 MiB */
  readonly maxBytes?: number;
  /** Number of rates and of quotas past which the least recently used go. @default 1,000,000 */
  readonly maxCounters?: number;
  /** File that values are kept in from one start to the next; written every `snapshotIntervalMs` and on close. @default none */
  readonly snapshotPath?: string | undefined;
  /** @default 60,000 */
  readonly snapshotIntervalMs?: number;
}

interface Entry {
  readonly value: string;
  /** Unix milliseconds; 0: never. */
  readonly expiresAtMs: number;
}

interface Quota {
  used: number;
  /** Unix milliseconds; 0: never. */
  endsAtMs: number;
}

/**
 * A store for one process: exact, and gone with the process unless a snapshot is kept.
 * @throws {Error} when the snapshot cannot be read.
 */
export async function createMemoryStore(options: MemoryStoreOptions = {}): Promise<MemoryStore> {
  const { snapshotPath, snapshotIntervalMs = 60_000 } = options;
  const store = new MemoryStore(options);
  if (snapshotPath !== undefined) {
    store.load(await readSnapshot(snapshotPath));
    store.keepSnapshot(snapshotPath, snapshotIntervalMs);
  }
  return store;
}

class MemoryStore implements Store {
  readonly kind = 'memory';
  readonly available = true;
  readonly hearing = true;
  readonly lists = undefined;
  private readonly values: LRUCache<string, Entry>;
  private readonly windows: LRUCache<string, SlidingWindow | SlicedWindow>;
  private readonly quotas: LRUCache<string, Quota>;
  private readonly listeners = new Map<string, Set<(message: string) => void>>();
  private snapshot: { readonly path: string; readonly timer: NodeJS.Timeout } | undefined;

  constructor({ maxBytes = 256 * 1024 * 1024, maxCounters = 1_000_000 }: MemoryStoreOptions) {
    this.values = new LRUCache({ maxSize: maxBytes, sizeCalculation: (entry, key) => sizeOf(key, entry.value) });
    // By size, one each: with `max` all places are allocated at the start, which took a quarter of a second and 100 MB.
    this.windows = new LRUCache({ maxSize: maxCounters, sizeCalculation: one });
    this.quotas = new LRUCache({ maxSize: maxCounters, sizeCalculation: one });
  }

  get(key: string): string | undefined {
    const entry = this.values.get(key);
    if (entry === undefined) return undefined;
    if (isLive(entry, Date.now())) return entry.value;
    this.values.delete(key);
    return undefined;
  }

  getMany(keys: readonly string[]): (string | undefined)[] {
    return keys.map((key) => this.get(key));
  }

  set(key: string, value: string, ttlSeconds: number): void {
    this.values.set(key, { value, expiresAtMs: ttlSeconds > 0 ? Date.now() + ttlSeconds * 1000 : 0 });
  }

  replace(key: string, expected: string, value: string, ttlSeconds: number): boolean {
    if (this.get(key) !== expected) return false;
    this.set(key, value, ttlSeconds);
    return true;
  }

  add(key: string, value: string, ttlSeconds: number): boolean {
    if (this.get(key) !== undefined) return false;
    this.set(key, value, ttlSeconds);
    return true;
  }

  secondsLeft(key: string): number {
    if (this.get(key) === undefined) return -2;
    const { expiresAtMs } = this.values.get(key) as Entry;
    return expiresAtMs === 0 ? -1 : Math.ceil((expiresAtMs - Date.now()) / 1000);
  }

  increment(key: string, ttlSeconds: number): number {
    const before = this.get(key);
    if (before === undefined) {
      this.set(key, '1', ttlSeconds);
      return 1;
    }
    if (!/^-?\d{1,15}$/.test(before)) throw new TypeError('the value is no whole number');
    const { expiresAtMs } = this.values.get(key) as Entry;
    const value = Number(before) + 1;
    this.values.set(key, { value: String(value), expiresAtMs });
    return value;
  }

  delete(keys: readonly string[]): number {
    let deleted = 0;
    for (const key of keys) {
      const known = this.get(key) !== undefined;
      if (known) this.values.delete(key);
      const counted = this.windows.delete(key) || this.quotas.delete(key);
      if (known || counted) deleted++;
    }
    return deleted;
  }

  async keys(prefix: string): Promise<string[]> {
    const nowMs = Date.now();
    const found: string[] = [];
    for (const [key, entry] of this.values.entries())
      if (key.startsWith(prefix) && isLive(entry, nowMs)) found.push(key);
    return found;
  }

  admit(rate: RateCount | undefined, quota: QuotaCount | undefined): Admission {
    let rateRemaining = 0;
    let rateResetMs = 0;
    if (rate !== undefined) {
      // Not the time of day, which may be set back.
      const tickMs = performance.now();
      const window = this.windowOf(rate);
      const admitted = window.admit(tickMs, rate.limit, rate.perMs);
      rateRemaining = rate.limit - window.size;
      rateResetMs = window.oldest(tickMs) + rate.perMs - tickMs;
      if (!admitted) return { refusedBy: 'rate', rateRemaining: 0, rateResetMs, quotaUsed: 0, quotaResetMs: 0 };
    }
    if (quota === undefined) return { refusedBy: undefined, rateRemaining, rateResetMs, quotaUsed: 0, quotaResetMs: 0 };
    const nowMs = Date.now();
    const counter = this.count(quota, nowMs);
    const refusedBy = counter.used > quota.max ? 'quota' : undefined;
    const quotaResetMs = counter.endsAtMs === 0 ? 0 : counter.endsAtMs - nowMs;
    return { refusedBy, rateRemaining, rateResetMs, quotaUsed: counter.used, quotaResetMs };
  }

  quotasUsed(keys: readonly string[]): (number | undefined)[] {
    const nowMs = Date.now();
    return keys.map((key) => {
      const counter = this.quotas.get(key);
      return counter === undefined || hasEnded(counter, nowMs) ? undefined : counter.used;
    });
  }

  publish(channel: string, message: string): void {
    for (const listener of this.listeners.get(channel) ?? []) listener(message);
  }

  subscribe(channel: string, listener: (message: string) => void): () => void {
    const listeners = this.listeners.get(channel) ?? new Set();
    this.listeners.set(channel, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Nothing is ever missed within one process. */
  onGap(): void {}

  load(entries: readonly SnapshotEntry[]): void {
    for (const [key, value, expiresAtMs] of entries) {
      if (key.startsWith(quotaPrefix)) this.quotas.set(key, { used: Number(value), endsAtMs: expiresAtMs });
      else this.values.set(key, { value, expiresAtMs });
    }
  }

  keepSnapshot(path: string, intervalMs: number): void {
    // A snapshot that could not be written is tried again; the last one, on close, is not swallowed.
    const timer = setInterval(() => void this.writeSnapshot(path).catch(() => {}), intervalMs);
    this.snapshot = { path, timer: timer.unref() };
  }

  async close(): Promise<void> {
    if (this.snapshot === undefined) return;
    clearInterval(this.snapshot.timer);
    await this.writeSnapshot(this.snapshot.path);
  }

  private writeSnapshot(path: string): Promise<void> {
    const nowMs = Date.now();
    const entries: SnapshotEntry[] = [];
    for (const [key, entry] of this.values.entries()) {
      if (isLive(entry, nowMs)) entries.push([key, entry.value, entry.expiresAtMs]);
    }
    for (const [key, counter] of this.quotas.entries()) entries.push([key, String(counter.used), counter.endsAtMs]);
    return writeSnapshot(path, entries);
  }

  private windowOf({ key, limit }: RateCount): SlidingWindow | SlicedWindow {
    const Kind = limit > maxExactLimit ? SlicedWindow : SlidingWindow;
    const known = this.windows.get(key);
    if (known instanceof Kind) return known;
    const window = new Kind();
    this.windows.set(key, window);
    return window;
  }

  private count({ key, renewalSeconds }: QuotaCount, nowMs: number): Quota {
    const known = this.quotas.get(key);
    const counter = known === undefined || hasEnded(known, nowMs) ? { used: 0, endsAtMs: 0 } : known;
    if (counter !== known) this.quotas.set(key, counter);
    // A period that was for ever ends once the quota is renewed at all.
    if (renewalSeconds > 0 && counter.endsAtMs === 0) counter.endsAtMs = nowMs + renewalSeconds * 1000;
    counter.used++;
    return counter;
  }
}

/** Quotas are counted under such keys, and under no others. */
const quotaPrefix = 'quota-';

const one = (): number => 1;

function isLive(entry: Entry, nowMs: number): boolean {
  return entry.expiresAtMs === 0 || entry.expiresAtMs > nowMs;
}

function hasEnded(counter: Quota, nowMs: number): boolean {
  return counter.endsAtMs !== 0 && counter.endsAtMs <= nowMs;
}

/** Bytes that an entry takes, or near enough: strings of one byte a character, and the entry itself. */
function sizeOf(key: string, value: string): number {
  return key.length + value.length + 200;
}
