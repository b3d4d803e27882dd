/**
 * What our layer costs: the same load through bare http2-proxy, through http2-proxy with the least that an undici request needs, and
 * through `gateway/upstream` behind the barest of listeners. Each runs in a process of its own, one after the other, in turns.
 *
 *   node --conditions=source bench/proxy.ts [--rounds 3] [--seconds 3] [--connections 32] [--body-bytes 27] [--only ours,bare]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import type { LoadReport } from './load.ts';
import { requestHeaders } from './request-headers.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '32' },
    'body-bytes': { type: 'string', default: '27' },
    only: { type: 'string', default: 'bare,shim,ours' },
  },
});

const names = {
  bare: 'http2-proxy, its own http.request',
  shim: 'http2-proxy, undici',
  ours: 'gateway/upstream',
};
type Variant = keyof typeof names;

interface Measured {
  readonly us: number;
  readonly report: LoadReport;
}

async function measure(variant: Variant, upstreamPort: number): Promise<Measured> {
  const proxy = fork(new URL('proxies.ts', import.meta.url), [variant, String(upstreamPort)]);
  const [port] = await once(proxy, 'message');
  const load = fork(
    new URL('load.ts', import.meta.url),
    [
      '--url',
      `http://127.0.0.1:${port}/orders/17?verbose=1`,
      '--seconds',
      values.seconds,
      '--connections',
      values.connections,
      ...requestHeaders.flatMap((line) => ['--header', line]),
    ],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  );
  load.on('message', (message) => proxy.send(message as string));
  const [[us], printed] = await Promise.all([once(proxy, 'message'), textOf(load)]);
  proxy.disconnect();
  const report = JSON.parse(printed) as LoadReport;
  if (report.answers['200'] !== report.requests)
    throw new Error(`${variant} answered ${JSON.stringify(report.answers)}`);
  return { us: Number(us) / report.requests, report };
}

async function textOf(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) text += String(chunk);
  return text;
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

const upstream = fork(new URL('upstream.ts', import.meta.url), ['--body-bytes', values['body-bytes']], {
  stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
});
const [printed] = await once(upstream.stdout as NodeJS.ReadableStream, 'data');
const variants = values.only.split(',') as Variant[];
const runs = new Map<Variant, Measured[]>(variants.map((variant) => [variant, []]));
for (let round = 0; round < Number(values.rounds); round += 1) {
  for (const variant of variants) runs.get(variant)?.push(await measure(variant, Number(printed)));
}
upstream.kill();

/** CPU of a variant's rounds: the least is what a machine of its own would show, since neighbours only ever add. */
const cpuOf = (variant: Variant) => (runs.get(variant) ?? []).map(({ us }) => us);
const unit = median(cpuOf('bare'));
const leastUnit = Math.min(...cpuOf('bare'));
for (const [variant, measured] of runs) {
  const us = median(cpuOf(variant));
  const least = Math.min(...cpuOf(variant));
  console.log(
    names[variant].padEnd(36),
    `${us.toFixed(1).padStart(6)} us CPU/request ${(us / unit).toFixed(2)} u`,
    `least ${least.toFixed(1).padStart(6)} us ${(least / leastUnit).toFixed(2)} u`,
    `${String(median(measured.map(({ report }) => report.requestsPerSecond))).padStart(7)} requests/s`,
    `p50 ${median(measured.map(({ report }) => report.p50Ms)).toFixed(2)} ms`,
    `p99 ${median(measured.map(({ report }) => report.p99Ms)).toFixed(2)} ms`,
  );
}
