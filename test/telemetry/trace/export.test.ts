import { execFileSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tracing as TracingConfiguration } from '../../../gateway/configuration/index.ts';
import { createTracing } from '../../../telemetry/trace/create-tracing.ts';
import type { Tracing } from '../../../telemetry/trace/open-tracing.ts';
import { cert, key } from '../../gateway/configuration/key-pair.ts';
import { type SunkSpan, withOtlpSink } from '../otlp-sink.ts';
import { withRequest } from '../request.ts';
import { sampleApi, sampleHook } from '../sample-api.ts';

const exported = suite('export');

function configuration(changes: Partial<TracingConfiguration>): TracingConfiguration {
  return {
    endpoint: 'http://127.0.0.1:9',
    protocol: 'grpc',
    ratio: 1,
    parentBased: true,
    serviceName: 'interpose',
    headers: {},
    timeoutMs: 2000,
    tls: undefined,
    maxQueuedSpans: 2048,
    maxBatchSpans: 512,
    batchDelayMs: 20,
    ...changes,
  };
}

interface Opening {
  readonly configuration?: TracingConfiguration;
  readonly environment?: Record<string, string>;
  readonly role?: 'gateway' | 'coprocess';
}

async function withTracing(opening: Opening, use: (tracing: Tracing) => Promise<void>): Promise<void> {
  const { environment = {}, role = 'gateway' } = opening;
  Object.assign(process.env, environment);
  try {
    const tracing = await createTracing({ configuration: opening.configuration, role, version: '1.2.3', log() {} });
    if (tracing === undefined) throw new Error('tracing is off');
    try {
      await use(tracing);
    } finally {
      await tracing.close();
    }
  } finally {
    for (const name of Object.keys(environment)) delete process.env[name];
  }
}

/** One request through a gateway and a coprocess: server, two hooks, one call to a plugin server, upstream. */
async function traceRequest(gateway: Tracing, coprocess: Tracing): Promise<string> {
  let traceId = '';
  await withRequest({}, (request) => {
    const span = gateway.begin(request, sampleApi());
    if (span === undefined) throw new Error('not sampled');
    traceId = span.traceId;
    const run = span.beginHooks('pre');
    coprocess.beginCall('coprocess.Dispatcher/Dispatch', 'default', run.context).end(0);
    const outcome = { answer: {}, timing: { queueUs: 1, wireUs: 2, runUs: 3 } };
    run.end([sampleHook('stamp'), sampleHook('check')], [outcome, outcome]);
    span.beginUpstream('GET', 'http://upstream:80/').end(503);
    span.end(503);
  });
  return traceId;
}

function named(spans: readonly SunkSpan[], name: string): SunkSpan {
  const found = spans.find((span) => span.name === name);
  if (found === undefined) throw new Error(`no span is called "${name}"`);
  return found;
}

for (const protocol of ['grpc', 'http'] as const) {
  exported(`over ${protocol}, gateway and coprocess show up as two services in one linked trace`, async () => {
    await withOtlpSink(async (sink) => {
      const own = configuration({
        protocol,
        endpoint: protocol === 'grpc' ? sink.grpcEndpoint : sink.httpEndpoint,
        headers: { 'x-api-key': 'secret' },
      });
      await withTracing({ configuration: own }, async (gateway) => {
        await withTracing({ configuration: own, role: 'coprocess' }, async (coprocess) => {
          const traceId = await traceRequest(gateway, coprocess);
          const spans = await sink.waitFor(5);
          assert.is(spans.length, 5);
          for (const span of spans) assert.is(span.traceId, traceId);
          const server = named(spans, 'GET /orders/');
          const hook = named(spans, 'stamp');
          const call = named(spans, 'coprocess.Dispatcher/Dispatch');
          assert.is(server.parentSpanId, '');
          assert.is(hook.parentSpanId, server.spanId);
          assert.is(named(spans, 'check').parentSpanId, server.spanId);
          assert.is(call.parentSpanId, hook.spanId);
          assert.is(named(spans, 'GET').parentSpanId, server.spanId);
          assert.equal([server.kind, hook.kind, call.kind], ['server', 'internal', 'client']);
          assert.equal([server.service, call.service], ['interpose', 'interpose-coprocess']);
          assert.is(server.resource['service.version'], '1.2.3');
          assert.is(server.status, 'error');
          assert.is(server.attributes['http.response.status_code'], 503);
          assert.is(hook.attributes['interpose.hook.wire_us'], 2);
          assert.is(hook.endNs - hook.startNs > 5_000n, true);
          for (const request of sink.exports) {
            assert.is(request.protocol, protocol);
            assert.is(request.headers['x-api-key'], 'secret');
          }
        });
      });
    });
  });
}

exported('closing sends what is waiting', async () => {
  await withOtlpSink(async (sink) => {
    const own = configuration({ endpoint: sink.grpcEndpoint, batchDelayMs: 60_000 });
    await withTracing({ configuration: own }, async (tracing) => {
      await traceRequest(tracing, tracing);
      assert.is(sink.spans.length, 0);
    });
    assert.is(sink.spans.length, 5);
  });
});

