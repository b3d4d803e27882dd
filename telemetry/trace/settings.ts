import type { Tracing as TracingConfiguration } from '../../gateway/configuration/index.ts';
import { propagatorNames } from './propagation.ts';
import { type SamplerName, type Sampling, samplerNames } from './sampling.ts';

export type Protocol = 'grpc' | 'http/protobuf';
export type ExporterName = 'otlp' | 'console';
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What the environment and the configuration say about tracing, settled. What of an exporter the environment names (URL, headers,
 * timeout, compression, certificates) is not here: the exporter reads those variables itself.
 */
export interface TracingSettings {
  readonly exporters: readonly ExporterName[];
  readonly protocol: Protocol;
  /** The configuration's exporter options that hold; undefined where a variable speaks. */
  readonly endpoint: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number | undefined;
  readonly tls: TracingConfiguration['tls'];
  /** Unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` say otherwise. */
  readonly serviceName: string;
  readonly sampling: Sampling;
  readonly propagators: readonly string[];
  readonly batch: BatchSettings;
}

/** `OTEL_BSP_*`; milliseconds and numbers of spans. */
export interface BatchSettings {
  readonly scheduledDelayMillis: number;
  readonly exportTimeoutMillis: number;
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
}

/** What a process is called in traces when nobody says; a coprocess gets a name of its own beside its gateway. */
export type Role = 'gateway' | 'coprocess';

/** The specification's, but for the delay (there 5 s): who tries out a request wants to see it at once, and a batch a second costs nothing. */
const defaultBatch: BatchSettings = {
  scheduledDelayMillis: 1000,
  exportTimeoutMillis: 30_000,
  maxQueueSize: 2048,
  maxExportBatchSize: 512,
};

type Warn = (message: string) => void;

/**
 * Settle `OTEL_*` variables over the configuration. Undefined: no tracing. As OpenTelemetry wants it, a variable whose value cannot be
 * used is told to `warn` and then counts as unset.
 * @throws {Error} when a protocol is named that is not offered: spans would go nowhere.
 */
