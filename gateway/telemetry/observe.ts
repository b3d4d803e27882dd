import type { ApiObserver } from '../chain/observer.ts';
import type { Api } from '../definitions/api.ts';
import type { Exchange } from '../exchange.ts';
import type { Tracing } from './tracing.ts';

export type GatewayLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Record<string, unknown>,
) => void;

export interface ObserveOptions {
  readonly tracing: Tracing | undefined;
  readonly log: GatewayLog;
}

/** What watches the requests of an API: its spans, its metrics, its log lines. */
export function observe(api: Api, { tracing, log }: ObserveOptions): ApiObserver {
  return {
    begin: (request) => tracing?.begin(request, api),
    clientContext: (request) => tracing?.clientContext(request),
    traceHeaders: tracing,
    hooks() {},
    upstream() {},
    problem(exchange: Exchange, message: string, cause: Error) {
      log('warn', message, { api: api.id, request: exchange.id, cause: cause.message });
    },
    finish() {},
  };
}
