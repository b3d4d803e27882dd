import type { TraceContext } from '../../contract/call.ts';
import type { Api } from '../definitions/api.ts';
import type { ClientRequest } from '../exchange.ts';
import type { RequestSpan } from './request-span.ts';

/** Tracing, as the gateway needs it. A gateway without tracing has none, and passes the client's trace headers on as any others. */
export interface Tracing extends TraceHeaders {
  /**
   * Begin the span of a request if it is sampled: decided here, once, for all its spans. Unsampled requests get undefined, and cost
   * nothing more; their trace headers go upstream untouched.
   */
  begin(request: ClientRequest, api: TracedApi): RequestSpan | undefined;
  /** The client's own trace context, for the plugins of a request that is not sampled. */
  clientContext(request: ClientRequest): TraceContext | undefined;
}

/** How a context looks among headers that go out: W3C, B3 or both, as configured (`OTEL_PROPAGATORS`). */
export interface TraceHeaders {
  /** Whether a header belongs to a configured format, so that the client's gives way to ours. Any case. */
  readonly isTraceHeader: (name: string) => boolean;
  /** Name, value, name, value, ... */
  readonly traceHeaders: (context: TraceContext) => readonly string[];
}

/** What spans tell of an API. */
export type TracedApi = Pick<Api, 'id' | 'name' | 'orgId' | 'tags' | 'listen'>;
