import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { HookOutcome } from '../contract/answer.ts';
import type { TraceContext } from '../contract/call.ts';
import { PluginFailure } from '../contract/failure.ts';
import type { HookSpec } from '../contract/plugin-set.ts';
import type { ApiObserver } from '../gateway/chain/observer.ts';
import type { ClientRequest, Exchange } from '../gateway/exchange.ts';
import type { RequestSpan } from '../gateway/telemetry/request-span.ts';
import type { TracedApi, TraceHeaders, Tracing } from '../gateway/telemetry/tracing.ts';
import { AccessLog } from './logs/access-log.ts';
import { causeChain } from './logs/causes.ts';
import type { Logger } from './logs/logger.ts';
import type { ApiMetrics } from './metrics/api-metrics.ts';
import type { Metrics } from './metrics/metrics.ts';

export interface ObserverOptions {
  /** Undefined: no tracing. */
  readonly tracing: Tracing | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** One line per request. */
  readonly accessLog: boolean;
}

/** What is told of a request whose client went away before it had an answer; nginx made the number usual. */
const clientGone = 499;

/** Who watches the requests of each API: spans, counts, log lines. The result is to be asked once per revision of an API. */
export function createObserver(options: ObserverOptions): (api: TracedApi) => ApiObserver {
  const { tracing, metrics, logger } = options;
  const accessLog = options.accessLog ? new AccessLog(logger) : undefined;
  return (api) => new Observer(api, tracing, metrics.forApi(api.id), logger, accessLog);
}

class Observer implements ApiObserver {
  readonly traceHeaders: TraceHeaders | undefined;
  private readonly api: TracedApi;
  private readonly tracing: Tracing | undefined;
  private readonly metrics: ApiMetrics;
  private readonly logger: Logger;
  private readonly accessLog: AccessLog | undefined;

  constructor(
    api: TracedApi,
    tracing: Tracing | undefined,
    metrics: ApiMetrics,
    logger: Logger,
    accessLog: AccessLog | undefined,
  ) {
    this.traceHeaders = tracing;
    this.api = api;
    this.tracing = tracing;
    this.metrics = metrics;
    this.logger = logger;
    this.accessLog = accessLog;
  }

  begin(request: ClientRequest): RequestSpan | undefined {
    this.metrics.begin();
    // A socket that has closed forgets who was at its other end, unless it was asked before.
    if (this.accessLog !== undefined) void request.socket.remoteAddress;
    return this.tracing?.begin(request, this.api);
  }

  clientContext(request: ClientRequest): TraceContext | undefined {
    if (this.tracing !== undefined) return this.tracing.clientContext(request);
    // Without tracing of our own, plugins still learn of their caller's trace.
    const { traceparent, tracestate } = request.headers;
    if (typeof traceparent !== 'string') return undefined;
    return typeof tracestate === 'string' ? { traceparent, tracestate } : { traceparent };
  }

  hooks(exchange: Exchange, hooks: readonly HookSpec[], outcomes: readonly HookOutcome[]): void {
    this.metrics.hooks(hooks, outcomes);
    this.accessLog?.hooks(exchange, hooks, outcomes);
  }

  upstream(exchange: Exchange, headMs: number): void {
    this.metrics.upstream(headMs);
    this.accessLog?.upstream(exchange, headMs);
  }

  problem(exchange: Exchange, message: string, cause: Error, hook?: HookSpec): void {
    const reason = 'reason' in cause ? String(cause.reason) : undefined;
    if (cause.name === 'UpstreamError') this.metrics.upstreamFailed(reason ?? 'FAILED');
    // Nobody is to blame, and nobody waits for an answer.
    const level = reason === 'CANCELLED' ? 'debug' : 'error';
    if (!this.logger.isWritten(level)) return;
    this.logger.log(level, message, {
      api: exchange.api.id,
      ...(hook !== undefined && { hook: hook.name, phase: hook.type, driver: hook.driver }),
      reason,
      cause: causeChain(cause),
      // A failure with a reason was foreseen, and its causes say what happened; anything else is a fault of ours.
      stack: cause instanceof PluginFailure || reason !== undefined ? undefined : cause.stack,
      requestId: exchange.id,
      traceId: exchange.span?.traceId,
    });
  }

  finish(exchange: Exchange, status: number): void {
    const { request } = exchange;
    const told = status === 0 ? clientGone : status;
    this.metrics.finish(request.method ?? '', told, performance.now() - exchange.startedMs);
    if (this.accessLog !== undefined) this.accessLog.finish(exchange, told, peerOf(request));
  }
}

/** An IPv4 address in its own form; undefined on a unix socket. */
function peerOf(request: ClientRequest): string | undefined {
  // The other end of an HTTP/2 stream is gone with its session.
  const address = (request.socket as Socket | undefined)?.remoteAddress;
  return address?.startsWith('::ffff:') ? address.slice(7) : address;
}
