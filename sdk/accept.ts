import type { AccessRight } from './session.ts';

/** What a caller may do. Everything left out means "no limit", or comes from `policies`. */
export interface AcceptOptions {
  /** So many requests ... */
  readonly rate?: number;
  /** ... in so many seconds. */
  readonly per?: number;
  /** Requests in one quota period. */
  readonly quotaMax?: number;
  /** Length of a quota period in seconds. */
  readonly quotaRenewalSeconds?: number;
  /** Seen by later hooks; values are text. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Ids of policies to apply: their limits and rights then count. */
  readonly policies?: readonly string[];
  readonly tags?: readonly string[];
  readonly alias?: string;
  /** When the caller's key runs out. */
  readonly expires?: Date;
  /** How long the session stays in the store. */
  readonly lifetimeSeconds?: number;
  /** Until when an id extractor may let this caller in without asking this hook again. */
  readonly rememberUntil?: Date;
  /** By API id. Absent: all APIs. */
  readonly accessRights?: Readonly<Record<string, Partial<AccessRight>>>;
  /** The caller is known and locked out. */
  readonly inactive?: boolean;
}

/** The answer of an `auth` hook that knows the caller. */
export interface Accepted {
  readonly kind: 'accept';
  /** A `coprocess.SessionState` as the guest protocol has it. */
  readonly session: Readonly<Record<string, unknown>>;
}

/**
 * Let a caller in. Rate, quota and session are kept under `id`, so it must be the caller's own: a user id, a key, a token's subject.
 *
 * @throws {TypeError} for an empty id or an option that cannot be: a negative rate, a date that is none, metadata that is not text.
 */
export function accept(id: string, options: AcceptOptions = {}): Accepted {
  if (typeof id !== 'string' || id === '') throw new TypeError('accept(id): "id" must be a text that is not empty');
  const { metadata = {}, accessRights } = options;
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== 'string')
      throw new TypeError(`accept(): metadata "${name}" must be text, got ${typeof value}`);
  }
  return {
    kind: 'accept',
    session: {
      ...number('rate', options.rate),
      ...number('per', options.per),
      ...whole('quota_max', options.quotaMax),
      ...whole('quota_renewal_rate', options.quotaRenewalSeconds),
      ...whole('session_lifetime', options.lifetimeSeconds),
      ...seconds('expires', options.expires),
      ...seconds('id_extractor_deadline', options.rememberUntil),
      ...(options.policies && { apply_policies: options.policies }),
      ...(options.tags && { tags: options.tags }),
      ...(options.alias !== undefined && { alias: options.alias }),
      ...(options.inactive === true && { is_inactive: true }),
      ...(accessRights && { access_rights: toRights(accessRights) }),
      metadata: { ...metadata, token: id },
    },
  };
}

function toRights(rights: Readonly<Record<string, Partial<AccessRight>>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(rights).map(([apiId, { apiName = '', versions = [], allowedUrls = [] }]) => [
      apiId,
      { api_name: apiName, api_id: apiId, versions, allowed_urls: allowedUrls },
    ]),
  );
}

function number(name: string, value: number | undefined): Record<string, number> {
  if (value === undefined) return {};
  if (!Number.isFinite(value) || (value < 0 && value !== -1))
    throw new TypeError(`accept(): "${name}" cannot be ${value}`);
  return { [name]: value };
}

function whole(name: string, value: number | undefined): Record<string, number> {
  if (value !== undefined && !Number.isSafeInteger(value)) {
    throw new TypeError(`accept(): "${name}" must be a whole number, got ${value}`);
  }
  return number(name, value);
}

function seconds(name: string, date: Date | undefined): Record<string, number> {
  return date === undefined ? {} : whole(name, Math.floor(date.getTime() / 1000));
}
