import type { ClientRequest } from '../exchange.ts';

/** Which headers say who the client is: see `routing.forwardedFor`. */
export type ForwardedFor = 'ignore' | 'first' | number;

/** The peer's address; empty on a unix socket. */
export function peerAddress(request: ClientRequest): string {
  const address = request.socket?.remoteAddress ?? '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

/**
 * The client's address: the peer's, or what the headers say that the request *came* with, for a hook must not be able to talk its way past a
 * list. `first` believes `X-Real-Ip` and the first entry of `X-Forwarded-For`, as the original does; a number n believes the n-th entry
 * from the right alone, which the outermost of n proxies has written, and the peer's address when there are fewer.
 */
export function clientAddress(request: ClientRequest, forwardedFor: ForwardedFor): string {
  if (forwardedFor === 'ignore') return peerAddress(request);
  if (forwardedFor === 'first') {
    const real = textOf(request.headers['x-real-ip']).trim();
    if (real !== '') return real;
  }
  const entries = textOf(request.headers['x-forwarded-for']).split(',');
  const entry = forwardedFor === 'first' ? entries[0] : entries[entries.length - forwardedFor];
  return entry?.trim() || peerAddress(request);
}

function textOf(header: string | string[] | undefined): string {
  return Array.isArray(header) ? header.join(',') : (header ?? '');
}
