import type { KeyEventMeta } from '../../chain/event-message.ts';
import type { KeyEventName } from '../../chain/events.ts';
import type { Api } from '../../definitions/api.ts';
import { type KeyRecord, type KeyRecords, parseSentSession, type Session } from '../../session/index.ts';
import type { ControlReply, ControlRequest } from '../reply.ts';

export interface KeyEndpointParts {
  readonly records: KeyRecords;
  /** An API that is loaded. */
  readonly api: (id: string) => Api | undefined;
  /** Tell the event handlers of the APIs that the key opens; undefined: of all. */
  readonly tell: (event: KeyEventName, meta: KeyEventMeta, apiIds: readonly string[] | undefined) => void;
}

export type Endpoint = (request: ControlRequest) => Promise<ControlReply>;

/** Segments of a path behind `base`, decoded. */
export function segmentsAfter(path: string, base: string): string[] {
  return path
    .slice(base.length)
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => {
      try {
        return decodeURIComponent(segment);
      } catch {
        return segment;
      }
    });
}

/** The key that a GET or DELETE means. With a hash function, a name that leads nowhere is tried as it stands. */
export async function findKey(
  { records, api }: KeyEndpointParts,
  request: ControlRequest,
  place: string,
): Promise<KeyRecord | undefined> {
  const orgId = orgOf(request, api);
  const isHash = hasFlag(request, 'hashed');
  const name = request.query.get('username') === 'true' ? records.newName(orgId, place) : place;
  const found = await records.find(name, orgId, isHash);
  return found !== undefined || name === place ? found : records.find(place, orgId, isHash);
}

export function orgOf({ query }: ControlRequest, api?: KeyEndpointParts['api']): string {
  return api?.(query.get('api_id') ?? '')?.orgId ?? query.get('org_id') ?? '';
}

export function hasFlag({ query }: ControlRequest, name: string): boolean {
  return (query.get(name) ?? '') !== '';
}

/** The session of a body; undefined when it is none. `null` is refused: the original makes a key for every API of it. */
export function readSession(body: Buffer): Session | undefined {
  const text = body.toString();
  if (text.trim() === 'null') return undefined;
  try {
    return parseSentSession(text);
  } catch {
    return undefined;
  }
}

export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** RFC 3339, as Go writes it. */
export function now(): string {
  return new Date().toISOString().replace(/\.?0*Z$/, 'Z');
}

/** A key has become another; `session` has what its policies give. A key without rights opens every API. */
export function tellOfKey(
  { tell }: KeyEndpointParts,
  event: KeyEventName,
  message: string,
  key: string,
  session: Session,
): void {
  const apiIds = Object.keys(session.access_rights ?? {});
  const meta = { Message: message, Org: session.org_id ?? '', Key: key };
  tell(event, meta, apiIds.length > 0 ? apiIds : undefined);
}
