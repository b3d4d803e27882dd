import type { Metric, Registry } from 'prom-client';
import { ApiMetrics } from './api-metrics.ts';
import { createFamilies } from './families.ts';
import type { Exposition } from './family.ts';
import { WatchedMetric } from './watched-metric.ts';

/** Counts what the process does, and tells Prometheus. */
export interface Metrics {
  /** The counts of one API; revisions of the same API go on with the same numbers. */
  forApi(apiId: string): ApiMetrics;
  /** A guest ended and was replaced. @param reason a word, for it becomes a label */
  guestRestarted(driver: string, reason: string): void;
  /** Which coprocesses are connected, by target. */
  watchLinks(read: ReadStates): void;
  /** Which external plugin servers can be reached, by name. */
  watchPluginServers(read: ReadStates): void;
  /** Which bundles in use are what their servers have, by name. */
  watchBundles(read: ReadStates): void;
  /** Which APIs there are. The numbers of one that is gone go with the next scrape. */
  watchApis(read: () => ApiStates): void;
  /** How analytics records have fared since the start. */
  watchRecords(counts: RecordCounts): void;
  /** The exposition, in Prometheus' text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

export interface ApiStates {
  /** Ids of those that are served. */
  readonly loaded: Iterable<string>;
  /** How many definitions could not be loaded. */
  readonly refused: number;
}

export interface RecordCounts {
  readonly written: number;
  readonly dropped: number;
}

export type ReadStates = () => Iterable<readonly [name: string, up: boolean]>;

/**
 * prom-client is loaded at the first scrape: it takes 40 ms, which nobody should wait for at the start. Its own metrics of the process
 * (`process_*`, `nodejs_*`) begin then.
 *
 * @param version of this program, as `interpose_build_info`
 */
export function createMetrics(version: string): Metrics {
  const families = createFamilies();
  const others: WatchedMetric[] = [
    new WatchedMetric('gauge', 'interpose_build_info', 'Version of this program.', 'version', () => [[version, 1]]),
  ];
  let opening: Promise<Registry> | undefined;

  function registry(): Promise<Registry> {
    opening ??= openRegistry();
    return opening;
  }

  async function openRegistry(): Promise<Registry> {
    const { Registry, collectDefaultMetrics } = await import('prom-client');
    const registry = new Registry();
    for (const metric of [...others, ...Object.values(families)]) register(registry, metric);
    collectDefaultMetrics({ register: registry });
    return registry;
  }

  function watch(metric: WatchedMetric): void {
    others.push(metric);
    void opening?.then((registry) => register(registry, metric));
  }

  function forgetApi(id: string): void {
    for (const family of Object.values(families)) family.forget('api', id);
  }

  const upGauge = (name: string, help: string, label: string, read: ReadStates): void =>
    watch(
      new WatchedMetric('gauge', name, help, label, () =>
        Array.from(read(), ([key, up]) => [key, up ? 1 : 0] as const),
      ),
    );

  return {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    forApi: (apiId) => new ApiMetrics(families, apiId),
    guestRestarted(driver, reason) {
      families.guestRestarts.child(driver, reason).value++;
    },
    watchLinks: (read) => upGauge('interpose_link_up', 'Whether the coprocess is connected.', 'target', read),
    watchPluginServers: (read) =>
      upGauge('interpose_plugin_server_up', 'Whether the plugin server can be reached.', 'server', read),
    watchBundles: (read) =>
      upGauge(
        'interpose_bundle_current',
        'Whether the bundle is what its server has, as far as polls tell.',
        'bundle',
        read,
      ),
    watchApis(read) {
      let last = new Set<string>();
      const states = (): [string, number][] => {
        const { loaded, refused } = read();
        const ids = new Set(loaded);
        for (const id of last.difference(ids)) forgetApi(id);
        last = ids;
        return [
          ['loaded', ids.size],
          ['refused', refused],
        ];
      };
      watch(new WatchedMetric('gauge', 'interpose_apis', 'APIs by state.', 'state', states));
    },
    watchRecords(counts) {
      const help = 'Analytics records, by what became of them.';
      const read = (): [string, number][] => [
        ['written', counts.written],
        ['dropped', counts.dropped],
      ];
      watch(new WatchedMetric('counter', 'interpose_analytics_records_total', help, 'outcome', read));
    },
    text: async () => (await registry()).metrics(),
  };
}

/** prom-client's types know only its own classes; all it asks of a metric is a name and a `get`. */
function register(registry: Registry, metric: { readonly name: string; get(): Promise<Exposition> }): void {
  registry.registerMetric(metric as unknown as Metric);
}
