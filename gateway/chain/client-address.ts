import type { ClientRequest } from '../exchange.ts';

/** The peer's address; empty on a unix socket. */
export function clientAddress(request: ClientRequest): string {
  const address = request.socket?.remoteAddress ?? '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
