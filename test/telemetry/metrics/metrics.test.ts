import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookOutcome } from '../../../contract/answer.ts';
import { PluginFailure } from '../../../contract/failure.ts';
import { createMetrics } from '../../../telemetry/metrics/metrics.ts';
import { sampleHook } from '../sample-api.ts';

const metrics = suite('metrics');

const timing = { queueUs: 10, wireUs: 40, runUs: 3000 };
const continued: HookOutcome = { answer: {}, timing };

/** The lines of one metric, as a scrape shows them. */
function linesOf(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

metrics('requests are counted by API, method and status, with their duration', async () => {
  const counts = createMetrics('1.2.3');
  const orders = counts.forApi('orders');
  for (const ms of [2, 3, 700]) {
    orders.begin();
    orders.finish('GET', 200, ms);
  }
  orders.begin();
  orders.finish('FROBNICATE', 499, 1);
  orders.begin();
  const text = await counts.text();
  assert.equal(linesOf(text, 'interpose_requests_total'), [
    'interpose_requests_total{api="orders",method="GET",status="200"} 3',
    'interpose_requests_total{api="orders",method="OTHER",status="499"} 1',
  ]);
  assert.equal(linesOf(text, 'interpose_requests_in_flight'), ['interpose_requests_in_flight{api="orders"} 1']);
  const buckets = linesOf(text, 'interpose_request_duration_seconds_bucket');
  assert.is(buckets.length, 15);
  assert.ok(buckets.includes('interpose_request_duration_seconds_bucket{le="0.0025",api="orders"} 2'));
  assert.ok(buckets.includes('interpose_request_duration_seconds_bucket{le="0.5",api="orders"} 3'));
  assert.ok(buckets.includes('interpose_request_duration_seconds_bucket{le="+Inf",api="orders"} 4'));
  assert.equal(linesOf(text, 'interpose_request_duration_seconds_count'), [
    'interpose_request_duration_seconds_count{api="orders"} 4',
  ]);
  const [sum] = linesOf(text, 'interpose_request_duration_seconds_sum');
  assert.is(Number(sum?.split(' ')[1]).toFixed(3), '0.706');
});

metrics('hooks are counted by how they ended, failures by reason, and time is in three parts', async () => {
  const counts = createMetrics('1.2.3');
  const stamp = sampleHook('stamp', { driver: 'python' });
  const check = sampleHook('check', { index: 1, type: 'auth' });
  const reply = { status: 403, headers: [], body: Buffer.alloc(0), template: false };
  const failure = new PluginFailure('HOOK_TIMED_OUT', 'too late');
  const orders = counts.forApi('orders');
  orders.hooks([stamp, check], [continued, { answer: { reply }, timing }]);
  orders.hooks([stamp, check], [{ failure, timing }]);
  const text = await counts.text();
  const ofStamp = 'api="orders",phase="pre",hook="stamp",driver="python"';
  assert.equal(linesOf(text, 'interpose_hook_calls_total'), [
    `interpose_hook_calls_total{${ofStamp},outcome="continue"} 1`,
    `interpose_hook_calls_total{${ofStamp},outcome="reply"} 0`,
    `interpose_hook_calls_total{${ofStamp},outcome="failure"} 1`,
    'interpose_hook_calls_total{api="orders",phase="auth",hook="check",driver="grpc",outcome="continue"} 0',
    'interpose_hook_calls_total{api="orders",phase="auth",hook="check",driver="grpc",outcome="reply"} 1',
    'interpose_hook_calls_total{api="orders",phase="auth",hook="check",driver="grpc",outcome="failure"} 0',
  ]);
  assert.equal(linesOf(text, 'interpose_hook_failures_total'), [
    `interpose_hook_failures_total{${ofStamp},reason="HOOK_TIMED_OUT"} 1`,
  ]);
  assert.ok(text.includes(`interpose_hook_queue_seconds_bucket{le="0.000025",${ofStamp}} 2`));
  assert.ok(text.includes(`interpose_hook_wire_seconds_bucket{le="0.0001",${ofStamp}} 2`));
  assert.ok(text.includes(`interpose_hook_run_seconds_bucket{le="0.0025",${ofStamp}} 0`));
  assert.ok(text.includes(`interpose_hook_run_seconds_sum{${ofStamp}} 0.006`));
});

metrics('a new revision of an API counts on, and a removed one is forgotten', async () => {
  const counts = createMetrics('1.2.3');
  for (const api of ['orders', 'orders', 'other']) {
    const revision = counts.forApi(api);
    revision.begin();
    revision.finish('GET', 200, 1);
  }
  const loaded = new Set(['orders', 'other']);
  counts.watchApis(() => ({ loaded, refused: 0 }));
  const lines = async () => linesOf(await counts.text(), 'interpose_requests_total');
  assert.ok((await lines()).includes('interpose_requests_total{api="orders",method="GET",status="200"} 2'));
  loaded.delete('orders');
  assert.equal(await lines(), ['interpose_requests_total{api="other",method="GET",status="200"} 1']);
});

metrics('links, plugin servers, APIs, upstream and guests are there, and the process itself', async () => {
  const counts = createMetrics('1.2.3');
  let up = true;
  counts.watchLinks(() => [['unix:/run/interpose.sock', up]]);
  counts.watchApis(() => ({ loaded: ['a', 'b', 'c'], refused: 1 }));
  await counts.text();
  counts.watchPluginServers(() => [['fraud', false]]);
  counts.guestRestarted('python', 'memory');
  counts.watchRecords({ written: 7, dropped: 2 });
  const orders = counts.forApi('orders');
  orders.upstream(12);
  orders.upstreamFailed('UNREACHABLE');
  const text = await counts.text();
  for (const line of [
    'interpose_link_up{target="unix:/run/interpose.sock"} 1',
    'interpose_apis{state="loaded"} 3',
    'interpose_apis{state="refused"} 1',
    'interpose_plugin_server_up{server="fraud"} 0',
    'interpose_guest_restarts_total{driver="python",reason="memory"} 1',
    'interpose_upstream_duration_seconds_bucket{le="0.025",api="orders"} 1',
    'interpose_upstream_failures_total{api="orders",reason="UNREACHABLE"} 1',
    'interpose_analytics_records_total{outcome="written"} 7',
    'interpose_analytics_records_total{outcome="dropped"} 2',
    'interpose_build_info{version="1.2.3"} 1',
    '# TYPE interpose_upstream_duration_seconds histogram',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
  assert.match(text, /\nprocess_resident_memory_bytes \d+/);
  assert.match(text, /\nnodejs_eventloop_lag_p99_seconds/);
  up = false;
  assert.ok((await counts.text()).includes('interpose_link_up{target="unix:/run/interpose.sock"} 0'));
});

metrics('label values are escaped', async () => {
  const counts = createMetrics('1.2.3');
  counts.forApi('a"b\\c\n').upstreamFailed('FAILED');
  assert.ok((await counts.text()).includes('interpose_upstream_failures_total{api="a\\"b\\\\c\\n",reason="FAILED"} 1'));
});

metrics('docs/observability.md tells of every metric', async () => {
  const counts = createMetrics('1.2.3');
  counts.watchLinks(() => []);
  counts.watchPluginServers(() => []);
  counts.watchApis(() => ({ loaded: [], refused: 0 }));
  const names = [...(await counts.text()).matchAll(/^# TYPE (interpose_\S+)/gm)].map(([, name]) => name as string);
  assert.is(names.length, 15);
  const documented = await readFile(new URL('../../../docs/observability.md', import.meta.url), 'utf8');
  assert.equal(
    names.filter((name) => !documented.includes(`\`${name}\``)),
    [],
  );
});

metrics('counting a request with a hook takes less than a microsecond', () => {
  const orders = createMetrics('1.2.3').forApi('orders');
  const hooks = [sampleHook('stamp')];
  const outcomes = [continued];
  const rounds = 200_000;
  const microseconds = (): number => {
    const began = performance.now();
    for (let i = 0; i < rounds; i++) {
      orders.begin();
      orders.hooks(hooks, outcomes);
      orders.upstream(i % 50);
      orders.finish('GET', 200, i % 80);
    }
    return ((performance.now() - began) * 1000) / rounds;
  };
  const best = Math.min(...Array.from({ length: 5 }, microseconds));
  assert.ok(best < 1, `${best.toFixed(3)} us`);
  console.log(`    counting one request: ${best.toFixed(3)} us`);
});

metrics.run();
