import type { HookOutcome } from '../../contract/answer.ts';
import type { TraceContext } from '../../contract/call.ts';
import type { HookSpec } from '../../contract/plugin-set.ts';

/** The server span of one sampled request, and its children. */
export interface RequestSpan {
  readonly traceId: string;
  /** Context for the next hop: the child span `hook`/`upstream` in flight, or the server span itself. */
  readonly context: TraceContext;
  /** Begin the span of a run of hooks; what it returns ends it, with one child span per hook that ran. */
  beginHooks(phase: string): {
    readonly context: TraceContext;
    end(hooks: readonly HookSpec[], outcomes: readonly HookOutcome[]): void;
  };
  /** Begin the client span of the upstream request. */
  beginUpstream(
    method: string,
    url: string,
  ): { readonly context: TraceContext; end(status: number, error?: Error): void };
  end(status: number, error?: Error): void;
}
