import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTypeScriptDriver } from '../drivers/typescript/index.ts';
import { benchCall, benchSet, childPid, cpuUsOf, figure, measure } from './guest-calls.ts';

/**
 * What a TypeScript hook costs: in this process (trusted), and in a guest. The time of trusted hooks is all of the driver, the runtime and
 * the hook itself.
 *
 * `node --conditions=source bench/typescript.ts [seconds]`
 */

const plugin = `
import { pre, reply } from 'interpose/plugin';
export const nothing = pre(() => {});
export const stamp = pre((request) => { request.headers.set('x-stamp', 'interpose'); });
export const look = pre((request, { config }) => {
  if (request.headers.get('authorization') === null) return reply(403, 'no');
  request.query.set('page', '3');
  request.headers.set('x-plan', String(config.plan));
});
export const later = pre(async (request) => {
  await undefined;
  request.headers.set('x-stamp', 'interpose');
});
export const shout = pre({ body: 'text' }, (request) => { request.body = request.body.toUpperCase(); });
`;

const seconds = Number(process.argv[2] ?? 2);
const folder = await mkdtemp(join(tmpdir(), 'interpose-bench-'));
await writeFile(join(folder, 'plugin.ts'), plugin);
const driver = createTypeScriptDriver({ pluginsFolder: folder, allowTrusted: true });
const host = { log: console.log, request: async () => undefined };
for (const isolation of ['none', 'process'] as const) {
  for (const name of ['nothing', 'stamp', 'look', 'later', 'shout']) {
    const set = benchSet('typescript', name, 'plugin.ts', isolation);
    const beganMs = performance.now();
    const loaded = await driver.load(set, set.hooks, host);
    const loadMs = Math.round(performance.now() - beganMs);
    const call = benchCall(Buffer.alloc(name === 'shout' ? 1024 : 0, 'x'));
    const run = loaded.run.bind(loaded);
    const [hook] = set.hooks;
    const inFlight = isolation === 'none' ? 1 : 64;
    await measure(run, hook as NonNullable<typeof hook>, call, { seconds: 0.5, inFlight });
    const pid = isolation === 'process' ? childPid() : undefined;
    const before = pid === undefined ? 0 : cpuUsOf(pid);
    const measured = await measure(run, hook as NonNullable<typeof hook>, call, { seconds, inFlight });
    const guestUs = pid === undefined ? undefined : (cpuUsOf(pid) - before) / (measured.callsPerSecond * seconds);
    console.log(
      `${figure(`${isolation === 'none' ? 'trusted' : 'guest'} ${name}`, measured, guestUs)}, loaded in ${loadMs} ms`,
    );
    await loaded.close();
  }
}
await driver.close();
await rm(folder, { recursive: true });
