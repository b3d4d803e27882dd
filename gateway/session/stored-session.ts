import { performance } from 'node:perf_hooks';
import type { PathMatching } from '../definitions/endpoint-path.ts';
import { AppliedSession } from './applied-session.ts';
import { applyPolicies } from './policies/apply-policies.ts';
import type { Policies } from './policies/policies.ts';
import type { Session } from './session.ts';
import { parseStoredSession } from './session-json.ts';

/** What a session is made with, besides itself. */
export interface SessionWorld {
  readonly policies: Policies;
  readonly matching: PathMatching;
}

/** The answer of an auth plugin that a session was made from. */
export interface PluginOrigin {
  readonly apiId: string;
  readonly answer: Uint8Array;
  readonly metadata: string;
  /** Of the policies, when it was made. */
  readonly revision: number;
}

/** A session as this process remembers it: what the store holds, and what was worked out from it. */
export class StoredSession {
  /** Name in the store, without its prefix. */
  readonly name: string;
  /** Name in clear. */
  readonly keyId: string;
  readonly session: Session;
  /** What the store holds, as far as we know. */
  json: string;
  /** When the store was seen to hold it; `performance.now()`. */
  seenAtMs = performance.now();
  /** When it was written last; `performance.now()`. */
  writtenAtMs = Number.NEGATIVE_INFINITY;
  /** Deleted or changed: not to be used any more. */
  gone = false;
  /** A look into the store is under way. */
  checking = false;
  readonly origin: PluginOrigin | undefined;
  private applied: { readonly revision: number; readonly orgId: string; readonly session: AppliedSession } | undefined;

  constructor(name: string, keyId: string, json: string, session: Session, origin?: PluginOrigin) {
    this.name = name;
    this.keyId = keyId;
    this.json = json;
    this.session = session;
    this.origin = origin;
  }

  /** @throws {SyntaxError | ShapeError} when the text is no session. */
  static parse(name: string, keyId: string, json: string): StoredSession {
    return new StoredSession(name, keyId, json, parseStoredSession(json));
  }

  /** With the policies of this organisation. @throws {PolicyError} */
  withPolicies(orgId: string, { policies, matching }: SessionWorld): AppliedSession {
    const known = this.applied;
    if (known !== undefined && known.revision === policies.revision && known.orgId === orgId) return known.session;
    const session = applyPolicies(this.session, (id) => policies.get(id), orgId);
    const applied = new AppliedSession(session, this.keyId, this.name, matching);
    this.applied = { revision: policies.revision, orgId, session: applied };
    return applied;
  }

  /** With the quota numbers of this moment. */
  snapshot(): Session {
    return this.applied?.session.snapshot() ?? this.session;
  }

  /** Take a session whose policies were applied already. */
  adopt(orgId: string, applied: AppliedSession, revision: number): void {
    this.applied = { revision, orgId, session: applied };
  }
}
