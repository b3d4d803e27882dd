import type { TraceContext } from '../../contract/call.ts';

/** What a request says of the span it comes from. */
export interface Parent {
  /** 32 lower-case hex digits; empty when the caller only said that it does not want to be traced (`b3: 0`). */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** Whether the caller records the trace; undefined when it leaves that to us (B3 may). */
  readonly sampled: boolean | undefined;
  readonly tracestate: string | undefined;
}

/** The W3C form, which is the only one inside the house. */
export function contextOf(parent: Parent): TraceContext {
  return traceContext(parent.traceId, parent.spanId, parent.sampled === true, parent.tracestate);
}

export function traceContext(
  traceId: string,
  spanId: string,
  sampled: boolean,
  tracestate: string | undefined,
): TraceContext {
  const traceparent = `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

/** The parent that a context of ours names. Ours are always version 00, so this only cuts. */
export function parentOf(context: TraceContext): Parent {
  const { traceparent } = context;
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    sampled: (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1,
    tracestate: context.tracestate,
  };
}
