import { Forwarder } from './forwarder.ts';
import { resolveUpstreamOptions, type UpstreamOptions } from './options.ts';
import type { Upstream } from './upstream.ts';

export type { UpstreamOptions } from './options.ts';
export * from './upstream.ts';

/**
 * Connections to upstreams: HTTP/1.1 by undici behind http2-proxy, HTTP/2 by ALPN or `h2c://`, WebSockets. Opens none before the first
 * request needs it; `close()` gives requests under way `drainTimeoutMs`, then ends them and all connections.
 *
 * @throws {RangeError} naming the option that is unknown or out of range.
 * @example
 * const upstream = createUpstream({ connections: 100 });
 * await upstream.forward(request, response, { method: 'GET', origin: 'http://127.0.0.1:3000', target: '/', ... }, { maxBodyBytes });
 * await upstream.close();
 */
export function createUpstream(options: UpstreamOptions = {}): Upstream {
  return new Forwarder(resolveUpstreamOptions(options));
}
