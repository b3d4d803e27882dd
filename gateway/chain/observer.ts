import type { HookOutcome } from '../../contract/answer.ts';
import type { TraceContext } from '../../contract/call.ts';
import type { HookSpec } from '../../contract/plugin-set.ts';
import type { ClientRequest, Exchange } from '../exchange.ts';
import type { RequestSpan } from '../telemetry/request-span.ts';
import type { TraceHeaders } from '../telemetry/tracing.ts';

/** Who watches the requests of one API. Made once per API revision, so that nothing is looked up per request. */
export interface ApiObserver {
  /** Begin the span of a request that is sampled. */
  begin(request: ClientRequest): RequestSpan | undefined;
  /** The trace context that the client sent, for the plugins of a request that is not sampled. */
  clientContext(request: ClientRequest): TraceContext | undefined;
  /** How a context looks among the headers of the upstream request. Absent without tracing: the client's headers pass as any others. */
  readonly traceHeaders: TraceHeaders | undefined;
  /** A run of hooks has answered. */
  hooks(exchange: Exchange, hooks: readonly HookSpec[], outcomes: readonly HookOutcome[]): void;
  /** The upstream has sent the head of its response. */
  upstream(exchange: Exchange, headMs: number): void;
  /** Something went wrong that the client is told little of; with the hook that it went wrong in, if in one. */
  problem(exchange: Exchange, message: string, cause: Error, hook?: HookSpec): void;
  /** The request is over; called once. Status 0: the client went away before there was one. */
  finish(exchange: Exchange, status: number): void;
}
