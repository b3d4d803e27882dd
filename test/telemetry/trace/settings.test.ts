import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tracing as TracingConfiguration } from '../../../gateway/configuration/index.ts';
import { createSampler } from '../../../telemetry/trace/sampling.ts';
import { settleTracing, type TracingSettings } from '../../../telemetry/trace/settings.ts';

const settings = suite('OTEL_* variables');

const configuration: TracingConfiguration = {
  endpoint: 'http://127.0.0.1:4317',
  protocol: 'grpc',
  ratio: 0.25,
  parentBased: true,
  serviceName: 'shop',
  headers: { 'x-api-key': 'secret' },
  timeoutMs: 5000,
  tls: undefined,
  maxQueuedSpans: 100,
  maxBatchSpans: 50,
  batchDelayMs: 200,
};

/** Settle, and say what was warned of. */
function settle(
  environment: Record<string, string>,
  given: TracingConfiguration | null = configuration,
): { readonly settled: TracingSettings | undefined; readonly warnings: string[] } {
  const warnings: string[] = [];
  const settled = settleTracing(given ?? undefined, 'gateway', environment, (message) => warnings.push(message));
  return { settled, warnings };
}

settings('without configuration and variables there is no tracing', () => {
  assert.is(settle({}, null).settled, undefined);
  assert.is(settle({ OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on' }, null).settled, undefined);
});

settings('the configuration holds where no variable speaks', () => {
  assert.equal(settle({}).settled, {
    exporters: ['otlp'],
    protocol: 'grpc',
    endpoint: 'http://127.0.0.1:4317',
    headers: { 'x-api-key': 'secret' },
    timeoutMs: 5000,
    tls: undefined,
    serviceName: 'shop',
    sampling: { sampler: 'parentbased_traceidratio', ratio: 0.25 },
    propagators: ['tracecontext'],
    batch: { scheduledDelayMillis: 200, exportTimeoutMillis: 30_000, maxQueueSize: 100, maxExportBatchSize: 50 },
  });
  const coprocess = settleTracing(configuration, 'coprocess', {}, () => {});
  assert.is(coprocess?.serviceName, 'shop-coprocess');
});

settings('an endpoint in the environment is enough, and takes the place of the configured one with its keys', () => {
  const alone = settle({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317' }, null).settled;
  assert.is(alone?.protocol, 'grpc');
  assert.is(alone?.endpoint, undefined, 'the exporter reads the variable');
  assert.is(alone?.serviceName, 'interpose');
  assert.equal(alone?.sampling, { sampler: 'parentbased_traceidratio', ratio: 1 });
  const instead = settle({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' }).settled;
  assert.is(instead?.protocol, 'http/protobuf');
  assert.is(instead?.endpoint, undefined);
  assert.equal(instead?.headers, {});
});

settings('the protocol is the one named; unknown ones are refused', () => {
  const named = settle({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }).settled;
  assert.is(named?.protocol, 'http/protobuf');
  const ofTraces = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc' };
  assert.is(settle(ofTraces).settled?.protocol, 'grpc');
  assert.throws(() => settle({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }), /"http\/json" is not offered; use grpc/);
});

settings('OTEL_SDK_DISABLED and OTEL_TRACES_EXPORTER=none switch it off', () => {
  assert.is(settle({ OTEL_SDK_DISABLED: 'TRUE' }).settled, undefined);
  assert.is(settle({ OTEL_TRACES_EXPORTER: 'none' }).settled, undefined);
  assert.equal(settle({ OTEL_TRACES_EXPORTER: 'console,otlp' }).settled?.exporters, ['console', 'otlp']);
  const { settled, warnings } = settle({ OTEL_TRACES_EXPORTER: 'zipkin' });
  assert.is(settled, undefined);
  assert.equal(warnings, ['OTEL_TRACES_EXPORTER: "zipkin" is not offered; use otlp, console or none']);
});

settings('OTEL_TRACES_SAMPLER and its argument', () => {
  const sampling = (sampler: string, argument?: string) =>
    settle({ OTEL_TRACES_SAMPLER: sampler, ...(argument !== undefined && { OTEL_TRACES_SAMPLER_ARG: argument }) });
  assert.equal(sampling('traceidratio', '0.5').settled?.sampling, { sampler: 'traceidratio', ratio: 0.5 });
  assert.equal(sampling('always_off').settled?.sampling, { sampler: 'always_off', ratio: 1 });
  const odd = sampling('sometimes');
  assert.equal(odd.settled?.sampling, { sampler: 'parentbased_traceidratio', ratio: 0.25 });
  assert.match(odd.warnings[0] ?? '', /OTEL_TRACES_SAMPLER must be one of always_on, .*, got "sometimes"/);
  assert.match(sampling('traceidratio', '7').warnings[0] ?? '', /OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1/);
});

settings('OTEL_PROPAGATORS and OTEL_BSP_*', () => {
  const { settled, warnings } = settle({
    OTEL_PROPAGATORS: 'b3, tracecontext,baggage,jaeger',
    OTEL_BSP_SCHEDULE_DELAY: '50',
    OTEL_BSP_MAX_QUEUE_SIZE: '10',
    OTEL_BSP_EXPORT_TIMEOUT: 'soon',
  });
  assert.equal(settled?.propagators, ['b3', 'tracecontext']);
  assert.equal(settled?.batch, {
    scheduledDelayMillis: 50,
    exportTimeoutMillis: 30_000,
    maxQueueSize: 10,
    maxExportBatchSize: 10,
  });
  assert.equal(warnings, [
    'OTEL_PROPAGATORS: "jaeger" is not offered; use tracecontext, b3, b3multi, baggage or none',
    'OTEL_BSP_EXPORT_TIMEOUT must be a positive whole number, got "soon"; it counts as unset',
  ]);
});

settings('samplers decide as OpenTelemetry describes them', () => {
  const parent = (sampled: boolean | undefined) => ({ traceId: 'a', spanId: 'b', sampled, tracestate: undefined });
  const byTraceId = (traceId: string) => traceId === 'a';
  const decides = (sampler: Parameters<typeof createSampler>[0]['sampler'], ratio = 1) => {
    const decide = createSampler({ sampler, ratio }, byTraceId);
    return [undefined, parent(true), parent(false), parent(undefined)].map(decide);
  };
  assert.equal(decides('always_on'), [true, true, true, true]);
  assert.equal(decides('always_off'), [false, false, false, false]);
  assert.equal(decides('traceidratio', 0), [false, true, true, true], 'a trace that came is chosen by its id');
  assert.equal(decides('parentbased_always_on'), [true, true, false, true]);
  assert.equal(decides('parentbased_always_off'), [false, true, false, false]);
  assert.equal(decides('parentbased_traceidratio', 1), [true, true, false, true]);
  assert.equal(decides('parentbased_traceidratio', 0), [false, true, false, false]);
  const tenth = createSampler({ sampler: 'parentbased_traceidratio', ratio: 0.1 }, byTraceId);
  let chosen = 0;
  for (let i = 0; i < 10_000; i++) if (tenth(undefined)) chosen++;
  assert.ok(chosen > 800 && chosen < 1200, `${chosen} of 10000 at a ratio of 0.1`);
});

settings.run();
