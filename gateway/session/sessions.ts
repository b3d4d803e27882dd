import type { HookAnswer } from '../../contract/answer.ts';
import type { Api, RateLimit } from '../definitions/api.ts';
import type { Awaitable } from '../store/store.ts';
import type { Caller } from './caller.ts';
import type { KeyRecords } from './key-records.ts';
import type { OrgRecords } from './org-records.ts';
import type { Policies } from './policies/policies.ts';
import type { Refusal } from './refusal.ts';

/**
 * Who may do what, and how often. The chain asks in the contract's order: a key or an auth plugin's answer becomes a {@link Caller};
 * then expiry, access rights, rate and quota (the pure checks are functions in steps.ts). Nothing here throws or rejects: a store
 * that is down is a {@link Refusal} too.
 */
export interface Sessions {
  /** The caller behind a key that a client presented (see `findToken`). */
  authenticateKey(key: string, api: Api): Awaitable<Caller | Refusal>;
  /** The session that an auth plugin allowed to be remembered under an extracted id; undefined: ask the plugin. */
  recall(extractedId: string, api: Api): Awaitable<Caller | undefined>;
  /**
   * The caller that an auth plugin's answer names; its session is stored. Undefined: the plugin lets the request through, and another
   * method provides the identity (`base_identity_provided_by`).
   * @param extractedId the session's name, when the API has an ID extractor (see `extractId`).
   */
  acceptPluginSession(
    answer: HookAnswer,
    api: Api,
    extractedId: string | undefined,
  ): Awaitable<Caller | Refusal | undefined>;
  /** The caller with this as the metadata of its session, which is stored so. */
  replaceMetadata(caller: Caller, api: Api, metadata: Record<string, unknown>): Caller;
  /** Count the request against the caller's rate and quota for this API. Updates `caller.limits`. */
  checkRateAndQuota(caller: Caller, api: Api, request: CountedRequest): Awaitable<Refusal | undefined>;
  /** Count the request against a limit of the API itself, or of one of its endpoints: `endpoint` then names it (`METHOD:path`). */
  checkApiRate(api: Api, limit: RateLimit, endpoint?: string): Awaitable<Refusal | undefined>;
  /** Keys, for those who administer them. */
  readonly records: KeyRecords;
  /** Sessions of whole organisations. */
  readonly orgRecords: OrgRecords;
  readonly policies: Policies;
  /** Whether keys can be looked up now; readiness tells. */
  readonly available: boolean;
  close(): Promise<void>;
}

/** What of a request decides which limit it counts against. */
export interface CountedRequest {
  readonly method: string;
  /** The forms of its path that endpoint rules are tried on (see definitions/endpoint-path.ts). Asked for only where they matter. */
  paths(): readonly string[];
  /** Value of a `$tyk_context.` variable; for keys whose metadata names their limits by one. */
  context(name: string): string | undefined;
}
