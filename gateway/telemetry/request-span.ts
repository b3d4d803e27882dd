import type { HookOutcome } from '../../contract/answer.ts';
import type { TraceContext } from '../../contract/call.ts';
import type { HookSpec } from '../../contract/plugin-set.ts';

/** The server span of one sampled request, and its children. */
export interface RequestSpan {
  /** 32 hex digits: the value of `X-Tyk-Trace-Id`. */
  readonly traceId: string;
  /** Context inside the server span. */
  readonly context: TraceContext;
  /** Begin a run of hooks, whose context goes with the call; ending it makes one child span per hook that ran. */
  beginHooks(phase: string): HookRunSpan;
  /** Begin the client span of the upstream request. */
  beginUpstream(method: string, url: string): UpstreamSpan;
  /** Begin the span of a built-in step, for APIs with detailed tracing. */
  beginStep(name: string): { end(error?: Error): void };
  /** End the server span, with the status that the client got (0: it went away). The second time does nothing. */
  end(status: number, error?: Error): void;
}

export interface HookRunSpan {
  readonly context: TraceContext;
  /** `outcomes[i]` is that of `hooks[i]`; hooks without one did not run. */
  end(hooks: readonly HookSpec[], outcomes: readonly HookOutcome[]): void;
}

export interface UpstreamSpan {
  readonly context: TraceContext;
  /** The status that the upstream sent; 0 when it sent none. */
  end(status: number, error?: Error): void;
}
