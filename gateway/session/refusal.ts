/** Why a request goes no further: status and text for the error template. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  /** The event that handlers are told of; none for refusals that fire none. */
  readonly event: RefusalEvent | undefined;
  /** Name by which `errors.messages` replaces status and text. */
  readonly id: string | undefined;
}

export type RefusalEvent = 'AuthFailure' | 'KeyExpired' | 'RatelimitExceeded' | 'QuotaExceeded';

/** The contract's refusals, text for text (recorded). */
export const refusals = {
  keyMissing: refusal(401, 'Authorization field missing', undefined, 'auth.auth_field_missing'),
  keyUnknown: refusal(403, 'Access to this API has been disallowed', 'AuthFailure', 'auth.key_not_found'),
  /** The ID extractor found nothing. */
  nothingExtracted: refusal(400, 'Authorization field missing'),
  /** The auth plugin's answer names nobody. */
  nobody: refusal(403, 'Forbidden', 'AuthFailure'),
  /** A script's session has a field of the wrong type, which makes its whole answer undecodable. */
  sessionUnreadable: refusal(500, 'Internal Server Error'),
  inactive: refusal(403, 'Key is inactive, please renew', 'KeyExpired'),
  expired: refusal(401, 'Key has expired, please renew', 'KeyExpired'),
  noRight: refusal(403, 'Access to this API has been disallowed', 'AuthFailure'),
  noRightToResource: refusal(403, 'Access to this resource has been disallowed'),
  rate: refusal(429, 'Rate Limit Exceeded', 'RatelimitExceeded'),
  apiRate: refusal(429, 'API Rate Limit Exceeded', 'RatelimitExceeded'),
  quota: refusal(403, 'Quota exceeded', 'QuotaExceeded'),
  /** The store is down, and nothing fresh is remembered. */
  storeDown: refusal(503, 'Service temporarily unavailable.'),
} as const;

function refusal(status: number, message: string, event?: RefusalEvent, id?: string): Refusal {
  return Object.freeze({ status, message, event, id });
}

const all = new Set<unknown>(Object.values(refusals));

/** Every refusal of this room is one of {@link refusals}. */
export function isRefusal(value: unknown): value is Refusal {
  return all.has(value);
}
