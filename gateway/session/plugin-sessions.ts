import type { HookAnswer } from '../../contract/answer.ts';
import { fromByteString, toByteString } from '../../contract/text.ts';
import { WireReader } from '../../contract/wire/reader.ts';
import type { Api } from '../definitions/api.ts';
import type { Awaitable } from '../store/store.ts';
import { AppliedSession } from './applied-session.ts';
import type { Caller } from './caller.ts';
import type { KeyName } from './key-names.ts';
import { applyPolicies } from './policies/apply-policies.ts';
import { type Refusal, refusals } from './refusal.ts';
import type { Session } from './session.ts';
import { SessionCaller } from './session-caller.ts';
import { sessionFromProto } from './session-from-proto.ts';
import { parseSentSession, sessionJson } from './session-json.ts';
import type { SessionMemory } from './session-memory.ts';
import type { SessionWriter } from './session-writer.ts';
import { emptyMap, ShapeError } from './shape.ts';
import { providesIdentity } from './steps.ts';
import { type PluginOrigin, type SessionWorld, StoredSession } from './stored-session.ts';

/** A session that an extractor may recall carries the id of the API whose plugin accepted it. Not shown by the control API. */
export const acceptedBy = 'interpose_accepted_by';

export interface PluginSessionParts {
  readonly memory: SessionMemory;
  readonly writer: SessionWriter;
  readonly world: SessionWorld;
  /** The name under which an id is stored. */
  readonly nameOf: (id: string) => KeyName;
}

/** Sessions that auth plugins give (spec/coprocess-contract §3.4, §5). */
export class PluginSessions {
  private readonly parts: PluginSessionParts;

  constructor(parts: PluginSessionParts) {
    this.parts = parts;
  }

  accept(answer: HookAnswer, api: Api, extractedId: string | undefined): Awaitable<Caller | Refusal | undefined> {
    const given = answeredSession(answer, api, this.parts.world.policies.revision);
    if (given === undefined) return refusals.nobody;
    const name = this.parts.nameOf(extractedId ?? given.token);
    const known = this.parts.memory.peek(name.stored);
    if (known !== undefined) {
      const isAsBefore = known.origin !== undefined && isSameOrigin(known.origin, given.origin);
      return isAsBefore ? this.again(known, api) : this.take(answer, given.origin, name, known, api, extractedId);
    }
    // What went before is wanted for its quota period only: without a store the plugin's word counts as it is.
    const take = (before: StoredSession | undefined): Caller | Refusal | undefined =>
      this.take(answer, given.origin, name, before, api, extractedId);
    try {
      const before = this.parts.memory.get(name);
      return before instanceof Promise ? before.then(take, () => take(undefined)) : take(before);
    } catch {
      return take(undefined);
    }
  }

  recall(extractedId: string, api: Api): Awaitable<Caller | undefined> {
    const use = (stored: StoredSession | undefined): Caller | undefined => this.recalled(stored, api);
    try {
      const stored = this.parts.memory.get(this.parts.nameOf(extractedId));
      return stored instanceof Promise ? stored.then(use, () => undefined) : use(stored);
    } catch {
      return undefined;
    }
  }

  /** Metadata of a session that its own key or plugin gave, changed by a script on the way. */
  replaceMetadata(caller: SessionCaller, api: Api, metadata: Record<string, unknown>): SessionCaller {
    const { memory, writer, world } = this.parts;
    const { stored, applied } = caller;
    const session: Session = { ...applied.snapshot(), meta_data: metadata };
    if (Object.keys(metadata).length === 0) delete session.meta_data;
    const json = sessionJson(session);
    if (json === sessionJson(applied.snapshot())) return caller;
    const next = new StoredSession(stored.name, stored.keyId, json, session);
    const again = new AppliedSession(session, stored.keyId, stored.name, world.matching);
    next.adopt(api.orgId, again, world.policies.revision);
    // Whoever found it by another name must look again.
    stored.gone = true;
    memory.remember(next);
    if (stored.keyId !== namelessOf(api)) {
      writer.write(next, again, api);
      memory.announceLater(stored.name);
    }
    return new SessionCaller(next, again, api);
  }

  private recalled(stored: StoredSession | undefined, api: Api): Caller | undefined {
    if (stored === undefined || !mayBeRecalled(stored.session, api)) return undefined;
    try {
      const applied = stored.withPolicies(api.orgId, this.parts.world);
      this.parts.writer.writeBackNow(stored, applied, api);
      return new SessionCaller(stored, applied, api);
    } catch {
      // Its policies do not hold any more: the plugin decides.
      return undefined;
    }
  }

  /** The plugin answered as it did before: all that was made of its answer still holds. */
  private again(stored: StoredSession, api: Api): Caller {
    const applied = stored.withPolicies(api.orgId, this.parts.world);
    this.parts.writer.writeBackNow(stored, applied, api);
    return new SessionCaller(stored, applied, api);
  }

