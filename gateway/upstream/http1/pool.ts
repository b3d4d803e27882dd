import type { Socket } from 'node:net';
import { buildConnector, type Dispatcher, Pool } from 'undici';
import { serverName } from '../connect.ts';
import type { ResolvedUpstreamOptions } from '../options.ts';

/** Heads of responses that are larger fail: Node's own 16 KB is little for an upstream that sets many cookies. */
const maxHeadBytes = 65_536;

/**
 * Keep-alive connections to one HTTP/1.1 origin. `take`: a connection that is open already and fits, left from finding out which
 * protocol the upstream speaks.
 */
export function createHttp1Pool(
  origin: string,
  options: ResolvedUpstreamOptions,
  tls: buildConnector.BuildOptions,
  take: () => Socket | undefined,
): Dispatcher {
  const connect = buildConnector({ ...tls, allowH2: false, timeout: options.connectTimeoutMs });
  return new Pool(origin, {
    connections: options.connections,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: options.idleConnectionMs,
    maxHeaderSize: maxHeadBytes,
    connect: (to, callback) => {
      const open = take();
      if (open !== undefined) setImmediate(callback, null, open);
      else connect({ ...to, servername: serverName(to.hostname) as string }, callback);
    },
  });
}
