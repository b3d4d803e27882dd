import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { LRUCache } from 'lru-cache';
import { type Awaitable, type Store, StoreUnavailable } from '../store/store.ts';
import type { KeyName } from './key-names.ts';
import { StoredSession } from './stored-session.ts';

/** Where sessions live in the store. */
export const sessionPrefix = 'apikey-';

/** Gateways tell each other here which sessions were deleted or changed: who says it, a blank, `+NAME` for a new one, else `-NAME`. */
const channel = 'interpose.sessions';

/** Sessions that are used are looked at in the store again this often, behind the requests' back. */
const checkAfterMs = 2000;

export interface SessionMemoryOptions {
  /** How long a session may be used without the store being asked; 0: it is asked every time. */
  readonly cacheMs: number;
  /** Sessions that are remembered; the least recently used go. @default 50,000 */
  readonly maxSessions?: number;
  /** Told of stored values that are no sessions. */
  readonly report: (error: Error) => void;
}

/** How a client's text was found to name a session. */
interface Presented {
  readonly session: StoredSession;
  /** Which of the possible names it was, from 0. */
  readonly place: number;
  readonly foundAtMs: number;
  /** State of {@link SessionMemory.additions} when it was looked up. */
  readonly additions: number;
}

/**
 * The sessions of the store, parsed, with a short memory. What gateways delete or change is forgotten by all at once; what others
 * change in the store is seen within seconds.
 */
export class SessionMemory {
  private readonly store: Store;
  private readonly options: SessionMemoryOptions;
  private readonly byName: LRUCache<string, StoredSession>;
  private readonly byText: LRUCache<string, Presented>;
  private readonly loading = new Map<string, Promise<StoredSession | undefined>>();
  private readonly id = randomUUID();
  private readonly stopListening: () => void;
  /** Counts what was forgotten, so that a look-up under way notices. */
  private changes = 0;
  /** Counts new sessions: one of them may have a name that comes before another one that was found. */
  private additions = 0;
  /** Sessions that were seen before this must be looked at again: a message about them may have been missed. */
  private trustedSinceMs = Number.NEGATIVE_INFINITY;

  constructor(store: Store, options: SessionMemoryOptions) {
    this.store = store;
    this.options = options;
    const max = options.maxSessions ?? 50_000;
    this.byName = new LRUCache({ max });
    this.byText = new LRUCache({ max });
    this.stopListening = store.subscribe(channel, (message) => this.hear(message));
    store.onGap(() => {
      this.trustedSinceMs = performance.now();
      this.additions++;
    });
  }

  /**
   * The session that a text names for an organisation: the first of its possible names that is stored.
   * @throws {StoreUnavailable}, or rejects with it.
   */
  find(text: string, namesOf: () => readonly KeyName[]): Awaitable<StoredSession | undefined> {
    const known = this.byText.get(text);
    if (known !== undefined && this.isStillFirst(known)) {
      const { session } = known;
      if (this.isFresh(session)) return session;
      if (!this.store.available) return this.last(session);
    }
    const loading = this.loading.get(text);
    if (loading !== undefined) return loading;
    const found = this.load(text, namesOf());
    if (!(found instanceof Promise)) return found;
    this.loading.set(text, found);
    const done = (): boolean => this.loading.delete(text);
    found.then(done, done);
    return found;
  }

  /** The session under one name. @throws {StoreUnavailable}, or rejects with it. */
  get(name: KeyName): Awaitable<StoredSession | undefined> {
    const known = this.byName.get(name.stored);
    if (known !== undefined) {
      if (this.isFresh(known)) return known;
      if (!this.store.available) return this.last(known);
    }
    return this.find(`\0${name.stored}`, () => [name]);
  }

  /** The session under a name, if this process has it and it is fresh. */
  peek(storedName: string): StoredSession | undefined {
    const known = this.byName.get(storedName);
    return known !== undefined && this.isFresh(known) ? known : undefined;
  }

  /** Remember a session that is being written to the store. */
  remember(session: StoredSession): void {
    const before = this.byName.get(session.name);
    if (before !== undefined) before.gone = true;
    else this.additions++;
    this.byName.set(session.name, session);
  }

  /** Forget a session here, and tell the other gateways to. Rejects when they could not be told. */
  async announce(storedName: string, isNew: boolean): Promise<void> {
    this.forget(storedName, isNew);
    await this.store.publish(channel, `${this.id} ${isNew ? '+' : '-'}${storedName}`);
  }

