import type { Attributes } from '@opentelemetry/api';
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import type { TraceContext } from '../../contract/call.ts';
import type { Tracing as GatewayTracing } from '../../gateway/telemetry/tracing.ts';
import { beginGrpcSpan, beginSpan, type GrpcSpan, type OpenSpan } from './call-spans.ts';
import { contextOf } from './parent.ts';
import { createPropagation } from './propagation.ts';
import type { OpenProvider } from './provider.ts';
import { requestAttributes, requestName } from './request-attributes.ts';
import { ServerSpan } from './request-spans.ts';
import { createSampler, type Sampling } from './sampling.ts';
import { remoteParent } from './span-source.ts';

/** Tracing of a process, gateway or coprocess or both. */
export interface Tracing extends GatewayTracing {
  /** Begin a span inside a hook's, given the context of its call. */
  beginSpan(
    name: string,
    kind: 'internal' | 'client' | 'server',
    parent: TraceContext,
    attributes: Attributes,
  ): OpenSpan;
  /** Begin the span of a call to a plugin server. @param method `package.Service/Method` @param server its name in the configuration */
  readonly beginCall: (method: string, server: string, parent: TraceContext) => GrpcSpan;
  /** Begin the span of a call that another gateway makes to us. */
  readonly beginServedCall: (method: string, parent: TraceContext) => GrpcSpan;
  /** Send what is waiting now. Rejects when that fails. */
  flush(): Promise<void>;
  /** Send what is waiting, for a limited time, and stop. Never rejects. */
  close(): Promise<void>;
}

/** Longest wait for the collector when the process ends, in milliseconds. Spans are not worth a stuck rollout. */
const closeTimeoutMs = 3000;

/** Tracing over a provider that is set up. */
export function tracingOver(
  provider: OpenProvider,
  settings: { readonly sampling: Sampling; readonly propagators: readonly string[] },
): Tracing {
  const source = provider.spans;
  const propagation = createPropagation(settings.propagators);
  const byTraceId = new TraceIdRatioBasedSampler(settings.sampling.ratio);
  const isRecorded = createSampler(
    settings.sampling,
    (traceId) => byTraceId.shouldSample(undefined, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED,
  );
  return {
    isTraceHeader: propagation.isTraceHeader,
    traceHeaders: propagation.traceHeaders,

    begin(request, api) {
      const parent = propagation.read(request.rawHeaders);
      if (!isRecorded(parent)) return undefined;
      const attributes = requestAttributes(request, api);
      return new ServerSpan(source, requestName(request, api), remoteParent(parent), parent?.tracestate, attributes);
    },

    clientContext(request) {
      const parent = propagation.read(request.rawHeaders);
      return parent === undefined || parent.traceId === '' ? undefined : contextOf(parent);
    },

    beginSpan: (name, kind, parent, attributes) => beginSpan(source, name, kind, parent, attributes),
    beginCall: (method, server, parent) =>
      beginGrpcSpan(source, method, 'client', { 'interpose.server': server }, parent),
    beginServedCall: (method, parent) => beginGrpcSpan(source, method, 'server', {}, parent),

    flush: () => provider.flush(),
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, closeTimeoutMs);
      });
      await Promise.race([provider.close().catch(() => {}), late]);
      clearTimeout(timer);
    },
  };
}
