export type { Log, LogLevel } from './logs/log.ts';
export { createLogger, type Logger, type LoggerOptions } from './logs/logger.ts';
export { type ApiStates, createMetrics, type Metrics, type ReadStates } from './metrics/metrics.ts';
export { createObserver, type ObserverOptions } from './observer.ts';
export { createTracing, type TracingOptions } from './trace/create-tracing.ts';
export type { Tracing } from './trace/open-tracing.ts';
