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

/** Twelve headers of about 1 kB in all, as browsers and services send. */
const headers = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Encoding: gzip, deflate, br',
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
  `Authorization: Bearer ${'eyJhbGciOiJIUzI1NiJ9'.repeat(12)}`,
  `Cookie: session=${'0123456789abcdef'.repeat(12)}; theme=dark; consent=1`,
  'Cache-Control: no-cache',
  'Referer: https://shop.example/catalogue/items?page=3',
  'Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  'X-Request-Id: 7b1c7d2e-52c8-4a0f-9a7f-0d5f2f6d9f10',
  'X-Forwarded-For: 203.0.113.7',
];

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
      ...headers.flatMap((line) => ['--header', line]),
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
