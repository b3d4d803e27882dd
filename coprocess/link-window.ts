import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';

/**
 * Widen the receive window of connections that gateways attach over. grpc-js sets it on clients (`grpc-node.flow_control_window`) and
 * leaves servers at HTTP/2's 64 KB, which at 2 ms of round trip is 32 MB/s for the whole connection. The connection is reached by
 * Node's own diagnostics channel, for grpc-js does not hand it out.
 *
 * @param path of the calls whose connections are meant.
 * @returns how to stop.
 */
export function widenWindows(path: string): () => void {
  const onStream = (message: unknown): void => {
    const { stream, headers } = message as { stream: ServerHttp2Stream; headers: IncomingHttpHeaders };
    if (headers[':path'] !== path || stream.session === undefined) return;
    stream.session.setLocalWindowSize(windowBytes);
    stream.session.settings({ initialWindowSize: windowBytes });
  };
  subscribe(channel, onStream);
  return () => unsubscribe(channel, onStream);
}

const channel = 'http2.server.stream.created';
const windowBytes = 16 * 1024 * 1024;
