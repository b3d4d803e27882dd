import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cancellation } from '../../../contract/cancellation.ts';
import type { PluginSet } from '../../../contract/plugin-set.ts';
import { RequestMessage } from '../../../contract/request-message.ts';
import { requestState } from '../../../contract/request-state.ts';
import { parseTarget } from '../../../contract/url.ts';
import { createCoprocess } from '../../../coprocess/index.ts';
import type { Host } from '../../../drivers/driver.ts';
import { createGrpcDriver, type PluginServerOptions } from '../../../drivers/grpc/index.ts';
import { createTracing } from '../../../telemetry/index.ts';
import { type SunkSpan, withOtlpSink } from '../otlp-sink.ts';
import { withPluginServer } from '../plugin-server.ts';
import { withRequest } from '../request.ts';
import { sampleApi, sampleHook } from '../sample-api.ts';

const traced = suite('trace of a plugin server');

function pluginServer(target: string): PluginServerOptions {
  return {
    target,
    timeoutMs: 5000,
    tls: undefined,
    authority: undefined,
    maxReceiveBytes: 4_000_000,
    maxSendBytes: 4_000_000,
    roundRobin: false,
    maxConcurrentCalls: 10,
  };
}

const host: Host = { request: () => Promise.reject(new Error('no gateway')), log() {} };

/** One request with two hooks on the plugin server, in one run; returns its trace id. */
async function runTwoHooks(target: string, headers: Record<string, string>): Promise<string | undefined> {
  const tracing = await createTracing({ configuration: undefined, role: 'gateway', version: '1', log() {} });
  assert.ok(tracing);
  const { beginCall, traceHeaders } = tracing;
  const driver = createGrpcDriver({ servers: { default: pluginServer(target) }, beginSpan: beginCall, traceHeaders });
  const coprocess = createCoprocess({ drivers: [driver], host });
  const hooks = ['first', 'second'].map((name, index) => sampleHook(name, { index }));
  const set: PluginSet = { digest: 'abc', apiId: 'orders', orgId: 'shop', hooks };
  let traceId: string | undefined;
  try {
    await coprocess.install(set);
    await withRequest({ headers }, async (request) => {
      const span = tracing.begin(request, sampleApi());
      traceId = span?.traceId;
      const run = span?.beginHooks('pre');
      const outcomes = await coprocess.run('abc', [0, 1], {
        request: RequestMessage.of(requestState({ method: 'GET', url: parseTarget('/orders/1') })),
        response: undefined,
        session: undefined,
        metadata: undefined,
        deadlineMs: performance.now() + 5000,
        cancellation: new Cancellation(),
        trace: run?.context ?? tracing.clientContext(request),
      });
      assert.is(outcomes.length, 2);
      run?.end(hooks, outcomes);
      span?.end(200);
    });
  } finally {
    await coprocess.close();
    await tracing.close();
  }
  return traceId;
}

async function withEnvironment(variables: Record<string, string>, use: () => Promise<void>): Promise<void> {
  Object.assign(process.env, variables);
  try {
    await use();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
}

function childrenOf(parent: SunkSpan | undefined, spans: readonly SunkSpan[]): SunkSpan[] {
  return spans.filter((span) => span.parentSpanId === parent?.spanId);
}

traced('each call hangs from its own hook, and tells the server its own span', async () => {
  await withOtlpSink(async (sink) => {
    await withEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: sink.httpEndpoint }, async () => {
      await withPluginServer(async (target, calls) => {
        const traceId = await runTwoHooks(target, {});
        assert.is(sink.spans.length, 5);
        for (const [i, name] of ['first', 'second'].entries()) {
          const hook = sink.spans.find((span) => span.name === name);
          const [call] = childrenOf(hook, sink.spans);
          assert.is(call?.name, 'coprocess.Dispatcher/Dispatch');
          assert.is(call?.kind, 'client');
          assert.equal(calls[i]?.get('traceparent'), [`00-${traceId}-${call?.spanId}-01`]);
          assert.is(call?.attributes['interpose.server'], 'default');
          assert.is(call?.attributes['rpc.status_code'], 'OK');
        }
      });
    });
  });
});

traced('a request that is not sampled passes its own context on, and makes no span', async () => {
  await withOtlpSink(async (sink) => {
    await withEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: sink.httpEndpoint }, async () => {
      await withPluginServer(async (target, calls) => {
        const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
        assert.is(await runTwoHooks(target, { traceparent }), undefined);
        assert.is(sink.spans.length, 0);
        assert.equal(
          calls.map((call) => call.get('traceparent')),
          [[traceparent], [traceparent]],
        );
      });
    });
  });
});

traced('with B3, callers and plugin servers speak B3', async () => {
  await withOtlpSink(async (sink) => {
    const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.grpcEndpoint, OTEL_PROPAGATORS: 'b3' };
    await withEnvironment({ ...variables, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, async () => {
      await withPluginServer(async (target, calls) => {
        const b3 = '80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1';
        const traceId = await runTwoHooks(target, { b3 });
        assert.is(traceId, '80f198ee56343ba864fe8b2a57d3eff7');
        assert.match(String(calls[0]?.get('b3')), new RegExp(`^${traceId}-[\\da-f]{16}-1$`));
        assert.equal(calls[0]?.get('traceparent'), []);
        assert.is(sink.spans.find((span) => span.kind === 'server')?.parentSpanId, 'e457b5a2e4d86bd1');
      });
    });
  });
});

traced.run();
