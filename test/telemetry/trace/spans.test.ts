import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookOutcome } from '../../../contract/answer.ts';
import type { HookCall, TraceContext } from '../../../contract/call.ts';
import { Cancellation } from '../../../contract/cancellation.ts';
import { PluginFailure } from '../../../contract/failure.ts';
import { RequestMessage } from '../../../contract/request-message.ts';
import { defaultContractOptions, requestState } from '../../../contract/request-state.ts';
import { type RunHook, runHooks } from '../../../contract/run-hooks.ts';
import { parseTarget } from '../../../contract/url.ts';
import { type Tracing, tracingOver } from '../../../telemetry/trace/open-tracing.ts';
import { providerOf } from '../../../telemetry/trace/provider.ts';
import type { Sampling } from '../../../telemetry/trace/sampling.ts';
import { withRequest } from '../request.ts';
import { sampleApi, sampleHook } from '../sample-api.ts';

const spans = suite('spans');

const always: Sampling = { sampler: 'parentbased_traceidratio', ratio: 1 };
const never: Sampling = { sampler: 'parentbased_traceidratio', ratio: 0 };

const traceId = '0af7651916cd43dd8448eb211c80319c';
const callerSpanId = 'b7ad6b7169203331';

interface Recorder {
  readonly tracing: Tracing;
  readonly recorded: () => ReadableSpan[];
  readonly named: (name: string) => ReadableSpan;
}

async function withRecorder(sampling: Sampling, use: (recorder: Recorder) => Promise<void>): Promise<void> {
  const exporter = new InMemorySpanExporter();
  const processor = new SimpleSpanProcessor({ exporter });
  const provider = providerOf([processor], 'interpose', { version: '1.2.3', instanceId: 'one' });
  const tracing = tracingOver(provider, { sampling, propagators: ['tracecontext'] });
  try {
    await use({
      tracing,
      recorded: () => exporter.getFinishedSpans(),
      named: (name) => {
        const found = exporter.getFinishedSpans().find((span) => span.name === name);
        if (found === undefined) throw new Error(`no span is called "${name}"`);
        return found;
      },
    });
  } finally {
    await tracing.close();
  }
}

function answered(runUs = 100): HookOutcome {
  return { answer: {}, timing: { queueUs: 20, wireUs: 30, runUs } };
}

function spanIdIn(context: TraceContext): string {
  return context.traceparent.slice(36, 52);
}

spans('a request with a hook in a plugin server and an upstream is four spans of one trace', async () => {
  await withRecorder(always, async ({ tracing, recorded, named }) => {
    await withRequest({}, (request) => {
      const span = tracing.begin(request, sampleApi());
      assert.ok(span);
      const run = span.beginHooks('pre');
      const call = tracing.beginCall('coprocess.Dispatcher/Dispatch', 'default', run.context);
      call.end(0);
      run.end([sampleHook('stamp')], [answered()]);
      const upstream = span.beginUpstream('GET', 'http://orders.internal:3000/1?key=secret');
      upstream.end(200);
      span.end(200);
    });
    assert.is(recorded().length, 4);
    const server = named('GET /orders/');
    const hook = named('stamp');
    const call = named('coprocess.Dispatcher/Dispatch');
    const upstream = named('GET');
    assert.is(new Set(recorded().map((span) => span.spanContext().traceId)).size, 1);
    assert.is(server.parentSpanContext, undefined);
    assert.is(hook.parentSpanContext?.spanId, server.spanContext().spanId);
    assert.is(call.parentSpanContext?.spanId, hook.spanContext().spanId);
    assert.is(upstream.parentSpanContext?.spanId, server.spanContext().spanId);
    assert.equal([server.kind, hook.kind, call.kind, upstream.kind], [1, 0, 2, 2]);
    assert.is(upstream.attributes['url.full'], 'http://orders.internal:3000/1');
    assert.is(upstream.attributes['server.address'], 'orders.internal');
    assert.is(upstream.attributes['server.port'], 3000);
  });
});

spans('each hook of a run is a span that tells where its time went', async () => {
  await withRecorder(always, async ({ tracing, named }) => {
    await withRequest({}, (request) => {
      const span = tracing.begin(request, sampleApi());
      const run = span?.beginHooks('pre');
      // At least as long as the two hooks say that they took.
      for (const startMs = performance.now(); performance.now() - startMs < 1; );
      run?.end(
        [sampleHook('stamp', { driver: 'python' }), sampleHook('check', { type: 'auth' })],
        [answered(100), answered(400)],
      );
      span?.end(200);
    });
    const stamp = named('stamp');
    assert.equal(stamp.attributes, {
      'interpose.hook.name': 'stamp',
      'interpose.hook.phase': 'pre',
      'interpose.hook.driver': 'python',
      'interpose.hook.outcome': 'continue',
      'interpose.hook.queue_us': 20,
      'interpose.hook.wire_us': 30,
      'interpose.hook.run_us': 100,
    });
    assert.ok(Math.abs(stamp.duration[1] - 150_000) <= 1);
    const check = named('check');
    assert.is(check.attributes['interpose.hook.phase'], 'auth');
    assert.equal(check.startTime, stamp.endTime);
  });
});

