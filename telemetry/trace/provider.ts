import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from '@opentelemetry/semantic-conventions';
import { describeError } from '../logs/causes.ts';
import type { Log } from '../logs/log.ts';
import { SpanClock } from './clock.ts';
import { openExporter } from './exporters.ts';
import { SpanIds } from './ids.ts';
import type { TracingSettings } from './settings.ts';
import { SpanSource } from './span-source.ts';

/** What a process says of itself with every batch of spans. */
export interface ServiceIdentity {
  readonly version: string;
  readonly instanceId: string;
}

export interface OpenProvider {
  readonly spans: SpanSource;
  /** Send what is waiting now. */
  flush(): Promise<void>;
  /** Send what is waiting, and stop. */
  close(): Promise<void>;
}

/** Set up the SDK: exporters behind batches, and spans that are all recorded, for whether to is decided before one is made. */
export async function openProvider(
  settings: TracingSettings,
  service: ServiceIdentity,
  log: Log,
): Promise<OpenProvider> {
  listenToSdk(log);
  const exporters = await Promise.all(settings.exporters.map((name) => openExporter(name, settings)));
  return providerOf(
    exporters.map((exporter) => new BatchSpanProcessor({ exporter, ...settings.batch })),
    settings.serviceName,
    service,
  );
}

/** The same with span processors of the caller's. */
export function providerOf(
  spanProcessors: SpanProcessor[],
  serviceName: string,
  service: ServiceIdentity,
): OpenProvider {
  const ids = new SpanIds();
  const resource = defaultResource()
    .merge(
      resourceFromAttributes({
        [ATTR_SERVICE_NAME]: serviceName,
        [ATTR_SERVICE_VERSION]: service.version,
        [ATTR_SERVICE_INSTANCE_ID]: service.instanceId,
      }),
    )
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }));
  const provider = new TracerProvider({ resource, idGenerator: ids, sampler: new AlwaysOnSampler(), spanProcessors });
  return {
    spans: new SpanSource(provider.getTracer('interpose', service.version), ids, new SpanClock()),
    flush: () => provider.forceFlush(),
    close: () => provider.shutdown(),
  };
}

/** The SDK's own troubles (a collector that is away, spans dropped) belong to our log; its debug chatter does not. */
function listenToSdk(log: Log): void {
  const say =
    (level: 'warn' | 'error') =>
    (message: string, ...details: unknown[]): void =>
      log(level, `tracing: ${message}`, details.length === 0 ? undefined : { details: details.map(String) });
  const silent = (): void => {};
  const logger: DiagLogger = { error: say('error'), warn: say('warn'), info: silent, debug: silent, verbose: silent };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  setGlobalErrorHandler((error) => {
    const message = error instanceof Error ? describeError(error) : JSON.stringify(error);
    log('warn', `tracing: spans could not be exported: ${message}`);
  });
}
