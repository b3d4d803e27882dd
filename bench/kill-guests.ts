/**
 * Guests are killed (SIGKILL) under load, one after the other, for as long as asked: does a request hang, is one answered with what another
 * API's configuration says, does memory stay? One API for each language; its hook stamps requests with its API's `config_data`.
 *
 *   node --conditions=source bench/kill-guests.ts [--seconds 300] [--every-ms 500] [--connections 16]
 */
import { parseArgs } from 'node:util';
import { apis, startStamping } from './stamping.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    'every-ms': { type: 'string', default: '500' },
    connections: { type: 'string', default: '16' },
  },
});
/** A hook's deadline is 5 s; a request that takes longer hangs. */
const hangMs = 6000;

const gateway = await startStamping();
const seen = { answers: 0, failed: 0, hung: 0, strayed: 0, slowestMs: 0 };
const statuses: Record<string, number> = {};
const endMs = performance.now() + Number(values.seconds) * 1000;

async function ask(turn: number): Promise<void> {
  const api = apis[turn % apis.length] as (typeof apis)[number];
  const startMs = performance.now();
  try {
    const { status, text } = await gateway.ask(api, hangMs);
    statuses[status] = (statuses[status] ?? 0) + 1;
    seen.answers++;
    if (status !== 200) seen.failed++;
    else if (text !== api.name) seen.strayed++;
  } catch {
    seen.hung++;
  }
  seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startMs);
}

let killed = 0;
const killer = setInterval(() => {
  const all = gateway.guests();
  const pid = all[killed % Math.max(1, all.length)];
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
    killed++;
  } catch {
    // It has just ended.
  }
}, Number(values['every-ms']));
const teller = setInterval(() => {
  console.log(
    `${Math.round((endMs - performance.now()) / 1000)} s left: ${killed} killed, ${JSON.stringify(seen)}, ${gateway.memoryMib()} MiB, ${gateway.openFiles()} files, ${gateway.guests().length} guests`,
  );
}, 15_000);
await Promise.all(
  Array.from({ length: Number(values.connections) }, async (_, i) => {
    for (let turn = i; performance.now() < endMs; turn++) {
      await ask(turn);
      // Not at saturation: what is wanted is what a kill does to requests.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }),
);
clearInterval(killer);
clearInterval(teller);
await Promise.all(apis.map((_, i) => ask(i)));
console.log(
  `${killed} guests killed, ${JSON.stringify(seen)}, by status ${JSON.stringify(statuses)}, ${gateway.memoryMib()} MiB, ${gateway.openFiles()} files`,
);
await gateway.close();
