import { performance } from 'node:perf_hooks';
import type { Keys } from '../configuration/index.ts';
import type { Api } from '../definitions/api.ts';
import type { Store } from '../store/store.ts';
import type { AppliedSession } from './applied-session.ts';
import { lifetimeSeconds } from './lifetime.ts';
import { sessionJson } from './session-json.ts';
import { sessionPrefix } from './session-memory.ts';
import type { StoredSession } from './stored-session.ts';

/** A session that requests use is written back this often at most. */
const minWriteIntervalMs = 1000;

const minReportIntervalMs = 1000;

/**
 * Writes sessions to the store behind the requests' back. Writing back never brings a deleted session to life, nor undoes a change: it
 * happens only where the store still holds what we read.
 */
export class SessionWriter {
  private readonly store: Store;
  private readonly keys: Keys;
  private readonly report: (error: Error) => void;
  private reportedAtMs = Number.NEGATIVE_INFINITY;

  constructor(store: Store, keys: Keys, report: (error: Error) => void) {
    this.store = store;
    this.keys = keys;
    this.report = report;
  }

  /** Write a session that an auth plugin gave, whatever the store holds. */
  write(stored: StoredSession, applied: AppliedSession, api: Api): void {
    stored.writtenAtMs = performance.now();
    const ttl = lifetimeSeconds(applied.session, api, this.keys);
    this.behind(() => this.store.set(sessionPrefix + stored.name, stored.json, ttl));
  }

  /** Write the session's quota numbers of this moment, and let its lifetime begin anew. */
  writeBack(stored: StoredSession, applied: AppliedSession, api: Api): void {
    if (stored.gone) return;
    stored.writtenAtMs = performance.now();
    const ttl = lifetimeSeconds(applied.session, api, this.keys);
    const before = stored.json;
    const json = sessionJson(applied.snapshot());
    if (json === before && ttl === 0) return;
    stored.json = json;
    this.behind(async () => {
      if (!(await this.store.replace(sessionPrefix + stored.name, before, json, ttl))) stored.gone = true;
    });
  }

  /** The same, unless it was written a moment ago. */
  writeBackNow(stored: StoredSession, applied: AppliedSession, api: Api): void {
    if (performance.now() - stored.writtenAtMs >= minWriteIntervalMs) this.writeBack(stored, applied, api);
  }

  private behind(write: () => unknown): void {
    // The request was decided without it, and a store that is down is told of by readiness. It is written when it is used again.
    if (!this.store.available) return;
    const failed = (error: unknown): void => this.failed(error);
    try {
      const writing = write();
      if (writing instanceof Promise) writing.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** At the moment when a store goes down, many fail at once. */
  private failed(error: unknown): void {
    const nowMs = performance.now();
    if (nowMs - this.reportedAtMs < minReportIntervalMs) return;
    this.reportedAtMs = nowMs;
    this.report(new Error('a session could not be written', { cause: error }));
  }
}
