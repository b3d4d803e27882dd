import type { Parent } from './parent.ts';

/** Samplers that `OTEL_TRACES_SAMPLER` may name here. */
export const samplerNames = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

export type SamplerName = (typeof samplerNames)[number];

export interface Sampling {
  readonly sampler: SamplerName;
  /** Share of traces that are recorded, 0 to 1; for the two ratio samplers. */
  readonly ratio: number;
}

/** Whether to record a request, given where it comes from. */
export type Sampler = (parent: Parent | undefined) => boolean;

/**
 * One decision per request, from nothing but the parent: a request that is not recorded must not even cost an id. So a trace that begins
 * here is chosen by lot; one that another service began is chosen by its id, as the SDK's own sampler does, so that all services of a
 * trace that go by the same ratio agree.
 *
 * @param byTraceId the SDK's ratio sampler
 */
export function createSampler({ sampler, ratio }: Sampling, byTraceId: (traceId: string) => boolean): Sampler {
  const drawn = (): boolean => Math.random() < ratio;
  switch (sampler) {
    case 'always_on':
      return () => true;
    case 'always_off':
      return () => false;
    case 'traceidratio':
      return (parent) => (parent === undefined || parent.traceId === '' ? drawn() : byTraceId(parent.traceId));
    case 'parentbased_always_on':
      return (parent) => parent?.sampled ?? true;
    case 'parentbased_always_off':
      return (parent) => parent?.sampled ?? false;
    case 'parentbased_traceidratio':
      return (parent) => parent?.sampled ?? drawn();
  }
}
