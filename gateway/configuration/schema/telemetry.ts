import { z } from 'zod';
import { clientTls, count, flag, ms, oneOf, section } from './parts.ts';

export const tracing = z
  .strictObject({
    endpoint: z
      .url({ protocol: /^https?$/ })
      .default('http://127.0.0.1:4317')
      .meta({ description: 'OTLP endpoint, an http or https URL', examples: ['http://127.0.0.1:4317'] }),
    protocol: oneOf(['grpc', 'http'], 'grpc', 'OTLP over gRPC, or over HTTP (protobuf)'),
    ratio: z.number().min(0).max(1).default(1).meta({ description: 'Share of requests that are traced, 0 to 1' }),
    parentBased: flag(true, "A caller's own decision (`traceparent`) comes before `ratio`"),
    serviceName: z.string().min(1).default('interpose').meta({ description: 'Name of the service in traces' }),
    headers: z
      .record(z.string(), z.string())
      .default({})
      .meta({
        description: 'Headers of each export, keys for example',
        examples: [{ 'x-api-key': 'env://TRACING_KEY' }],
        writeOnly: true,
      }),
    timeoutMs: ms(10_000, 'Longest wait for one export'),
    tls: clientTls('TLS of an https endpoint; absent: the well-known authorities'),
    maxQueuedSpans: count(2048, 'Spans that wait for export; more are dropped'),
    maxBatchSpans: count(512, 'Spans in one export'),
    batchDelayMs: ms(1000, 'Longest wait of a span for its export'),
  })
  .optional()
  .meta({ description: 'OpenTelemetry traces; absent: none', examples: [{ endpoint: 'http://127.0.0.1:4317' }] });

export const metrics = section('Prometheus metrics', {
  enabled: flag(true, 'Serve them on the control address'),
  path: z.string().startsWith('/').default('/metrics').meta({ description: 'Path' }),
});

export const log = section('Log, on standard output', {
  level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], 'info', 'Least weighty lines that are written'),
  format: oneOf(['json', 'text'], 'json', 'One JSON object per line, or text for people'),
  accessLog: flag(false, 'One line per request'),
});