spans('spans made inside a later hook of a run hang from that hook', async () => {
  await withRecorder(always, async ({ tracing, recorded, named }) => {
    const hooks = ['first', 'second', 'third'].map((name, index) => sampleHook(name, { index }));
    const call: HookCall = {
      request: RequestMessage.of(requestState({ method: 'GET', url: parseTarget('/orders/1') })),
      response: undefined,
      session: undefined,
      metadata: undefined,
      deadlineMs: Number.POSITIVE_INFINITY,
      cancellation: new Cancellation(),
      trace: undefined,
    };
    await withRequest({}, async (request) => {
      const span = tracing.begin(request, sampleApi());
      assert.ok(span);
      const run = span.beginHooks('pre');
      const traced = { ...call, trace: run.context };
      const runHook: RunHook = async (hook, { trace }) => {
        tracing.beginSpan(`inside ${hook.name}`, 'client', trace as TraceContext, {}).end();
        return answered();
      };
      run.end(hooks, await runHooks(hooks, [0, 1, 2], traced, defaultContractOptions, runHook));
      span.end(200);
    });
    assert.is(recorded().length, 7);
    for (const { name } of hooks) {
      assert.is(named(`inside ${name}`).parentSpanContext?.spanId, named(name).spanContext().spanId);
    }
    assert.is(new Set(hooks.map(({ name }) => named(name).spanContext().spanId)).size, 3);
  });
});

spans('the trace of a caller goes on, with its state', async () => {
  await withRecorder(never, async ({ tracing, named }) => {
    const headers = { Traceparent: `00-${traceId}-${callerSpanId}-01`, tracestate: 'vendor=opaque' };
    await withRequest({ headers }, (request) => {
      const span = tracing.begin(request, sampleApi());
      assert.is(span?.traceId, traceId);
      assert.match(span?.context.traceparent ?? '', new RegExp(`^00-${traceId}-[\\da-f]{16}-01$`));
      assert.is(span?.context.tracestate, 'vendor=opaque');
      const upstream = span?.beginUpstream('GET', 'http://upstream/');
      assert.equal(tracing.traceHeaders(upstream?.context as TraceContext), [
        'Traceparent',
        upstream?.context.traceparent,
        'Tracestate',
        'vendor=opaque',
      ]);
      upstream?.end(200);
      span?.end(200);
    });
    const server = named('GET /orders/');
    assert.is(server.spanContext().traceId, traceId);
    assert.is(server.parentSpanContext?.spanId, callerSpanId);
    assert.is(server.parentSpanContext?.isRemote, true);
  });
});

spans('a request that is not sampled makes no span, and its own context is passed on', async () => {
  await withRecorder(always, async ({ tracing, recorded }) => {
    const traceparent = `00-${traceId}-${callerSpanId}-00`;
    await withRequest({ headers: { traceparent } }, (request) => {
      assert.is(tracing.begin(request, sampleApi()), undefined);
      const context = tracing.clientContext(request);
      assert.equal(context, { traceparent });
      const call = tracing.beginCall('coprocess.Dispatcher/Dispatch', 'default', context as TraceContext);
      assert.is(call.context, context);
      call.end(0);
    });
    assert.is(recorded().length, 0);
  });
  await withRecorder(never, async ({ tracing, recorded }) => {
    await withRequest({}, (request) => {
      assert.is(tracing.begin(request, sampleApi()), undefined);
      assert.is(tracing.clientContext(request), undefined);
    });
    assert.is(recorded().length, 0);
  });
});

spans('a request that is not sampled allocates nothing', async () => {
  await withRecorder(never, async ({ tracing }) => {
    await withRequest({}, (request) => {
      const api = sampleApi();
      const count = 200_000;
      const grown = (): number => {
        const before = process.memoryUsage().heapUsed;
        for (let i = 0; i < count; i++) tracing.begin(request, api);
        return process.memoryUsage().heapUsed - before;
      };
      grown();
      // Several times, for a collection in between shows as less, never as more.
      const bytes = Math.min(...Array.from({ length: 4 }, grown));
      assert.ok(bytes / count < 1, `${(bytes / count).toFixed(2)} bytes per request`);
    });
  });
});

