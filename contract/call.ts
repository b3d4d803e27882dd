import type { Cancellation } from './cancellation.ts';
import type { RequestMessage } from './request-message.ts';
import type { ResponseMessage } from './response-message.ts';

/** W3C trace context of a sampled call; unsampled ones carry the client's own or none. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** One call of one hook, as a driver gets it. Nothing in it may be changed. */
export interface HookCall {
  readonly request: RequestMessage;
  /** Only in response hooks. */
  readonly response: ResponseMessage | undefined;
  /** A `coprocess.SessionState`, when the caller is known. */
  readonly session: Uint8Array | undefined;
  /** The same session as JSON with the names of stored sessions; absent where nobody asked for it. */
  readonly sessionJson?: string | undefined;
  /** What an earlier hook of the run put in place of the session's metadata: a JSON object. */
  readonly sessionMetadata?: string | undefined;
  /** Entries of `coprocess.Object.metadata` in wire form (field 5), ready to be pasted. */
  readonly metadata: Uint8Array | undefined;
  /** When the wait ends, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  readonly cancellation: Cancellation;
  readonly trace: TraceContext | undefined;
}
