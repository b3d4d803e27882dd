import { performance } from 'node:perf_hooks';
import { type Attributes, type Context, ROOT_CONTEXT, type Span, SpanKind, trace } from '@opentelemetry/api';
import type { HookOutcome } from '../../contract/answer.ts';
import type { TraceContext } from '../../contract/call.ts';
import type { HookSpec } from '../../contract/plugin-set.ts';
import { hookSpanId } from '../../contract/trace.ts';
import type { HookRunSpan, RequestSpan, UpstreamSpan } from '../../gateway/telemetry/request-span.ts';
import { describeError } from '../logs/causes.ts';
import { traceContext } from './parent.ts';
import { contextInside, markFailed, type SpanSource } from './span-source.ts';

/** The server span of a request, and what hangs from it. */
export class ServerSpan implements RequestSpan {
  readonly traceId: string;
  readonly context: TraceContext;
  private readonly source: SpanSource;
  private readonly span: Span;
  private readonly inside: Context;

  constructor(
    source: SpanSource,
    name: string,
    parent: Context,
    tracestate: string | undefined,
    attributes: Attributes,
  ) {
    this.source = source;
    this.span = source.start(name, SpanKind.SERVER, parent, source.clock.begin(), attributes);
    this.traceId = this.span.spanContext().traceId;
    this.context = contextInside(this.span, tracestate);
    this.inside = trace.setSpan(ROOT_CONTEXT, this.span);
  }

  beginHooks(): HookRunSpan {
    return new HookSpans(this.source, this.inside, this.context, this.traceId);
  }

  beginUpstream(method: string, url: string): UpstreamSpan {
    const { source } = this;
    const attributes = { 'http.request.method': method, ...upstreamAttributes(url) };
    const span = source.start(method, SpanKind.CLIENT, this.inside, performance.now(), attributes);
    return {
      context: contextInside(span, this.context.tracestate),
      end(status, error) {
        if (status !== 0) span.setAttribute('http.response.status_code', status);
        if (error !== undefined) fail(span, error);
        else if (status >= 400) markFailed(span, String(status), '');
        span.end(source.clock.time(performance.now()));
      },
    };
  }

  beginStep(name: string): { end(error?: Error): void } {
    const { source } = this;
    const span = source.start(name, SpanKind.INTERNAL, this.inside, performance.now(), {});
    return {
      end(error) {
        if (error !== undefined) fail(span, error);
        span.end(source.clock.time(performance.now()));
      },
    };
  }

  end(status: number, error?: Error): void {
    const { span } = this;
    if (!span.isRecording()) return;
    if (status !== 0) span.setAttribute('http.response.status_code', status);
    if (error !== undefined) fail(span, error);
    else if (status >= 500) markFailed(span, String(status), '');
    else if (status === 0) span.setAttribute('error.type', 'client_gone');
    span.end(this.source.clock.time(performance.now()));
  }
}

/**
 * The spans of a run of hooks. They are made when the run has answered, from what the coprocess measured: a plugin that runs in a guest
 * needs no tracing of its own to be seen. Their ids are settled before, so that spans made at the plugin's end hang from them.
 */
class HookSpans implements HookRunSpan {
  readonly context: TraceContext;
  private readonly source: SpanSource;
  private readonly inside: Context;
  private readonly firstSpanId: string;
  private readonly startedMs = performance.now();

  constructor(source: SpanSource, inside: Context, server: TraceContext, traceId: string) {
    this.source = source;
    this.inside = inside;
    this.firstSpanId = source.newSpanId();
    this.context = traceContext(traceId, this.firstSpanId, true, server.tracestate);
  }

  end(hooks: readonly HookSpec[], outcomes: readonly HookOutcome[]): void {
    const endedMs = performance.now();
    const count = Math.min(hooks.length, outcomes.length);
    let measuredMs = 0;
    for (let i = 0; i < count; i++) measuredMs += durationMs(outcomes[i] as HookOutcome);
    // What the hooks did not take was the way there and back, in equal parts for all we know. A run that failed as a whole (no coprocess,
    // deadline passed) measured nothing: the first hook stands for the wait.
    let atMs =
      measuredMs === 0 ? this.startedMs : this.startedMs + Math.max(0, endedMs - this.startedMs - measuredMs) / 2;
    for (let i = 0; i < count; i++) {
      const outcome = outcomes[i] as HookOutcome;
      // Clocks of other processes may have measured more than there was.
      const untilMs = measuredMs === 0 ? endedMs : Math.min(endedMs, atMs + durationMs(outcome));
      this.record(i, hooks[i] as HookSpec, outcome, atMs, untilMs);
      atMs = untilMs;
    }
  }

  private record(position: number, hook: HookSpec, outcome: HookOutcome, startMs: number, endMs: number): void {
    const { timing, failure } = outcome;
    const attributes: Attributes = {
      'interpose.hook.name': hook.name,
      'interpose.hook.phase': hook.type,
      'interpose.hook.driver': hook.driver,
      'interpose.hook.outcome': outcomeName(outcome),
      'interpose.hook.queue_us': timing.queueUs,
      'interpose.hook.wire_us': timing.wireUs,
      'interpose.hook.run_us': timing.runUs,
    };
    const id = hookSpanId(this.firstSpanId, position);
    const span = this.source.start(hook.name, SpanKind.INTERNAL, this.inside, startMs, attributes, id);
    if (failure !== undefined) fail(span, failure);
    span.end(this.source.clock.time(endMs));
  }
}

function durationMs({ timing }: HookOutcome): number {
  return (timing.queueUs + timing.wireUs + timing.runUs) / 1000;
}

function outcomeName(outcome: HookOutcome): string {
  if (outcome.failure !== undefined) return 'failure';
  return outcome.answer?.reply === undefined ? 'continue' : 'reply';
}

function fail(span: Span, error: Error): void {
  markFailed(span, 'reason' in error ? String(error.reason) : error.name, describeError(error));
}

/** Query and user name stay out: they may hold keys. */
function upstreamAttributes(url: string): Attributes {
  const cut = url.indexOf('?');
  const plain = (cut < 0 ? url : url.slice(0, cut)).replace(/^([a-z\d+]+:\/\/)[^/@]*@/, '$1');
  const parts = /^[a-z\d+]+:\/\/(\[[^\]]*\]|[^:/]*)(?::(\d+))?/.exec(plain);
  if (parts === null) return { 'url.full': plain };
  const port = parts[2] === undefined ? (plain.startsWith('https') ? 443 : 80) : Number(parts[2]);
  return { 'url.full': plain, 'server.address': parts[1] as string, 'server.port': port };
}
