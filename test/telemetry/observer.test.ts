import type { ServerResponse } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookOutcome } from '../../contract/answer.ts';
import { PluginFailure } from '../../contract/failure.ts';
import type { ApiObserver } from '../../gateway/chain/observer.ts';
import type { Api } from '../../gateway/definitions/api.ts';
import { Exchange } from '../../gateway/exchange.ts';
import { UpstreamError } from '../../gateway/upstream/upstream.ts';
import { createLogger } from '../../telemetry/logs/logger.ts';
import { createMetrics } from '../../telemetry/metrics/metrics.ts';
import { createObserver } from '../../telemetry/observer.ts';
import { withRequest } from './request.ts';
import { sampleApi, sampleHook } from './sample-api.ts';

const observed = suite('observer');

const continued: HookOutcome = { answer: {}, timing: { queueUs: 1, wireUs: 2, runUs: 3 } };

interface Watched {
  readonly response: ServerResponse;
  readonly exchange: Exchange;
  readonly observer: ApiObserver;
}

/** Watch one request; returns the log and the metrics. */
async function watch(
  options: { readonly path?: string; readonly accessLog?: boolean; readonly level?: 'debug' | 'info' },
  use: (watched: Watched) => void,
): Promise<{ readonly lines: Record<string, unknown>[]; readonly metrics: string }> {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  const logger = createLogger({ level: options.level ?? 'info', format: 'json', destination });
  const metrics = createMetrics('1.2.3');
  const { accessLog = false } = options;
  const api = sampleApi();
  const observer = createObserver({ tracing: undefined, metrics, logger, accessLog })(api);
  await withRequest({ path: options.path ?? '/orders/1' }, (request, response) => {
    const exchange = new Exchange(request, response, api as Api, 1000, observer.begin(request));
    use({ exchange, response, observer });
  });
  return { lines, metrics: await metrics.text() };
}

observed('the access log has one line per request, with its hooks and without its query', async () => {
  const { lines } = await watch(
    { path: '/orders/1?key=secret', accessLog: true },
    ({ exchange, response, observer }) => {
      const failure = new PluginFailure('HOOK_THREW', 'oops');
      observer.hooks(exchange, [sampleHook('stamp')], [continued]);
      observer.hooks(exchange, [sampleHook('check', { type: 'post' })], [{ failure, timing: continued.timing }]);
      observer.upstream(exchange, 12.34567);
      response.writeHead(200).end();
      observer.finish(exchange, 200);
    },
  );
  assert.is(lines.length, 1);
  const { time: _time, durationMs, requestId, ...line } = lines[0] ?? {};
  assert.type(durationMs, 'number');
  assert.match(String(requestId), /^\S{8,}$/);
  assert.equal(line, {
    level: 'info',
    message: 'request',
    method: 'GET',
    path: '/orders/1',
    protocol: 'HTTP/1.1',
    status: 200,
    upstreamMs: 12.346,
    api: 'orders',
    hooks: [
      { name: 'stamp', phase: 'pre', driver: 'grpc', queueUs: 1, wireUs: 2, runUs: 3 },
      { name: 'check', phase: 'post', driver: 'grpc', queueUs: 1, wireUs: 2, runUs: 3, failure: 'HOOK_THREW' },
    ],
    client: '127.0.0.1',
  });
});

observed('a failed hook is one line with reason and causes, under the id of its request', async () => {
  const { lines } = await watch({ accessLog: true }, ({ exchange, response, observer }) => {
    const cause = new Error('connect ECONNREFUSED 127.0.0.1:5555');
    const failure = new PluginFailure('DRIVER_UNAVAILABLE', 'plugin server "default" is away', { cause });
    observer.problem(exchange, 'hook "stamp" failed', failure, sampleHook('stamp'));
    response.writeHead(500).end();
    observer.finish(exchange, 500);
  });
  const [problem, access] = lines;
  const { time: _time, ...line } = problem ?? {};
  assert.equal(line, {
    level: 'error',
    message: 'hook "stamp" failed',
    api: 'orders',
    hook: 'stamp',
    phase: 'pre',
    driver: 'grpc',
    reason: 'DRIVER_UNAVAILABLE',
    cause: ['plugin server "default" is away', 'connect ECONNREFUSED 127.0.0.1:5555'],
    requestId: access?.requestId,
  });
});

observed('a client that went away is no error, and is counted as 499', async () => {
  const goes = ({ exchange, observer }: Watched): void => {
    observer.problem(exchange, 'hook "stamp" failed', new PluginFailure('CANCELLED', 'the client went away'));
    observer.finish(exchange, 0);
  };
  const { lines, metrics } = await watch({}, goes);
  assert.is(lines.length, 0);
  assert.ok(metrics.includes('interpose_requests_total{api="orders",method="GET",status="499"} 1'));
  const debugged = await watch({ level: 'debug' }, goes);
  assert.is(debugged.lines[0]?.reason, 'CANCELLED');
});

observed('an upstream without an answer is counted by reason', async () => {
  const { metrics, lines } = await watch({}, ({ exchange, observer }) => {
    const error = new UpstreamError('NO_SUCH_HOST', 'getaddrinfo ENOTFOUND nowhere.test');
    observer.problem(exchange, 'the upstream gave no response', error);
  });
  assert.ok(metrics.includes('interpose_upstream_failures_total{api="orders",reason="NO_SUCH_HOST"} 1'));
  assert.is(lines[0]?.stack, undefined);
});

observed('a fault of our own is told with its stack', async () => {
  const { lines } = await watch({}, ({ exchange, observer }) => {
    observer.problem(exchange, 'the request could not be served', new TypeError('x is not a function'));
  });
  assert.match(String(lines[0]?.stack), /TypeError: x is not a function\n\s+at /);
});

observed.run();
