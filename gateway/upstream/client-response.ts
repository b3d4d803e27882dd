import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';
import type { ClientResponse } from '../exchange.ts';
import { allowsBody, mended, type ResponseHead } from './response-head.ts';
import { passableTrailers, type Trailers } from './trailers.ts';

/** The stream of an HTTP/2 client; `undefined` for an HTTP/1 one. */
export function streamOf(response: ClientResponse): ServerHttp2Stream | undefined {
  return (response as Http2ServerResponse).stream;
}

/** Whether the client went away before its response began. */
export function isGone(response: ClientResponse): boolean {
  const stream = streamOf(response);
  return stream === undefined ? (response as ServerResponse).destroyed : stream.destroyed || stream.closed;
}

/**
 * Write the head. `ends`: no body and no trailers follow; `mayTrail`: trailers may. On HTTP/2 both are flags of the frames, and the
 * stream is written to directly: Node's compatibility layer goes through each header several times.
 */
export function writeHead(response: ClientResponse, head: ResponseHead, ends: boolean, mayTrail: boolean): void {
  const stream = streamOf(response);
  if (stream === undefined) {
    const { entries } = head;
    if (head.trailer !== undefined && canChunk(response as ServerResponse, head)) entries.push('Trailer', head.trailer);
    try {
      (response as ServerResponse).writeHead(head.status, entries);
    } catch (error) {
      if (!isInvalid(error)) throw error;
      (response as ServerResponse).writeHead(head.status, mended(entries));
    }
    return;
  }
  response.statusCode = head.status;
  const fields = [':status', String(head.status)];
  if (head.trailer !== undefined && mayTrail) fields.push('trailer', head.trailer);
  // Node checks names here, but not values.
  const entries = head.edited ? mended(head.entries) : head.entries;
  for (let i = 0; i < entries.length; i += 2) {
    fields.push((entries[i] as string).toLowerCase(), entries[i + 1] as string);
  }
  const options = { endStream: ends, waitForTrailers: mayTrail && !ends };
  try {
    stream.respond(fields, options);
  } catch (error) {
    if (!isInvalid(error)) throw error;
    stream.respond([':status', String(head.status), ...firstOfSingles(mended(fields))], options);
  }
}

/** Write a part of the body; false when the client reads slower than it is written to: wait for 'drain' then. */
export function writeBody(response: ClientResponse, chunk: Buffer): boolean {
  return (streamOf(response) ?? (response as ServerResponse)).write(chunk);
}

/** End the response; trailers go out if the head left room for them. */
export function endResponse(response: ClientResponse, chunk: Buffer | undefined, trailers: Trailers | undefined): void {
  const stream = streamOf(response);
  if (trailers !== undefined) response.addTrailers(passableTrailers(trailers, stream === undefined));
  // Node's compatibility layer must know of the end: of HEAD's it tells nobody, 'close' included, unless it was asked to end it.
  if (chunk === undefined) response.end();
  else (response as ServerResponse).end(chunk);
  if (stream !== undefined && !stream.readableEnded && !stream.endAfterHeaders) stopRequest(stream);
}

/** The response is over before the request is: tell the client to send no more of it (RFC 9113 §8.1). Trailers go first. */
function stopRequest(stream: ServerHttp2Stream): void {
  const stop = () => stream.close(constants.NGHTTP2_NO_ERROR);
  // Node sends trailers by `setImmediate`, once it has asked for them.
  stream.once('wantTrailers', () => setImmediate(stop));
  stream.once('finish', () => setImmediate(stop));
}

/** Break off: a response that is half sent must not look whole. */
export function breakOff(response: ClientResponse): void {
  const stream = streamOf(response);
  if (stream !== undefined) {
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return;
  }
  const { socket, req } = response as ServerResponse;
  // A body without length or chunks ends with the connection: only a reset tells that it is not all there.
  if (req.httpVersionMinor === 0 && socket !== null && !socket.destroyed) socket.resetAndDestroy();
  (response as ServerResponse).destroy();
}

/** Pass on a 1xx. Those of `100 Continue` are the listener's. */
export function writeInformation(response: ClientResponse, status: number, entries: readonly string[]): void {
  const stream = streamOf(response);
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i + 1 < entries.length; i += 2) {
    const name = entries[i] as string;
    const before = headers[name];
    const value = entries[i + 1] as string;
    if (before === undefined) headers[name] = value;
    else headers[name] = typeof before === 'string' ? [before, value] : [...before, value];
  }
  try {
    if (stream !== undefined) stream.additionalHeaders({ ...headers, ':status': status });
    else if ((response as ServerResponse).req.httpVersionMinor > 0) {
      (response as ServerResponse).writeInformation(status, headers);
    }
  } catch {
    // A hint that cannot be passed on, by an older Node or a stream that is gone, is no loss.
  }
}

/** Whether Node will send the body in chunks, which trailers need. */
function canChunk({ req }: ServerResponse, head: ResponseHead): boolean {
  return !head.hasLength && req.httpVersionMinor > 0 && req.method !== 'HEAD' && allowsBody(head.status);
}

function isInvalid(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return (
    code === 'ERR_INVALID_CHAR' ||
    code === 'ERR_INVALID_HTTP_TOKEN' ||
    code === 'ERR_HTTP2_HEADER_SINGLE_VALUE' ||
    code === 'ERR_HTTP2_INVALID_CONNECTION_HEADERS'
  );
}

/** Without the repeats that Node refuses over HTTP/2 unless its server was made with `strictSingleValueFields: false`. */
function firstOfSingles(fields: readonly string[]): string[] {
  const left: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const repeats = name !== 'set-cookie' && left.some((other, at) => at % 2 === 0 && other === name);
    if (!repeats) left.push(name, fields[i + 1] as string);
  }
  return left;
}
