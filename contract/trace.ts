import type { TraceContext } from './call.ts';

/** Length of a version 00 `traceparent`: `00-<32 hex trace id>-<16 hex span id>-<2 hex flags>`. */
const traceparentLength = 55;
const spanIdStart = 36;
const spanIdEnd = 52;

/** Whether spans of this call are recorded: the last bit of the flags. */
export function isSampled(context: TraceContext | undefined): context is TraceContext {
  if (context === undefined || context.traceparent.length < traceparentLength) return false;
  const digit = context.traceparent.charCodeAt(traceparentLength - 1);
  // '0' to '9' and 'a' to 'f': a hex digit is odd when its character code is odd, up to '9', and when it is even, from 'a' on.
  return digit < 58 ? (digit & 1) === 1 : (digit & 1) === 0;
}

/**
 * The context inside the hook at a position of a run, when the call carries the run's context. A run crosses the link once, while its
 * hooks are spans of their own; both sides know their ids without a word between them: the first hook's is the one that travels, and
 * each later one's is that plus its position, in the last 16 bits. Unsampled contexts pass through as they are.
 */
export function hookContext(run: TraceContext, position: number): TraceContext {
  if (position === 0 || !isSampled(run)) return run;
  const { traceparent } = run;
  const spanId = hookSpanId(traceparent.slice(spanIdStart, spanIdEnd), position);
  const moved = traceparent.slice(0, spanIdStart) + spanId + traceparent.slice(spanIdEnd);
  return run.tracestate === undefined ? { traceparent: moved } : { traceparent: moved, tracestate: run.tracestate };
}

/** Id of the span of the hook at a position of a run: 16 hex digits. */
export function hookSpanId(firstSpanId: string, position: number): string {
  const last = (Number.parseInt(firstSpanId.slice(12), 16) + position) & 0xffff;
  return firstSpanId.slice(0, 12) + last.toString(16).padStart(4, '0');
}
