import { CounterFamily, type Family, GaugeFamily } from './family.ts';
import { HistogramFamily } from './histogram.ts';

/** Seconds. From what a bare proxy adds to what a client gives up after. */
const requestBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Seconds. From a trusted hook, some tens of microseconds, to the usual deadline. */
const hookBounds = [0.000025, 0.0001, 0.00025, 0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1, 5];

const ofHook = ['api', 'phase', 'hook', 'driver'];

/** All metrics of ours, by what they count. `docs/observability.md` has the same list for those who read them. */
export function createFamilies() {
  return {
    requests: new CounterFamily('interpose_requests_total', 'Requests that ended, by what the client got.', [
      'api',
      'method',
      'status',
    ]),
    requestDuration: new HistogramFamily(
      'interpose_request_duration_seconds',
      "From a request's head to the end of its response.",
      ['api'],
      requestBounds,
    ),
    inFlight: new GaugeFamily('interpose_requests_in_flight', 'Requests that have begun and not ended.', ['api']),
    upstreamDuration: new HistogramFamily(
      'interpose_upstream_duration_seconds',
      "From sending a request upstream to its response's head.",
      ['api'],
      requestBounds,
    ),
    upstreamFailures: new CounterFamily('interpose_upstream_failures_total', 'Requests that no upstream answered.', [
      'api',
      'reason',
    ]),
    hookCalls: new CounterFamily('interpose_hook_calls_total', 'Hooks that ran, by how they ended.', [
      ...ofHook,
      'outcome',
    ]),
    hookFailures: new CounterFamily('interpose_hook_failures_total', 'Hooks that gave no usable answer, by reason.', [
      ...ofHook,
      'reason',
    ]),
    hookQueue: new HistogramFamily('interpose_hook_queue_seconds', 'Wait of a call for its turn.', ofHook, hookBounds),
    hookWire: new HistogramFamily(
      'interpose_hook_wire_seconds',
      'Way of a call to the plugin and back.',
      ofHook,
      hookBounds,
    ),
    hookRun: new HistogramFamily('interpose_hook_run_seconds', 'Time in the plugin itself.', ofHook, hookBounds),
    guestRestarts: new CounterFamily('interpose_guest_restarts_total', 'Guests that ended and were replaced.', [
      'driver',
      'reason',
    ]),
  } satisfies Record<string, Family<unknown>>;
}

export type Families = ReturnType<typeof createFamilies>;
