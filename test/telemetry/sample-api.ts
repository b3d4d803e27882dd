import type { HookSpec } from '../../contract/plugin-set.ts';
import type { TracedApi } from '../../gateway/telemetry/tracing.ts';

/** An API as telemetry sees it. */
export function sampleApi(changes: Partial<TracedApi> = {}): TracedApi {
  return {
    id: 'orders',
    name: 'Orders',
    orgId: 'shop',
    tags: [],
    listen: { path: '/orders/', strip: true },
    ...changes,
  };
}

/** A hook of such an API. */
export function sampleHook(name: string, changes: Partial<HookSpec> = {}): HookSpec {
  return {
    index: 0,
    type: 'pre',
    driver: 'grpc',
    name,
    path: '',
    rawBodyOnly: false,
    requireSession: false,
    timeoutMs: 1000,
    onError: 'reject',
    ...changes,
  };
}