spans('a failed hook is an error that names its reason and cause', async () => {
  await withRecorder(always, async ({ tracing, named }) => {
    const cause = new Error('connect ECONNREFUSED 127.0.0.1:5555');
    const failure = new PluginFailure('DRIVER_UNAVAILABLE', 'plugin server "default" is away', { cause });
    await withRequest({}, (request) => {
      const span = tracing.begin(request, sampleApi());
      const run = span?.beginHooks('pre');
      run?.end([sampleHook('stamp')], [{ failure, timing: { queueUs: 0, wireUs: 0, runUs: 0 } }]);
      span?.end(500);
      span?.end(200);
    });
    const hook = named('stamp');
    assert.is(hook.attributes['error.type'], 'DRIVER_UNAVAILABLE');
    assert.is(hook.attributes['interpose.hook.outcome'], 'failure');
    assert.is(hook.status.code, 2);
    assert.is(hook.status.message, 'plugin server "default" is away: connect ECONNREFUSED 127.0.0.1:5555');
    assert.ok(hook.duration[1] > 0, 'the wait for it has a length');
    const server = named('GET /orders/');
    assert.is(server.attributes['http.response.status_code'], 500);
    assert.is(server.attributes['error.type'], '500');
  });
});

spans('the server span tells request and API, and neither query nor unheard-of methods', async () => {
  await withRecorder(always, async ({ tracing, named }) => {
    const options = {
      method: 'POST',
      path: '/orders/7?key=secret',
      headers: { 'User-Agent': 'curl/8', Host: 'shop.test' },
    };
    await withRequest(options, (request) => {
      tracing.begin(request, sampleApi({ tags: ['eu'] }))?.end(201);
      request.method = 'FROBNICATE';
      tracing.begin(request, sampleApi())?.end(0);
    });
    assert.equal(named('POST /orders/').attributes, {
      'http.request.method': 'POST',
      'http.route': '/orders/',
      'url.path': '/orders/7',
      'url.scheme': 'http',
      'network.protocol.version': '1.1',
      'tyk.api.id': 'orders',
      'tyk.api.name': 'Orders',
      'tyk.api.orgid': 'shop',
      'tyk.api.path': '/orders/',
      'tyk.api.tags': ['eu'],
      'server.address': 'shop.test',
      'client.address': '127.0.0.1',
      'user_agent.original': 'curl/8',
      'http.response.status_code': 201,
    });
    const odd = named('HTTP /orders/');
    assert.is(odd.attributes['http.request.method'], '_OTHER');
    assert.is(odd.attributes['error.type'], 'client_gone');
  });
});

spans('spans lie inside each other to the microsecond', async () => {
  await withRecorder(always, async ({ tracing, recorded, named }) => {
    await withRequest({}, (request) => {
      const span = tracing.begin(request, sampleApi());
      const run = span?.beginHooks('pre');
      while (performance.now() % 1 < 0.9);
      run?.end([sampleHook('stamp')], [answered()]);
      span?.beginStep('VersionCheck').end();
      span?.end(200);
    });
    const server = named('GET /orders/');
    for (const span of recorded()) {
      assert.ok(nanoseconds(span.startTime) >= nanoseconds(server.startTime), `${span.name} begins too early`);
      assert.ok(nanoseconds(span.endTime) <= nanoseconds(server.endTime), `${span.name} ends too late`);
    }
    assert.ok(Math.abs(Number(nanoseconds(server.endTime) / 1_000_000n) - Date.now()) < 5000, 'on the wall clock');
  });
});

spans('gRPC calls that fail are errors at the client', async () => {
  await withRecorder(always, async ({ tracing, named }) => {
    const parent = { traceparent: `00-${traceId}-${callerSpanId}-01` };
    const call = tracing.beginCall('coprocess.Dispatcher/Dispatch', 'fraud', parent);
    assert.is.not(spanIdIn(call.context), callerSpanId);
    call.end(14, new Error('no connection'));
    const span = named('coprocess.Dispatcher/Dispatch');
    assert.equal(span.attributes, {
      'rpc.system.name': 'grpc',
      'rpc.method': 'coprocess.Dispatcher/Dispatch',
      'interpose.server': 'fraud',
      'rpc.status_code': 'UNAVAILABLE',
      'error.type': 'UNAVAILABLE',
    });
    assert.is(span.status.message, 'no connection');
  });
});

function nanoseconds([seconds, nanos]: readonly [number, number] | [number, number]): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}

spans.run();
