// time limit: 300 s
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCoprocess, runGateway } from '../main.ts';
import { withGateway, withUpstream } from './gateway/with-gateway.ts';
import { type Jaeger, jaeger, pythonServer } from './peers/index.ts';

const traces = suite('in a real Jaeger');

interface JaegerSpan {
  readonly spanID: string;
  readonly operationName: string;
  readonly processID: string;
  readonly references: readonly { readonly refType: string; readonly spanID: string }[];
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
}

interface JaegerTrace {
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

/** The trace once it has so many spans. Exporters send when they like, so Jaeger is asked until then. */
async function traceOf(server: Jaeger, traceId: string, spans: number): Promise<JaegerTrace> {
  const until = Date.now() + 20_000;
  while (Date.now() < until) {
    const found = (await server.query(`/api/traces/${traceId}`)) as { data: JaegerTrace[] } | undefined;
    const trace = found?.data[0];
    if (trace !== undefined && trace.spans.length >= spans) return trace;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`trace ${traceId} has not ${spans} spans after 20 s`);
}

traces(
  'one request is one trace: client, gateway, hooks in two languages, coprocess, plugin server, upstream',
  async () => {
    const server = await jaeger();
    const python = await pythonServer('examples/python');
    const folder = await mkdtemp(join(tmpdir(), 'jaeger-test-'));
    const socket = `unix:${join(folder, 'coprocess.sock')}`;
    const start: NonNullable<Parameters<typeof withGateway>[0]['start']> = async (configuration) => {
      const coprocess = await runCoprocess(configuration);
      const gateway = await runGateway(configuration);
      return { ...gateway, close: () => gateway.close().then(() => coprocess.close()) };
    };
    try {
      await withUpstream((upstream) =>
        withGateway(
          {
            apis: {
              orders: {
                proxy: { target_url: upstream.url },
                custom_middleware: {
                  driver: 'typescript',
                  pre: [{ name: 'mark', path: 'mark.ts' }],
                  post: [{ name: 'Stamp', interpose: { driver: 'grpc' } }],
                },
                config_data: { header: 'X-Stamp', value: 'python' },
              },
            },
            plugins: {
              'mark.ts':
                "import { pre } from 'interpose/plugin';\nexport const mark = pre((r) => r.headers.set('x-mark', 'ts'));\n",
            },
            configuration: {
              coprocess: { targets: [socket], listen: socket },
              servers: { default: { target: `tcp://${python.address}` } },
              tracing: { endpoint: server.otlpGrpcEndpoint, ratio: 0, batchDelayMs: 50 },
            },
            start,
          },
          async ({ url }) => {
            const traceId = '0af7651916cd43dd8448eb211c80319c';
            const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
            const response = await fetch(`${url}/orders/1`, { headers: { traceparent } });
            assert.is(response.status, 200);
            const { headers } = (await response.json()) as { headers: Record<string, string> };
            assert.is(headers['x-mark'], 'ts');
            assert.is(headers['x-stamp'], 'python');
            assert.match(headers['x-seen-traceparent'] ?? '', traceId);

            const { spans, processes } = await traceOf(server, traceId, 5);
            const span = (name: string): JaegerSpan => {
              const found = spans.find((one) => one.operationName === name);
              if (found === undefined)
                throw new Error(`no span "${name}" in ${spans.map((one) => one.operationName).join(', ')}`);
              return found;
            };
            const parent = (one: JaegerSpan): string | undefined =>
              one.references.find((ref) => ref.refType === 'CHILD_OF')?.spanID;
            const root = span('GET /orders/');
            assert.is(parent(root), 'b7ad6b7169203331', 'the client is the parent of it all');
            assert.is(parent(span('mark')), root.spanID);
            assert.is(parent(span('Stamp')), root.spanID);
            const call = span('coprocess.Dispatcher/Dispatch');
            assert.is(parent(call), span('Stamp').spanID);
            assert.is(processes[call.processID]?.serviceName, 'interpose-coprocess');
            assert.is(headers['x-seen-traceparent'], `00-${traceId}-${call.spanID}-01`);
            assert.is(parent(span('GET')), root.spanID, 'the upstream request');
            const runs = span('mark').tags.find((tag) => tag.key === 'interpose.hook.run_us');
            assert.ok(Number(runs?.value) >= 0);
          },
        ),
      );
    } finally {
      await python.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
);

traces.run();
