export { createTracing, type TracingOptions } from './trace/create-tracing.ts';
export type { Tracing } from './trace/open-tracing.ts';
