import type { Http2ServerRequest } from 'node:http2';
import type { ClientRequest, ClientResponse } from '../exchange.ts';
import type { ResponseSteps, UpstreamRequest } from './upstream.ts';

/** One request that is to be forwarded. */
export interface Call {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly to: UpstreamRequest;
  readonly steps: ResponseSteps;
  readonly body: StreamedBody | undefined;
}

/** A client's body that streams through. */
export interface StreamedBody {
  /** Its Content-Length, as the client gave it; absent: it ends when it ends. */
  readonly length: string | undefined;
}

/**
 * The body that the client sends along, whatever its method; none when it was read before, or there is none. Asked of the request as
 * it came, since hooks may have edited the headers; and of the raw ones, which Node need not make first.
 */
export function streamedBody(request: ClientRequest, to: UpstreamRequest): StreamedBody | undefined {
  if (to.body !== undefined) return undefined;
  const { stream } = request as Http2ServerRequest;
  if (stream?.endAfterHeaders) return undefined;
  const raw = request.rawHeaders;
  let length: string | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.length === 14 && name.toLowerCase() === 'content-length') length = raw[i + 1];
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') return { length: undefined };
  }
  if (stream === undefined && (length === undefined || Number(length) === 0)) return undefined;
  return { length };
}