export function settleTracing(
  configuration: TracingConfiguration | undefined,
  role: Role,
  environment: Environment,
  warn: Warn,
): TracingSettings | undefined {
  const variables = new Variables(environment, warn);
  if (variables.text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return undefined;
  const environmentEndpoint = variables.ofTraces('ENDPOINT');
  const named = variables.text('OTEL_TRACES_EXPORTER');
  if (configuration === undefined && environmentEndpoint === undefined && named === undefined) return undefined;
  const exporters = exporterNames(named, warn);
  if (exporters.length === 0) return undefined;

  const own = environmentEndpoint === undefined ? configuration : undefined;
  const serviceName = configuration?.serviceName ?? 'interpose';
  return {
    exporters,
    protocol: protocolOf(variables, environmentEndpoint, configuration),
    endpoint: own?.endpoint,
    headers: own?.headers ?? {},
    timeoutMs: variables.ofTraces('TIMEOUT') === undefined ? configuration?.timeoutMs : undefined,
    tls: variables.ofTraces('CERTIFICATE') === undefined ? own?.tls : undefined,
    serviceName: role === 'gateway' ? serviceName : `${serviceName}-${role}`,
    sampling: samplingOf(variables, configuration),
    propagators: propagatorsIn(variables.text('OTEL_PROPAGATORS'), warn),
    batch: batchOf(variables, configuration),
  };
}

/** Environment variables, the empty ones counting as unset. */
class Variables {
  private readonly environment: Environment;
  private readonly warn: Warn;

  constructor(environment: Environment, warn: Warn) {
    this.environment = environment;
    this.warn = warn;
  }

  text(name: string): string | undefined {
    return this.environment[name]?.trim() || undefined;
  }

  /** An exporter's variable: the one of traces, else the one of all signals. */
  ofTraces(name: string): string | undefined {
    return this.text(`OTEL_EXPORTER_OTLP_TRACES_${name}`) ?? this.text(`OTEL_EXPORTER_OTLP_${name}`);
  }

  count(name: string, usual: number): number {
    const text = this.text(name);
    if (text === undefined) return usual;
    const value = Number(text);
    if (Number.isInteger(value) && value > 0) return value;
    this.unusable(name, text, 'a positive whole number');
    return usual;
  }

  unusable(name: string, text: string, wanted: string): void {
    this.warn(`${name} must be ${wanted}, got "${text}"; it counts as unset`);
  }
}

function exporterNames(text: string | undefined, warn: Warn): readonly ExporterName[] {
  if (text === undefined) return ['otlp'];
  const known: ExporterName[] = [];
  for (const name of list(text)) {
    if (name === 'otlp' || name === 'console') known.push(name);
    else if (name !== 'none') warn(`OTEL_TRACES_EXPORTER: "${name}" is not offered; use otlp, console or none`);
  }
  return known;
}

/**
 * Where only an endpoint is given by the environment, its port tells: 4317 is gRPC's, and everything else means what OpenTelemetry
 * means by default.
 */
function protocolOf(
  variables: Variables,
  environmentEndpoint: string | undefined,
  configuration: TracingConfiguration | undefined,
): Protocol {
  const named = variables.ofTraces('PROTOCOL');
  if (named === 'grpc' || named === 'http/protobuf') return named;
  if (named !== undefined) {
    throw new Error(`OTEL_EXPORTER_OTLP_PROTOCOL: "${named}" is not offered; use grpc or http/protobuf`);
  }
  if (environmentEndpoint !== undefined) return /:4317\/?$/.test(environmentEndpoint) ? 'grpc' : 'http/protobuf';
  return configuration?.protocol === 'grpc' ? 'grpc' : 'http/protobuf';
}

function samplingOf(variables: Variables, configuration: TracingConfiguration | undefined): Sampling {
  const { ratio, parentBased } = configuration ?? { ratio: 1, parentBased: true };
  const own: Sampling = { sampler: parentBased ? 'parentbased_traceidratio' : 'traceidratio', ratio };
  const sampler = variables.text('OTEL_TRACES_SAMPLER');
  if (sampler === undefined) return own;
  if (!isSamplerName(sampler)) {
    variables.unusable('OTEL_TRACES_SAMPLER', sampler, `one of ${samplerNames.join(', ')}`);
    return own;
  }
  const argument = variables.text('OTEL_TRACES_SAMPLER_ARG');
  const share = argument === undefined ? 1 : Number(argument);
  if (share >= 0 && share <= 1) return { sampler, ratio: share };
  variables.unusable('OTEL_TRACES_SAMPLER_ARG', argument ?? '', 'a number from 0 to 1');
  return { sampler, ratio: 1 };
}

function isSamplerName(text: string): text is SamplerName {
  return (samplerNames as readonly string[]).includes(text);
}

function propagatorsIn(text: string | undefined, warn: Warn): readonly string[] {
  const names: string[] = [];
  for (const name of list(text ?? 'tracecontext')) {
    if (propagatorNames.includes(name)) names.push(name);
    else if (name !== 'none' && name !== 'baggage') {
      warn(`OTEL_PROPAGATORS: "${name}" is not offered; use ${propagatorNames.join(', ')}, baggage or none`);
    }
  }
  return names;
}

function batchOf(variables: Variables, configuration: TracingConfiguration | undefined): BatchSettings {
  const usual = defaultBatch;
  const maxQueueSize = variables.count('OTEL_BSP_MAX_QUEUE_SIZE', configuration?.maxQueuedSpans ?? usual.maxQueueSize);
  const maxBatch = variables.count(
    'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
    configuration?.maxBatchSpans ?? usual.maxExportBatchSize,
  );
  return {
    scheduledDelayMillis: variables.count(
      'OTEL_BSP_SCHEDULE_DELAY',
      configuration?.batchDelayMs ?? usual.scheduledDelayMillis,
    ),
    exportTimeoutMillis: variables.count('OTEL_BSP_EXPORT_TIMEOUT', usual.exportTimeoutMillis),
    maxQueueSize,
    maxExportBatchSize: Math.min(maxBatch, maxQueueSize),
  };
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}
