import type { Keys } from '../configuration/index.ts';
import type { Api } from '../definitions/api.ts';
import type { Store } from '../store/store.ts';
import { quotaKey, rateKey } from './api-limits.ts';
import { fullName, hashOfName, keyName, possibleNames } from './key-names.ts';
import { lifetimeSeconds } from './lifetime.ts';
import { isEmptyLimit } from './limit.ts';
import { acceptedBy } from './plugin-sessions.ts';
import { applyPolicies } from './policies/apply-policies.ts';
import type { Policies } from './policies/policies.ts';
import type { Session } from './session.ts';
import { parseStoredSession, sessionJson } from './session-json.ts';
import { type SessionMemory, sessionPrefix } from './session-memory.ts';

/** A key as it is stored. */
export interface KeyRecord {
  /** In clear; the hash, when it was asked for by that. */
  readonly name: string;
  readonly stored: string;
  readonly session: Session;
}

export interface KeyRecordsParts {
  readonly store: Store;
  readonly memory: SessionMemory;
  readonly policies: Policies;
  readonly keys: Keys;
}

/**
 * Keys, for those who administer them: the control API, and plugins through host services. What is saved or removed acts on the next
 * request, here and, once the promise resolves, at all gateways that share the store. Rejects with `StoreUnavailable`.
 */
export class KeyRecords {
  readonly keys: Keys;
  private readonly store: Store;
  private readonly memory: SessionMemory;
  private readonly policies: Policies;

  constructor({ store, memory, policies, keys }: KeyRecordsParts) {
    this.store = store;
    this.memory = memory;
    this.policies = policies;
    this.keys = keys;
  }

  /** The name that a new key gets. */
  newName(orgId: string, id: string): string {
    return fullName(orgId, id, this.keys.hashFunction);
  }

  /** The name under which a key is stored. */
  storedName(name: string): string {
    return keyName(name, this.keys).stored;
  }

  /** The key of that name, or the one that the organisation knows by it; with `isHash` the one stored so. */
  async find(name: string, orgId: string, isHash: boolean): Promise<KeyRecord | undefined> {
    const names = isHash ? [{ clear: name, stored: name }] : possibleNames(name, orgId, this.keys);
    const values = await this.store.getMany(names.map(({ stored }) => sessionPrefix + stored));
    const place = values.findIndex((value) => value !== undefined);
    const found = names[place];
    if (found === undefined) return undefined;
    const session = parseStoredSession(values[place] as string);
    delete (session as Record<string, unknown>)[acceptedBy];
    return { name: found.clear, stored: found.stored, session };
  }

  /**
   * Save a session with its policies applied. Its stay in the store is that of the API, if one is given.
   * @throws {PolicyError}
   */
  async save(stored: string, session: Session, api: Api | undefined, isNew: boolean): Promise<Session> {
    const applied = this.withPolicies(session);
    await this.store.set(sessionPrefix + stored, sessionJson(applied), lifetimeSeconds(applied, api, this.keys));
    await this.memory.announce(stored, isNew);
    return applied;
  }

  /** Whether there was such a key. */
  async remove(stored: string): Promise<boolean> {
    const removed = await this.store.delete([sessionPrefix + stored]);
    await this.memory.announce(stored, false);
    return removed > 0;
  }

  /** The session as requests see it. @throws {PolicyError} */
  withPolicies(session: Session): Session {
    return applyPolicies(session, (id) => this.policies.get(id), undefined);
  }

  /** Begin all rates and quotas of a key anew. */
  async resetLimits(stored: string, session: Session): Promise<void> {
    const scopes = new Set(['']);
    const names = new Set<string>();
    for (const [apiId, right] of Object.entries(session.access_rights ?? {})) {
      scopes.add(right.allowance_scope ?? (isEmptyLimit(right.limit) ? '' : apiId));
    }
    for (const scope of scopes) {
      names
        .add(quotaKey(scope, stored))
        .add(rateKey(scope, stored))
        .add(`${rateKey(scope, stored)}.BLOCKED`);
      for (const right of Object.values(session.access_rights ?? {})) {
        for (const { path = '', methods = [] } of right.endpoints ?? []) {
          for (const { name = '' } of methods) names.add(`${rateKey(scope, stored)}-${hashOfName(`${name}:${path}`)}`);
        }
      }
    }
    await this.store.delete([...names]);
  }

  /** The session with what is left of its quotas at this moment. */
  async withQuotaLeft(stored: string, session: Session): Promise<Session> {
    const rights = Object.entries(session.access_rights ?? {});
    const keys = [
      quotaKey('', stored),
      ...rights.map(([, { allowance_scope = '' }]) => quotaKey(allowance_scope, stored)),
    ];
    const [own, ...used] = await this.store.quotasUsed(keys);
    const now = { ...session };
    if (own !== undefined && session.quota_max !== -1)
      now.quota_remaining = Math.max(0, (session.quota_max ?? 0) - own);
    if (rights.length === 0) return now;
    now.access_rights = Object.fromEntries(
      rights.map(([apiId, right], i) => {
        const max = right.limit?.quota_max ?? 0;
        if (isEmptyLimit(right.limit) || max === -1) return [apiId, right];
        return [apiId, { ...right, limit: { ...right.limit, quota_remaining: Math.max(0, max - (used[i] ?? 0)) } }];
      }),
    );
    return now;
  }

  /** Stored names that begin with `prefix`, of keys with a right to the API. */
  async listForApi(prefix: string, apiId: string): Promise<string[]> {
    const names = await this.list(prefix);
    const found: string[] = [];
    for (let i = 0; i < names.length; i += readAtOnce) {
      const page = names.slice(i, i + readAtOnce);
      const values = await this.store.getMany(page.map((name) => sessionPrefix + name));
      found.push(...page.filter((_, at) => opens(values[at], apiId)));
    }
    return found;
  }

  /** Stored names that begin with `prefix`. */
  async list(prefix: string): Promise<string[]> {
    const keys = await this.store.keys(sessionPrefix + prefix);
    return keys.map((key) => key.slice(sessionPrefix.length));
  }
}

/** Keys that are read from the store in one go. */
const readAtOnce = 500;

function opens(json: string | undefined, apiId: string): boolean {
  try {
    return json !== undefined && Object.hasOwn(parseStoredSession(json).access_rights ?? {}, apiId);
  } catch {
    return false;
  }
}