exported('the environment decides over the configuration', async () => {
  await withOtlpSink(async (sink) => {
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.httpEndpoint,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=blue,x-odd=a%20b',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_SERVICE_NAME: 'edge',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=loser,deployment.environment.name=test',
      OTEL_TRACES_SAMPLER: 'always_on',
      OTEL_BSP_SCHEDULE_DELAY: '10',
    };
    const own = configuration({ ratio: 0, batchDelayMs: 60_000, headers: { 'x-api-key': 'secret' } });
    await withTracing({ configuration: own, environment }, async (tracing) => {
      await traceRequest(tracing, tracing);
      const [span] = await sink.waitFor(5);
      assert.is(span?.service, 'edge');
      assert.is(span?.resource['deployment.environment.name'], 'test');
      const [request] = sink.exports;
      assert.is(request?.protocol, 'http');
      assert.is(request?.headers['x-tenant'], 'blue');
      assert.is(request?.headers['x-odd'], 'a b');
      assert.is(request?.headers['x-api-key'], undefined, 'keys stay with the endpoint that they are for');
      assert.is(request?.headers['content-encoding'], 'gzip');
    });
  });
});

exported('headers of the environment come before configured ones of the same name', async () => {
  await withOtlpSink(async (sink) => {
    for (const protocol of ['grpc', 'http'] as const) {
      const own = configuration({
        protocol,
        endpoint: protocol === 'grpc' ? sink.grpcEndpoint : sink.httpEndpoint,
        headers: { 'X-Tenant': 'configured', 'x-other': 'kept' },
      });
      const environment = { OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-tenant=environment' };
      await withTracing({ configuration: own, environment }, async (tracing) => {
        await traceRequest(tracing, tracing);
        await tracing.flush();
      });
      const request = sink.exports.at(-1);
      assert.is(request?.protocol, protocol);
      assert.is(request?.headers['x-tenant'], 'environment');
      assert.is(request?.headers['x-other'], 'kept');
    }
  });
});

for (const protocol of ['grpc', 'http'] as const) {
  exported(
    `over ${protocol} with TLS, spans go to a collector whose certificate is trusted, and to no other`,
    async () => {
      await withOtlpSink(
        async (sink) => {
          const endpoint = protocol === 'grpc' ? sink.grpcEndpoint : sink.httpEndpoint;
          const tls = { ca: cert, cert: undefined, key: undefined, serverName: 'localhost', insecureSkipVerify: false };
          const trusting = configuration({ protocol, endpoint, tls });
          await withTracing({ configuration: trusting }, (tracing) => traceRequest(tracing, tracing).then(() => {}));
          assert.is(sink.spans.length, 5);
          const strange = configuration({ protocol, endpoint, timeoutMs: 300, batchDelayMs: 60_000 });
          await withTracing({ configuration: strange }, (tracing) => traceRequest(tracing, tracing).then(() => {}));
          assert.is(sink.spans.length, 5);
        },
        { cert, key },
      );
    },
  );
}

exported('a collector that is away is told of in the log, and does not hold up the end', async () => {
  const own = configuration({ endpoint: 'http://127.0.0.1:9', protocol: 'http', timeoutMs: 300 });
  const told = Promise.withResolvers<string>();
  const tracing = await createTracing({
    configuration: own,
    role: 'gateway',
    version: '1.2.3',
    log: (level, message) => told.resolve(`${level}: ${message}`),
  });
  assert.ok(tracing);
  await traceRequest(tracing, tracing);
  // The SDK's own timers do not keep a process alive.
  const late = setTimeout(() => told.resolve('nothing'), 5000);
  assert.match(await told.promise, /^(warn|error): tracing: .*(ECONNREFUSED|export)/);
  clearTimeout(late);
  await traceRequest(tracing, tracing);
  const began = performance.now();
  await tracing.close();
  assert.ok(performance.now() - began < 3500, 'closing is bounded');
});

exported('without tracing, OpenTelemetry is not even loaded', () => {
  const index = new URL('../../../telemetry/index.ts', import.meta.url).href;
  const program = `
    const loaded = [];
    const { registerHooks } = await import('node:module');
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
    const { createTracing } = await import('${index}');
    const tracing = await createTracing({ configuration: undefined, role: 'gateway', version: '1', log() {} });
    console.log(JSON.stringify({ tracing: String(tracing), loaded }));`;
  const output = execFileSync(process.execPath, ['--conditions=source', '--input-type=module', '-e', program]);
  const { tracing, loaded } = JSON.parse(output.toString()) as { tracing: string; loaded: string[] };
  assert.is(tracing, 'undefined');
  assert.ok(loaded.includes(index));
  assert.equal(
    loaded.filter((url) => /opentelemetry|grpc-js/.test(url)),
    [],
  );
});

exported.run();
