import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { resolveConfiguration } from '../../../gateway/configuration/index.ts';
import { run, runCoprocess, runGateway } from '../../../main.ts';
import { type OtlpSink, type SunkSpan, withOtlpSink } from '../../telemetry/otlp-sink.ts';
import { withPluginServer } from '../../telemetry/plugin-server.ts';

const whole = suite('telemetry of a gateway');

interface Set {
  readonly url: string;
  readonly controlUrl: string;
  readonly sink: OtlpSink;
  /** Headers of what reached the upstream. */
  readonly upstreamed: IncomingHttpHeaders[];
  /** `traceparent` of what reached the plugin server. */
  readonly plugged: () => string[];
}

/** A gateway with an API that has two hooks on a plugin server, and all its neighbours. */
async function withGateway(
  mode: 'one process' | 'two services',
  ratio: number,
  use: (set: Set) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'telemetry-'));
  const upstreamed: IncomingHttpHeaders[] = [];
  const upstream = createServer((request, response) => {
    upstreamed.push(request.headers);
    response.end('here');
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  await writeFile(join(folder, 'orders.json'), JSON.stringify(definition(`http://127.0.0.1:${port}`)));
  try {
    await withPluginServer(async (target, calls) => {
      await withOtlpSink(async (sink) => {
        const socket = `unix:${join(folder, 'coprocess.sock')}`;
        const configuration = resolveConfiguration(
          {
            listeners: [{ address: '127.0.0.1:0' }],
            control: { address: '127.0.0.1:0' },
            definitions: { folder },
            servers: { default: { target } },
            tracing: { endpoint: sink.grpcEndpoint, ratio, batchDelayMs: 20 },
            log: { level: 'error' },
            limits: { drainTimeoutMs: 100 },
            ...(mode === 'two services' && { coprocess: { targets: [socket], listen: socket } }),
          },
          { folder },
        );
        const running = mode === 'one process' ? [await run(configuration)] : [await runCoprocess(configuration)];
        if (mode === 'two services') running.push(await runGateway(configuration));
        const gateway = running.at(-1);
        try {
          await use({
            url: `http://${gateway?.addresses[0]}`,
            controlUrl: `http://${gateway?.controlAddress}`,
            sink,
            upstreamed,
            plugged: () => calls.map((call) => String(call.get('traceparent')[0])),
          });
        } finally {
          for (const one of running.reverse()) await one.close();
        }
      });
    });
  } finally {
    upstream.closeAllConnections();
    upstream.close();
    await rm(folder, { recursive: true });
  }
}

function definition(target: string): unknown {
  return {
    name: 'Orders',
    api_id: 'orders',
    org_id: 'shop',
    active: true,
    use_keyless: true,
    version_data: { not_versioned: true, versions: { Default: { name: 'Default' } } },
    proxy: { listen_path: '/orders/', target_url: target, strip_listen_path: true },
    custom_middleware: { driver: 'grpc', pre: [{ name: 'first' }, { name: 'second' }] },
  };
}

function only(spans: readonly SunkSpan[], name: string): SunkSpan {
  const found = spans.filter((span) => span.name === name);
  if (found.length !== 1) throw new Error(`${found.length} spans are called "${name}"`);
  return found[0] as SunkSpan;
}

for (const mode of ['one process', 'two services'] as const) {
  whole(`in ${mode}, a request is one trace from the client to plugin server and upstream`, async () => {
    await withGateway(mode, 1, async ({ url, sink, upstreamed, plugged }) => {
      const response = await fetch(`${url}/orders/1`);
      assert.is(await response.text(), 'here');
      const traceId = response.headers.get('x-tyk-trace-id');
      const spans = await sink.waitFor(6);
      assert.is(spans.length, 6);
      for (const span of spans) assert.is(span.traceId, traceId);
      const server = only(spans, 'GET /orders/');
      const upstream = only(spans, 'GET');
      assert.is(upstream.parentSpanId, server.spanId);
      assert.is(upstreamed[0]?.traceparent, `00-${traceId}-${upstream.spanId}-01`);
      const calls = ['first', 'second'].map((name) => {
        const hook = only(spans, name);
        assert.is(hook.parentSpanId, server.spanId);
        const call = spans.find((span) => span.parentSpanId === hook.spanId);
        assert.is(call?.service, mode === 'one process' ? 'interpose' : 'interpose-coprocess');
        return `00-${traceId}-${call?.spanId}-01`;
      });
      assert.equal(plugged(), calls);
    });
  });
}

whole('a request that is not sampled leaves no trace, and its own trace headers go through untouched', async () => {
  await withGateway('one process', 0, async ({ url, sink, upstreamed, plugged }) => {
    const theirs = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', tracestate: 'a=1' };
    for (const headers of [{}, theirs]) {
      const response = await fetch(`${url}/orders/1`, { headers });
      await response.text();
      assert.is(response.headers.get('x-tyk-trace-id'), null);
    }
    assert.is(upstreamed[0]?.traceparent, undefined);
    assert.is(upstreamed[1]?.traceparent, theirs.traceparent);
    assert.is(upstreamed[1]?.tracestate, 'a=1');
    assert.equal(plugged(), ['undefined', 'undefined', theirs.traceparent, theirs.traceparent]);
    assert.is(sink.spans.length, 0);
  });
});

whole('replies of the gateway itself name their trace as well', async () => {
  await withGateway('one process', 1, async ({ url, sink }) => {
    const response = await fetch(`${url}/orders/1`, { headers: { traceparent: 'junk' } });
    await response.text();
    assert.match(response.headers.get('x-tyk-trace-id') ?? '', /^[\da-f]{32}$/);
    await sink.waitFor(6);
  });
});

whole('metrics tell of the request, its hooks, and who is there', async () => {
  await withGateway('two services', 0, async ({ url, controlUrl }) => {
    await (await fetch(`${url}/orders/1`)).text();
    const response = await fetch(`${controlUrl}/metrics`);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    for (const line of [
      'interpose_requests_total{api="orders",method="GET",status="200"} 1',
      'interpose_requests_in_flight{api="orders"} 0',
      'interpose_hook_calls_total{api="orders",phase="pre",hook="second",driver="grpc",outcome="continue"} 1',
      'interpose_hook_run_seconds_count{api="orders",phase="pre",hook="first",driver="grpc"} 1',
      'interpose_upstream_duration_seconds_count{api="orders"} 1',
      'interpose_apis{state="loaded"} 1',
    ]) {
      assert.ok(text.includes(`${line}\n`), `${line} in\n${text}`);
    }
    assert.match(text, /interpose_link_up\{target="unix:[^"]*"\} 1\n/);
  });
});

whole.run();
