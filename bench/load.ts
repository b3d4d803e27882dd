/**
 * A load generator: keeps one request under way on each of N connections (HTTP/1.1, keep-alive) and prints, as one line of JSON,
 * how many were answered, how fast, and with what. Raw sockets, so that it takes little from the processor that it shares.
 *
 *   node --conditions=source bench/load.ts --url http://127.0.0.1:8080/ [--connections 32] [--seconds 3] [--warmup-seconds 1]
 *     [--method GET] [--body-bytes 0] [--header 'X-Name: value' ...]
 *
 * `{n}` in a header stands for a number from 0 to 1023 that is another one in each request.
 */
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

/** What a run saw. Latencies in milliseconds; `answers` counts by status. */
export interface LoadReport {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly answers: Record<string, number>;
  /** Connections that broke before their answer was whole. */
  readonly broken: number;
}

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    connections: { type: 'string', default: '32' },
    seconds: { type: 'string', default: '3' },
    'warmup-seconds': { type: 'string', default: '1' },
    method: { type: 'string', default: 'GET' },
    'body-bytes': { type: 'string', default: '0' },
    header: { type: 'string', multiple: true, default: [] },
  },
});
if (values.url === undefined) throw new Error('--url is missing: say what to measure, such as http://127.0.0.1:8080/');
const url = new URL(values.url);

const body = Buffer.alloc(Number(values['body-bytes']), 'x');
const requestOf = (n: number): Buffer =>
  Buffer.concat([
    Buffer.from(
      [
        `${values.method} ${url.pathname}${url.search} HTTP/1.1`,
        `Host: ${url.host}`,
        ...values.header.map((header) => header.replaceAll('{n}', String(n))),
        ...(body.length === 0 ? [] : [`Content-Length: ${body.length}`]),
        '',
        '',
      ].join('\r\n'),
      'latin1',
    ),
    body,
  ]);
const varied = values.header.some((header) => header.includes('{n}'));
const requests = Array.from({ length: varied ? 1024 : 1 }, (_, n) => requestOf(n));
let sent = 0;

/** Latencies of 10 us each up to 2 s: counting is cheaper than keeping them. */
const bucketMs = 0.01;
const buckets = new Uint32Array(200_000);
const answers: Record<string, number> = {};
let answered = 0;
let broken = 0;
let maxMs = 0;
let measuring = false;
let stopped = false;

function keepAsking(): void {
  const socket = connect({ host: url.hostname, port: Number(url.port || 80), noDelay: true });
  let rest: Buffer = Buffer.alloc(0);
  let sentMs = 0;
  const ask = () => {
    sentMs = performance.now();
    socket.write(requests[sent++ % requests.length] as Buffer);
  };
  socket.on('connect', ask);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    if (stopped) return;
    if (measuring) broken += 1;
    keepAsking();
  });
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = endOfAnswer(rest);
    if (end === 0) return;
    if (measuring) count(rest.toString('latin1', 9, 12), performance.now() - sentMs);
    rest = rest.subarray(end);
    if (stopped) socket.destroy();
    else ask();
  });
  sockets.add(socket);
}
const sockets = new Set<Socket>();

/** Where the first answer ends; 0 when it is not all there. */
function endOfAnswer(bytes: Buffer): number {
  const head = bytes.indexOf('\r\n\r\n');
  if (head < 0) return 0;
  const fields = bytes.toString('latin1', 0, head);
  const length = /\r\ncontent-length: *(\d+)/i.exec(fields);
  if (length !== null) {
    const total = head + 4 + Number(length[1]);
    return total <= bytes.length ? total : 0;
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(fields)) return head + 4;
  const last = bytes.indexOf('\r\n0\r\n\r\n', head);
  return last < 0 ? 0 : last + 7;
}

function count(status: string, ms: number): void {
  answered += 1;
  answers[status] = (answers[status] ?? 0) + 1;
  if (ms > maxMs) maxMs = ms;
  const bucket = Math.min(buckets.length - 1, Math.floor(ms / bucketMs));
  buckets[bucket] = (buckets[bucket] as number) + 1;
}

function percentileMs(share: number): number {
  let left = answered * share;
  for (let bucket = 0; bucket < buckets.length; bucket += 1) {
    left -= buckets[bucket] as number;
    if (left <= 0) return Number((bucket * bucketMs).toFixed(2));
  }
  return maxMs;
}

for (let i = 0; i < Number(values.connections); i += 1) keepAsking();
await new Promise((done) => setTimeout(done, Number(values['warmup-seconds']) * 1000));
process.send?.('measuring');
measuring = true;
const startedMs = performance.now();
await new Promise((done) => setTimeout(done, Number(values.seconds) * 1000));
measuring = false;
stopped = true;
process.send?.('measured');
const report: LoadReport = {
  requests: answered,
  requestsPerSecond: Math.round((answered * 1000) / (performance.now() - startedMs)),
  p50Ms: percentileMs(0.5),
  p90Ms: percentileMs(0.9),
  p99Ms: percentileMs(0.99),
  maxMs: Number(maxMs.toFixed(2)),
  answers,
  broken,
};
for (const socket of sockets) socket.destroy();
console.log(JSON.stringify(report));
process.disconnect?.();
