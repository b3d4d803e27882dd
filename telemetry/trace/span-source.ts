import {
  type Attributes,
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { TraceContext } from '../../contract/call.ts';
import type { SpanClock } from './clock.ts';
import type { SpanIds } from './ids.ts';
import { type Parent, traceContext } from './parent.ts';

/** Makes spans with times, parents and, where two sides must agree on one, ids of our choice. Everything it makes is recorded. */
export class SpanSource {
  readonly clock: SpanClock;
  private readonly tracer: Tracer;
  private readonly ids: SpanIds;

  constructor(tracer: Tracer, ids: SpanIds, clock: SpanClock) {
    this.tracer = tracer;
    this.ids = ids;
    this.clock = clock;
  }

  /** @param spanId the id that the span shall have; absent: a new one */
  start(name: string, kind: SpanKind, parent: Context, startMs: number, attributes: Attributes, spanId?: string): Span {
    this.ids.next = spanId;
    return this.tracer.startSpan(name, { kind, startTime: this.clock.time(startMs), attributes }, parent);
  }

  newSpanId(): string {
    return this.ids.generateSpanId();
  }
}

/** What the SDK wants as parent: for a span that came from elsewhere. */
export function remoteParent(parent: Parent | undefined): Context {
  if (parent === undefined || parent.traceId === '') return ROOT_CONTEXT;
  const context: SpanContext = {
    traceId: parent.traceId,
    spanId: parent.spanId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
    ...(parent.tracestate !== undefined && { traceState: createTraceState(parent.tracestate) }),
  };
  return trace.setSpanContext(ROOT_CONTEXT, context);
}

/** The context inside a span of ours, as text. `tracestate` is the parent's, as it came. */
export function contextInside(span: Span, tracestate: string | undefined): TraceContext {
  const { traceId, spanId } = span.spanContext();
  return traceContext(traceId, spanId, true, tracestate);
}

/** Mark a span as failed. The message goes to the operator's traces, never to a client. */
export function markFailed(span: Span, type: string, message: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
