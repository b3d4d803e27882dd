/**
 * Reload after reload under load at a share of what the machine can do, with guests of every language: does a request fail, is one answered
 * by another API or by an older definition than the one that was in force when it came, do memory, files and guests stay?
 *
 *   node --conditions=source bench/reloads.ts [--reloads 1000] [--saturation 0.6] [--every-ms 100]
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { apis, controlSecret, startStamping } from './stamping.ts';

const { values } = parseArgs({
  options: {
    reloads: { type: 'string', default: '1000' },
    saturation: { type: 'string', default: '0.6' },
    'every-ms': { type: 'string', default: '100' },
  },
});

const gateway = await startStamping();
/** A hook's deadline is 5 s; a request that takes longer hangs. */
const hangMs = 6000;
const seen = { answers: 0, failed: 0, hung: 0, strayed: 0, outdated: 0, skipped: 0, slowestMs: 0 };
const failures: Record<string, number> = {};
/** By API: how often its definition was written, and which of them is in force for sure. */
const written = apis.map(() => 0);
const inForce = apis.map(() => 0);
let turn = 0;
let open = 0;

async function ask(): Promise<void> {
  const i = turn++ % apis.length;
  const api = apis[i] as (typeof apis)[number];
  const least = inForce[i] as number;
  const startMs = performance.now();
  open++;
  try {
    const { status, text } = await gateway.ask(api, hangMs);
    const [name, generation = '0'] = text.split('@');
    seen.answers++;
    if (status !== 200) {
      seen.failed++;
      failures[`${status} ${text.slice(0, 80)}`] = (failures[`${status} ${text.slice(0, 80)}`] ?? 0) + 1;
    } else if (name !== api.name) seen.strayed++;
    else if (Number(generation) < least || Number(generation) > (written[i] as number)) seen.outdated++;
  } catch {
    seen.hung++;
  } finally {
    open--;
  }
  seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startMs);
}

/** Requests per second when as many are sent as are answered. */
async function saturation(): Promise<number> {
  const seconds = 5;
  for (const measured of [false, true]) {
    seen.answers = 0;
    const endMs = performance.now() + seconds * 1000;
    const busy = async (): Promise<void> => {
      while (performance.now() < endMs) await ask();
    };
    await Promise.all(Array.from({ length: 32 }, busy));
    if (measured) return seen.answers / seconds;
  }
  return 0;
}

async function reload(i: number): Promise<number> {
  const api = apis[i] as (typeof apis)[number];
  const generation = (written[i] ?? 0) + 1;
  written[i] = generation;
  gateway.write(api, `${api.name}@${generation}`);
  const startMs = performance.now();
  const answer = await fetch(`${gateway.control}/tyk/reload?block=true`, {
    headers: { 'X-Tyk-Authorization': controlSecret },
  });
  if (answer.status !== 200) throw new Error(`reload: ${answer.status} ${await answer.text()}`);
  await answer.text();
  inForce[i] = generation;
  return performance.now() - startMs;
}

const perSecond = (await saturation()) * Number(values.saturation);
console.log(`${Math.round(perSecond)} requests/s, ${values.saturation} of what the machine can do`);
Object.assign(seen, { answers: 0, slowestMs: 0 });

const tickMs = 10;
let due = 0;
const pacer = setInterval(() => {
  due += (perSecond * tickMs) / 1000;
  for (; due >= 1; due--) {
    // Whoever sends more than is answered measures his own queue.
    if (open < 512) void ask();
    else seen.skipped++;
  }
}, tickMs);

const tell = (n: number): void =>
  console.log(
    `${n} reloads, ${JSON.stringify(seen)}, ${gateway.memoryMib()} MiB, ${gateway.openFiles()} files, ${gateway.guests().length} guests`,
  );
const took: number[] = [];
for (let n = 0; n < Number(values.reloads); n++) {
  if (n % 50 === 0) tell(n);
  took.push(await reload(n % apis.length));
  await pause(Number(values['every-ms']));
}
clearInterval(pacer);
while (open > 0) await pause(10);
await pause(2000);
tell(took.length);
took.sort((a, b) => a - b);
console.log(
  `a reload: median ${took[took.length >> 1]?.toFixed(0)} ms, longest ${took.at(-1)?.toFixed(0)} ms; failures ${JSON.stringify(failures)}`,
);
await gateway.close();
