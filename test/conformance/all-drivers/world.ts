import { withStore } from '../../coprocess/bundles/with-store.ts';
import { type GatewayTest, runBoth, withGateway } from '../../gateway/with-gateway.ts';
import { withOtlpSink } from '../../telemetry/otlp-sink.ts';
import type { Subject } from './case.ts';
import { definitionsFor } from './definitions.ts';
import { type Language, pluginFiles } from './language.ts';
import { startPluginServer } from './plugin-server.ts';
import type { World } from './run-case.ts';
import { startUpstream } from './upstream.ts';

export const modes = ['one process', 'two services'] as const;
export type Mode = (typeof modes)[number];

/** One gateway with all APIs of all subjects, for as long as `use` takes. */
export async function withWorld(
  subjects: readonly Subject[],
  language: Language,
  mode: Mode,
  use: (world: World) => Promise<void>,
): Promise<void> {
  const upstream = await startUpstream();
  const plugins = await startPluginServer();
  const { documents, bundles } = definitionsFor(subjects, language, upstream.url);
  try {
    await withStore({ bundles }, (store) =>
      withOtlpSink(async (sink) => {
        const test: GatewayTest = {
          apis: {},
          documents,
          plugins: pluginFiles(language),
          configuration: {
            servers: { default: { target: plugins.target } },
            bundles: { baseUrl: store.baseUrl, folder: store.folder },
            tracing: { endpoint: sink.grpcEndpoint, ratio: 1, batchDelayMs: 20, maxQueuedSpans: 100_000 },
            // Hundreds of guests start at once.
            limits: { drainTimeoutMs: 100, startTimeoutMs: 240_000 },
            ...language.configuration,
          },
          ...(mode === 'two services' && { start: twoServices }),
        };
        await withGateway(test, ({ address }) =>
          use({ port: Number(address.split(':').at(-1)), language, upstream, sink }),
        );
      }),
    );
  } finally {
    plugins.close();
    await upstream.close();
  }
}

/** Gateway and coprocess with a unix socket between them. */
const twoServices: NonNullable<GatewayTest['start']> = async (configuration) => {
  const path = `${configuration.definitions.folder}.sock`;
  const link = { ...configuration.coprocess, listen: { kind: 'unix', path } as const, targets: [`unix:${path}`] };
  return runBoth({ ...configuration, coprocess: link });
};
