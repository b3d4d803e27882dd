import type { TykTraces } from './blocks.ts';
import type { TykConf } from './table.ts';
import type { UserTree } from './tree.ts';
import { millis, positive } from './units.ts';

/** `opentelemetry`: traces stand at its root, or below `traces`, which wins when it is on. */
export function translateTracing(conf: TykConf, tree: UserTree): void {
  const block = conf.opentelemetry;
  const below = block?.traces?.enabled ?? false;
  const traces: TykTraces = below ? block?.traces : block;
  if (!traces?.enabled) return;
  const from = below ? 'opentelemetry.traces' : 'opentelemetry';
  const set = (key: string, name: string, value: unknown): void => tree.set(`tracing.${key}`, `${from}.${name}`, value);
  const secure = traces.tls?.enable ?? false;
  const endpoint = traces.endpoint || 'localhost:4317';
  set('endpoint', 'endpoint', /^https?:\/\//.test(endpoint) ? endpoint : `${secure ? 'https' : 'http'}://${endpoint}`);
  set('protocol', 'exporter', traces.exporter || 'grpc');
  set('headers', 'headers', traces.headers);
  set('timeoutMs', 'connection_timeout', millis(positive(traces.connection_timeout) ?? 1));
  set('serviceName', 'resource_name', traces.resource_name || 'tyk-gateway');
  set('maxQueuedSpans', 'span_batch_config.max_queue_size', positive(traces.span_batch_config?.max_queue_size));
  set(
    'maxBatchSpans',
    'span_batch_config.max_export_batch_size',
    positive(traces.span_batch_config?.max_export_batch_size),
  );
  set(
    'batchDelayMs',
    'span_batch_config.batch_timeout',
    millis(positive(traces.span_batch_config?.batch_timeout) ?? 5),
  );
  const { type, rate, parent_based: parentBased } = traces.sampling ?? {};
  set('ratio', 'sampling.type', type === 'AlwaysOff' ? 0 : type === 'TraceIDRatioBased' ? (rate ?? 0.5) : 1);
  set('parentBased', 'sampling.parent_based', parentBased ?? false);
  if (!secure) return;
  set('tls.insecureSkipVerify', 'tls.insecure_skip_verify', traces.tls?.insecure_skip_verify ?? false);
  set('tls.ca', 'tls.ca_file', traces.tls?.ca_file || undefined);
  set('tls.cert', 'tls.cert_file', traces.tls?.cert_file || undefined);
  set('tls.key', 'tls.key_file', traces.tls?.key_file || undefined);
}
