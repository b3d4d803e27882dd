import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cancellation } from '../contract/cancellation.ts';
import { HeaderList } from '../contract/header-list.ts';
import type { PluginSet } from '../contract/plugin-set.ts';
import { RequestMessage } from '../contract/request-message.ts';
import { requestState } from '../contract/request-state.ts';
import { parseTarget } from '../contract/url.ts';
import { createCoprocess, GatewayHost, serveCoprocess } from '../coprocess/index.ts';
import type { Driver } from '../drivers/driver.ts';
import type { HookRun } from '../gateway/dispatch/dispatcher.ts';
import { createLinkDispatcher } from '../gateway/dispatch/link-dispatcher.ts';

/**
 * What one hook costs over the link: a gateway's dispatcher in this process, a coprocess in another, a unix socket between them, a hook that
 * sets one header. Prints calls per second, and the CPU time of each side per call.
 *
 * `node --conditions=source bench/link.ts [seconds] [in flight] [unix|tcp] [body bytes]`
 */

async function runCoprocess(address: string): Promise<void> {
  const answer = { request: { setHeaders: [['X-Stamp', 'interpose'] as const] } };
  const driver: Driver = {
    names: ['bench'],
    async load(_set, hooks) {
      return {
        reports: hooks.map(() => ({ ready: true, body: 'none' }) as const),
        // As trusted code does: look at the request, then answer.
        run: (_hook, call) => (call.request.state.headers.get('Host') === undefined ? answer : {}),
        async close() {},
      };
    },
    async close() {},
  };
  const host = new GatewayHost(() => {});
  const server = await serveCoprocess({ coprocess: createCoprocess({ drivers: [driver], host }), host, address });
  process.on('message', () => process.send?.(process.cpuUsage()));
  process.on('disconnect', () => process.exit());
  process.send?.(server.address);
}

async function runGateway(seconds: number, inFlight: number, tcp: boolean): Promise<void> {
  const path = join(tmpdir(), `interpose-bench-${randomUUID()}.sock`);
  const child = fork(import.meta.filename, ['coprocess', tcp ? '127.0.0.1:0' : `unix:${path}`]);
  const ask = <T>(): Promise<T> =>
    new Promise((resolve) => {
      child.once('message', (message) => resolve(message as T));
    });
  const address = await ask<string>();
  const cpuOfCoprocess = (): Promise<NodeJS.CpuUsage> => {
    const usage = ask<NodeJS.CpuUsage>();
    child.send('cpu');
    return usage;
  };
  const dispatcher = createLinkDispatcher({ targets: [address] });
  await dispatcher.install(set);
  const run: HookRun = { digest: set.digest, hooks: [0] };

  const latencies: number[] = [];
  let calls = 0;
  let wireUs = 0;
  let stop = false;
  const worker = async (): Promise<void> => {
    while (!stop) {
      const began = performance.now();
      const outcomes = await dispatcher.dispatch(run, call(began + 5000));
      if (outcomes[0]?.answer?.request === undefined) throw outcomes[0]?.failure ?? new Error('no answer');
      wireUs += outcomes[0].timing.wireUs;
      calls++;
      if ((calls & 15) === 0) latencies.push(performance.now() - began);
    }
  };
  const workers = Array.from({ length: inFlight }, worker);
  await after(1000);
  calls = 0;
  wireUs = 0;
  latencies.length = 0;
  const [began, ours, theirs] = [performance.now(), process.cpuUsage(), await cpuOfCoprocess()];
  await after(seconds * 1000);
  const [tookMs, used, theirEnd] = [performance.now() - began, process.cpuUsage(ours), await cpuOfCoprocess()];
  const [made, wire] = [calls, wireUs];
  stop = true;
  await Promise.all(workers);
  await dispatcher.close();
  child.disconnect();
  await rm(path, { force: true });

  latencies.sort((a, b) => a - b);
  const percentile = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2);
  const gatewayUs = (used.user + used.system) / made;
  const coprocessUs = (theirEnd.user + theirEnd.system - theirs.user - theirs.system) / made;
  console.log(
    `${inFlight} in flight over ${tcp ? 'TCP' : 'a unix socket'}: ${Math.round((made / tookMs) * 1000)} calls/s, ` +
      `gateway ${gatewayUs.toFixed(1)} us, coprocess ${coprocessUs.toFixed(1)} us, ` +
      `p50 ${percentile(0.5)} ms, p99 ${percentile(0.99)} ms, mean on the link ${Math.round(wire / made)} us`,
  );
}

function call(deadlineMs: number) {
  return {
    request: RequestMessage.of(state),
    response: undefined,
    session,
    metadata: undefined,
    deadlineMs,
    cancellation: new Cancellation(),
    trace: undefined,
  };
}

function after(waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, waitMs);
  });
}

const session = Buffer.alloc(600, 1);
const headers = new HeaderList();
for (let i = 0; i < 12; i++) headers.add(`X-Header-${i}`, 'value '.repeat(10));
const state = requestState({
  method: 'GET',
  url: parseTarget('/orders/7?expand=lines'),
  host: 'shop.test',
  headers,
  body: Buffer.alloc(Number(process.argv[5] ?? 0), 'x'),
});

const set: PluginSet = {
  digest: 'bench',
  apiId: 'orders',
  orgId: 'acme',
  hooks: [
    {
      index: 0,
      type: 'pre',
      driver: 'bench',
      name: 'stamp',
      path: '',
      rawBodyOnly: false,
      requireSession: false,
      timeoutMs: 5000,
      onError: 'reject',
    },
  ],
};

if (process.argv[2] === 'coprocess') await runCoprocess(process.argv[3] as string);
else await runGateway(Number(process.argv[2] ?? 3), Number(process.argv[3] ?? 64), process.argv[4] === 'tcp');
