import type { Cancellation } from '../../contract/cancellation.ts';
import type { HeaderList } from '../../contract/header-list.ts';
import type { ResponseState } from '../../contract/response-state.ts';
import type { UpstreamTls } from '../definitions/api.ts';
import type { ClientRequest, ClientResponse } from '../exchange.ts';

/** A request as it shall reach the upstream. */
export interface UpstreamRequest {
  readonly method: string;
  /** `http://host:port`, `https://...` or `h2c://...`; https negotiates HTTP/2 by ALPN. */
  readonly origin: string;
  /** Path and query, byte string, encoded. */
  readonly target: string;
  /** Value of Host / :authority. */
  readonly host: string;
  /** Name, value, name, value: byte strings, `Host` excluded. Hop-by-hop headers are taken out by the upstream room. */
  readonly headers: readonly string[];
  /** The body to send; absent: the client's body streams through. */
  readonly body: Buffer | undefined;
  /** Longest wait for the response's head, in milliseconds. */
  readonly timeoutMs: number;
  readonly tls: UpstreamTls;
  /** Ends the request before its time. That the client goes away, `forward` sees by itself. */
  readonly cancellation?: Cancellation;
  /** Told each part of the client's body as it streams through. */
  readonly onBody?: ((chunk: Buffer) => void) | undefined;
}

/** What happens to the response before the client gets it. */
export interface ResponseSteps {
  /** Edit the head, in place. Hop-by-hop headers of the upstream are still there. */
  head?(response: ResponseHead): void | Promise<void>;
  /** When given, the whole body is read (at most `maxBodyBytes`) and this makes the response that is sent; else the body streams. */
  whole?(response: ResponseState): Promise<ResponseState>;
  readonly maxBodyBytes: number;
}

export interface ResponseHead {
  status: number;
  readonly headers: HeaderList;
}

/** Sends requests upstream. Owns connections; `close()` ends them. */
export interface Upstream {
  /**
   * Send the request and let the response through to the client. Resolves when the client has it all, or is gone.
   * @throws {UpstreamError} when nothing was sent to the client yet; afterwards the client's stream is reset instead, so that half a
   * response never looks whole.
   */
  forward(
    request: ClientRequest,
    response: ClientResponse,
    to: UpstreamRequest,
    steps: ResponseSteps,
  ): Promise<UpstreamResult>;
  /** Join a WebSocket upgrade to the upstream; answers the socket itself when that fails. */
  upgrade(
    request: ClientRequest,
    socket: import('node:stream').Duplex,
    head: Buffer,
    to: UpstreamRequest,
  ): Promise<void>;
  close(): Promise<void>;
}

export interface UpstreamResult {
  /** Status that the upstream sent; 0 when the client went away before. */
  readonly status: number;
  /** Time until its head arrived, in milliseconds. */
  readonly headMs: number;
}

/**
 * - `UNREACHABLE`: nothing was sent. - `NO_SUCH_HOST`: its name does not resolve. - `TIMED_OUT`: no head in time.
 * - `FAILED`: the connection broke, or what was to be sent or was received is no HTTP.
 */
export type UpstreamErrorReason = 'UNREACHABLE' | 'NO_SUCH_HOST' | 'TIMED_OUT' | 'FAILED' | 'BODY_TOO_LARGE';

export class UpstreamError extends Error {
  readonly reason: UpstreamErrorReason;
  constructor(reason: UpstreamErrorReason, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'UpstreamError';
    this.reason = reason;
  }
}
