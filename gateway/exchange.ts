import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Cancellation } from '../contract/cancellation.ts';
import type { RequestState } from '../contract/request-state.ts';
import type { Api } from './definitions/api.ts';
import type { RequestSpan } from './telemetry/request-span.ts';

export type ClientRequest = IncomingMessage | Http2ServerRequest;
export type ClientResponse = ServerResponse | Http2ServerResponse;

/** One request on its way from the listener to its end. */
export interface Exchange {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly api: Api;
  /** Cancelled when the client goes away. */
  readonly cancellation: Cancellation;
  /** When all must be over, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  readonly startedMs: number;
  /** The span of a sampled request; unsampled ones have none, and cost nothing. */
  readonly span: RequestSpan | undefined;
  /** What hooks made of the request; made when the first hook, or step, needs it. */
  state: RequestState | undefined;
  /** Status that was sent to the client; 0 until then. */
  status: number;
}
