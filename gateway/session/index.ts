import { fromByteString, isUtf8ByteString } from '../../contract/text.ts';
import type { Configuration, Keys } from '../configuration/index.ts';
import type { Api } from '../definitions/api.ts';
import { type Awaitable, type Store, StoreUnavailable } from '../store/store.ts';
import type { Caller } from './caller.ts';
import { Counting } from './counting.ts';
import { type KeyName, keyName, possibleNames } from './key-names.ts';
import { KeyRecords } from './key-records.ts';
import { OrgRecords } from './org-records.ts';
import { PluginSessions } from './plugin-sessions.ts';
import type { Policies } from './policies/policies.ts';
import { type Refusal, refusals } from './refusal.ts';
import { SessionCaller } from './session-caller.ts';
import { SessionMemory } from './session-memory.ts';
import { SessionWriter } from './session-writer.ts';
import type { Sessions } from './sessions.ts';
import type { SessionWorld, StoredSession } from './stored-session.ts';

export type { Caller } from './caller.ts';
export { extractId, readsBody } from './extract-id.ts';
export { hashOfName, newId } from './key-names.ts';
export type { KeyRecord, KeyRecords } from './key-records.ts';
export type { OrgRecords } from './org-records.ts';
export { policyIds } from './policies/apply-policies.ts';
export { PolicyError } from './policies/draft-rights.ts';
export { createPolicies, type Policies, PolicyFileError } from './policies/policies.ts';
export { type Policy, policyJson, readPolicy } from './policies/policy.ts';
export { isRefusal, type Refusal, refusals } from './refusal.ts';
export type { Session } from './session.ts';
export { parseSentSession, sessionJson } from './session-json.ts';
export type { CountedRequest, Sessions } from './sessions.ts';
export {
  checkAccessRights,
  checkExpiry,
  checkGranularAccess,
  findToken,
  providesIdentity,
  stripCredentials,
} from './steps.ts';

export interface SessionsParts {
  /** Owned by the caller, who closes it after the sessions. */
  readonly store: Store;
  readonly policies: Policies;
  readonly keys: Keys;
  readonly routing: Pick<Configuration['routing'], 'prefixMatching' | 'suffixMatching'>;
  /** Told of stored values that are no sessions, and of writes that failed; for the log. */
  readonly report: (error: Error) => void;
}

/** Sessions, and the keys behind them for the control API and for plugins' host services. */
export function createSessions(parts: SessionsParts): Sessions {
  return new StoreSessions(parts);
}

class StoreSessions implements Sessions {
  readonly records: KeyRecords;
  readonly orgRecords: OrgRecords;
  readonly policies: Policies;
  private readonly store: Store;
  private readonly keys: Keys;
  private readonly report: (error: Error) => void;
  private readonly world: SessionWorld;
  private readonly memory: SessionMemory;
  private readonly plugins: PluginSessions;
  private readonly counting: Counting;

  constructor({ store, policies, keys, routing, report }: SessionsParts) {
    this.store = store;
    this.keys = keys;
    this.report = report;
    this.world = { policies, matching: { prefix: routing.prefixMatching, suffix: routing.suffixMatching } };
    this.memory = new SessionMemory(store, { cacheMs: keys.cacheMs, report });
    const writer = new SessionWriter(store, keys, report);
    const nameOf = (id: string): KeyName => keyName(id, keys);
    this.plugins = new PluginSessions({ memory: this.memory, writer, world: this.world, nameOf });
    this.counting = new Counting(store, writer);
    this.policies = policies;
    this.orgRecords = new OrgRecords(store);
    this.records = new KeyRecords({ store, memory: this.memory, policies, keys });
  }

  get available(): boolean {
    return this.store.available;
  }

  /** An error of ours is no reason to let anybody in. */
  private refusalOf(error: unknown): Refusal {
    if (!(error instanceof StoreUnavailable)) this.report(error instanceof Error ? error : new Error(String(error)));
    return refusals.storeDown;
  }

  authenticateKey(key: string, api: Api): Awaitable<Caller | Refusal> {
    if (key.length < this.keys.minLength) return refusals.keyUnknown;
    const use = (stored: StoredSession | undefined): Caller | Refusal => this.callerOf(stored, api);
    try {
      const stored = this.memory.find(`${api.orgId}\0${key}`, () => presentedNames(key, api.orgId, this.keys));
      return stored instanceof Promise
        ? stored.then(use).catch((error: unknown) => this.refusalOf(error))
        : use(stored);
    } catch (error) {
      return this.refusalOf(error);
    }
  }

  recall(extractedId: string, api: Api): Awaitable<Caller | undefined> {
    return this.plugins.recall(extractedId, api);
  }

  acceptPluginSession(...args: Parameters<PluginSessions['accept']>): ReturnType<PluginSessions['accept']> {
    return this.plugins.accept(...args);
  }

  replaceMetadata(...[caller, api, metadata]: Parameters<Sessions['replaceMetadata']>): Caller {
    return this.plugins.replaceMetadata(caller as SessionCaller, api, metadata);
  }

  checkRateAndQuota(
    ...[caller, api, request]: Parameters<Sessions['checkRateAndQuota']>
  ): Awaitable<Refusal | undefined> {
    return this.counting.caller(caller as SessionCaller, api, request);
  }

  checkApiRate(...[api, limit, endpoint]: Parameters<Sessions['checkApiRate']>): Awaitable<Refusal | undefined> {
    return this.counting.api(api, limit, endpoint);
  }

  async close(): Promise<void> {
    this.memory.close();
  }

  private callerOf(stored: StoredSession | undefined, api: Api): Caller | Refusal {
    if (stored === undefined) return refusals.keyUnknown;
    try {
      return new SessionCaller(stored, stored.withPolicies(api.orgId, this.world), api);
    } catch {
      // Its policies cannot be applied.
      return refusals.keyUnknown;
    }
  }
}

/** What a key that a client presents may be called: {@link possibleNames}. Names are text; what is none is nobody's. */
function presentedNames(key: string, orgId: string, keys: Keys): KeyName[] {
  return isUtf8ByteString(key) ? possibleNames(fromByteString(key), orgId, keys) : [];
}
