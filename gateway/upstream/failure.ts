import { UpstreamError } from './upstream.ts';

/** Codes of a name that does not resolve. */
const noSuchHost: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NONAME', 'EAI_NODATA', 'EAI_FAIL']);

/** Codes of a request that was refused for what it holds; it never came near a connection. */
const unsendable: ReadonlySet<string> = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED']);

/** Codes of a response that stopped coming. */
const silence: ReadonlySet<string> = new Set(['UND_ERR_BODY_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT']);

/**
 * What went wrong, in the room's words. `sent` tells whether any of the request may have reached the upstream: only then can a
 * broken connection have done harm.
 */
export function toUpstreamError(cause: unknown, sent: boolean): UpstreamError {
  if (cause instanceof UpstreamError) return cause;
  const code = codeOf(cause);
  const text = cause instanceof Error ? cause.message || code : String(cause);
  if (unsendable.has(code)) return new UpstreamError('FAILED', `the request cannot be sent: ${text}`, { cause });
  if (silence.has(code)) return new UpstreamError('TIMED_OUT', `the upstream fell silent: ${text}`, { cause });
  if (sent) return new UpstreamError('FAILED', `the connection to the upstream broke: ${text}`, { cause });
  if (noSuchHost.has(code)) return new UpstreamError('NO_SUCH_HOST', `the upstream has no address: ${text}`, { cause });
  return new UpstreamError('UNREACHABLE', `the upstream cannot be reached: ${text}`, { cause });
}

/** The code of an error, or of the first one within it: trying several addresses fails with one error for all. */
export function codeOf(error: unknown): string {
  if (error === null || typeof error !== 'object') return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return '';
}

/** Methods that may be sent twice, since they change nothing (RFC 9110 §9.2.1). */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE';
}
