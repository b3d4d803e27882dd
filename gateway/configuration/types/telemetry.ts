import type { ClientTls } from './network.ts';

export interface Tracing {
  readonly endpoint: string;
  readonly protocol: 'grpc' | 'http';
  /** Share of requests that begin a trace of their own, 0 to 1. */
  readonly ratio: number;
  /** A caller's decision to sample or not counts before `ratio`. */
  readonly parentBased: boolean;
  readonly serviceName: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly tls: ClientTls | undefined;
  readonly maxQueuedSpans: number;
  readonly maxBatchSpans: number;
  readonly batchDelayMs: number;
}

export interface Log {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  readonly format: 'json' | 'text';
  /** One line per request. */
  readonly accessLog: boolean;
}