  /** Tell the other gateways of a session that this one just remembered anew; the request that did it does not wait. */
  announceLater(storedName: string): void {
    const told = this.store.publish(channel, `${this.id} -${storedName}`);
    if (told instanceof Promise) told.catch(this.options.report);
  }

  close(): void {
    this.stopListening();
  }

  private hear(message: string): void {
    const blank = message.indexOf(' ');
    if (message.slice(0, blank) !== this.id) this.forget(message.slice(blank + 2), message[blank + 1] === '+');
  }

  private forget(storedName: string, isNew: boolean): void {
    this.changes++;
    if (isNew) this.additions++;
    const known = this.byName.get(storedName);
    if (known === undefined) return;
    known.gone = true;
    this.byName.delete(storedName);
  }

  /** Whether a session may be used without waiting for the store. */
  private isFresh(session: StoredSession): boolean {
    if (session.gone) return false;
    // A store in this process is asked faster than a clock.
    if (this.store.kind === 'memory') return this.store.get(sessionPrefix + session.name) === session.json;
    if (!this.store.hearing || session.seenAtMs < this.trustedSinceMs) return false;
    const ageMs = performance.now() - session.seenAtMs;
    if (ageMs >= this.options.cacheMs) return false;
    if (ageMs >= checkAfterMs && !session.checking && this.store.available) void this.check(session);
    return true;
  }

  /** While the store is down: what is remembered, as long as it may be; then an error. */
  private last(session: StoredSession): StoredSession {
    const ageMs = performance.now() - session.seenAtMs;
    if (session.gone || ageMs >= this.options.cacheMs) throw new StoreUnavailable('the store does not answer');
    return session;
  }

  /** Whether no name that comes before the one that was found can have got a session since. */
  private isStillFirst({ place, additions, foundAtMs }: Presented): boolean {
    if (place === 0) return true;
    return additions === this.additions && performance.now() - foundAtMs < this.options.cacheMs;
  }

  private async check(session: StoredSession): Promise<void> {
    session.checking = true;
    try {
      const json = await this.store.get(sessionPrefix + session.name);
      if (json === session.json) session.seenAtMs = performance.now();
      else if (!session.gone && json !== session.json) this.forget(session.name, json !== undefined);
    } catch {
      // The store is down: the session ends with its time.
    } finally {
      session.checking = false;
    }
  }

  private load(text: string, names: readonly KeyName[]): Awaitable<StoredSession | undefined> {
    if (names.length === 0) return undefined;
    const { changes } = this;
    const keys = names.map(({ stored }) => sessionPrefix + stored);
    const [only] = keys;
    const values = keys.length === 1 && only !== undefined ? this.store.get(only) : this.store.getMany(keys);
    if (!(values instanceof Promise)) return this.take(text, names, values, true);
    return values.then((read) => this.take(text, names, read, this.changes === changes));
  }

  /**
   * @param settled nothing was forgotten while the values were on their way. Else they may be old already: the session serves this
   * request, which began before the change did, and is not remembered.
   */
  private take(
    text: string,
    names: readonly KeyName[],
    values: string | undefined | readonly (string | undefined)[],
    settled: boolean,
  ): StoredSession | undefined {
    const list = typeof values === 'object' ? values : [values];
    const place = list.findIndex((value) => value !== undefined);
    const name = names[place];
    const json = list[place];
    if (name === undefined || json === undefined) {
      this.byText.delete(text);
      return undefined;
    }
    const known = this.byName.get(name.stored);
    if (known !== undefined && !known.gone && known.json === json && known.keyId === name.clear) {
      known.seenAtMs = performance.now();
      this.present(text, known, place);
      return known;
    }
    const session = this.parse(name, json);
    if (session === undefined || !settled) return session;
    if (known !== undefined) known.gone = true;
    this.byName.set(name.stored, session);
    this.present(text, session, place);
    return session;
  }

  private present(text: string, session: StoredSession, place: number): void {
    this.byText.set(text, { session, place, foundAtMs: performance.now(), additions: this.additions });
  }

  private parse(name: KeyName, json: string): StoredSession | undefined {
    try {
      return StoredSession.parse(name.stored, name.clear, json);
    } catch (error) {
      this.options.report(
        new Error(`the store holds no session under ${sessionPrefix}${name.stored}`, { cause: error }),
      );
      return undefined;
    }
  }
}