  private take(
    answer: HookAnswer,
    origin: PluginOrigin,
    name: KeyName,
    before: StoredSession | undefined,
    api: Api,
    extractedId: string | undefined,
  ): Caller | Refusal | undefined {
    const { world, memory, writer } = this.parts;
    const { policies, matching } = world;
    let applied: AppliedSession;
    try {
      const session = sessionOf(answer, origin.answer);
      // A script's session need not say whose it is.
      if (answer.sessionJson === undefined || session.org_id !== undefined) session.org_id = api.orgId;
      if (extractedId !== undefined) (session as Record<string, unknown>)[acceptedBy] = api.id;
      // The plugin's own numbers never count, once there are any.
      const counted = before?.snapshot();
      if (counted !== undefined) {
        session.quota_renews = counted.quota_renews ?? 0;
        session.quota_remaining = counted.quota_remaining ?? 0;
      }
      const withPolicies = applyPolicies(session, (id) => policies.get(id), api.orgId, counted);
      applied = new AppliedSession(withPolicies, name.clear, name.stored, matching);
    } catch (error) {
      if (error instanceof ShapeError && answer.sessionJson !== undefined) return refusals.sessionUnreadable;
      // Bytes that are no session, or policies that cannot be applied.
      return refusals.nobody;
    }
    if (!providesIdentity(api, 'custom')) return undefined;
    const stored = new StoredSession(name.stored, name.clear, sessionJson(applied.session), applied.session, origin);
    stored.adopt(api.orgId, applied, policies.revision);
    memory.remember(stored);
    if (name.clear !== namelessOf(api)) writer.write(stored, applied, api);
    if (before !== undefined && grantOf(before.session) !== grantOf(applied.session)) memory.announceLater(name.stored);
    return new SessionCaller(stored, applied, api);
  }
}

/**
 * The original lets a remembered session into every API of the organisation that extracts the same text. Here it must have the right to
 * the API, or have been accepted by this API's own plugin.
 */
function mayBeRecalled(session: Session, api: Api): boolean {
  if ((session.id_extractor_deadline ?? 0) <= Math.floor(Date.now() / 1000)) return false;
  if (session.access_rights !== undefined && Object.keys(session.access_rights).length > 0) return true;
  return (session as Record<string, unknown>)[acceptedBy] === api.id;
}

/** What other gateways must hear of when it changes: they may know the session by now, and it lets its bearer do something else. */
function grantOf({ is_inactive, expires, access_rights, rate, per, quota_max, quota_renewal_rate }: Session): string {
  const rights = Object.entries(access_rights ?? {}).map(([id, { limit, ...right }]) => {
    return [id, right, limit?.rate, limit?.per, limit?.quota_max];
  });
  return JSON.stringify([is_inactive === true, expires, rights, rate, per, quota_max, quota_renewal_rate]);
}

/** Callers whom a script let in without saying who they are: they count as one, and their session is not stored (Q6). */
function namelessOf(api: Api): string {
  return `nameless caller of ${api.id}`;
}

/** Whom an answer names; undefined when it has no session or no token. */
function answeredSession(
  { session, sessionJson: script, metadata: pairs = [] }: HookAnswer,
  api: Api,
  revision: number,
): { origin: PluginOrigin; token: string } | undefined {
  const answer = script === undefined ? session : Buffer.from(script);
  if (answer === undefined) return undefined;
  let metadata = '';
  let token: string | undefined;
  for (const [key, value] of pairs) {
    metadata += `${key}\0${value}\0`;
    if (key === 'token') token = value;
  }
  if (script !== undefined) token ||= toByteString(namelessOf(api));
  else token ??= tokenIn(answer);
  if (token === undefined || token === '') return undefined;
  return { origin: { apiId: api.id, answer, metadata, revision }, token: fromByteString(token) };
}

/** The entry `token` of the session's metadata, without decoding the rest. */
function tokenIn(answer: Uint8Array): string | undefined {
  let token: string | undefined;
  try {
    const reader = new WireReader(Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength));
    while (reader.next()) {
      if (reader.field !== sessionMetadata || reader.type !== 2) reader.skip();
      else {
        const [key, value] = reader.mapEntry();
        if (key === 'token') token = value;
      }
    }
  } catch {
    return undefined;
  }
  return token;
}

/** Field of `coprocess.SessionState`. */
const sessionMetadata = 23;

/** The answer's session, with the answer's metadata put over its own. @throws {Error} when its bytes are none. */
function sessionOf({ metadata = [], sessionJson: script }: HookAnswer, answer: Uint8Array): Session {
  if (script !== undefined) return parseSentSession(script);
  const session = sessionFromProto(answer);
  for (const [key, value] of metadata) {
    session.meta_data ??= emptyMap();
    session.meta_data[fromByteString(key)] = fromByteString(value);
  }
  return session;
}

function isSameOrigin(a: PluginOrigin, b: PluginOrigin): boolean {
  return (
    a.apiId === b.apiId &&
    a.revision === b.revision &&
    a.metadata === b.metadata &&
    Buffer.compare(a.answer, b.answer) === 0
  );
}
