import { createGuest, GuestHooks, loadMembers } from '../drivers/guest/index.ts';
import { serveHost } from '../drivers/guest/node-half.ts';
import { benchCall, benchSet, cpuUsOf, figure, measure } from './guest-calls.ts';

/**
 * What the guest protocol costs by itself: this process and a guest on Node that sets one header without any plugin between. Prints calls
 * per second, and the CPU time of each side per call.
 *
 * `node --conditions=source bench/guest.ts [seconds] [body bytes]`
 */

function runGuest(): void {
  serveHost(() => ({
    language: 'bench',
    concurrency: 1024,
    session: 'json',
    load: () => [{ ready: true, body: 'buffered' }],
    run: (call) => call.answer(',"request":{"setHeaders":["X-Stamp","interpose"]}'),
  }));
}

async function runHost(seconds: number, bodyBytes: number): Promise<void> {
  const set = benchSet('bench', 'stamp', '', 'process');
  const guest = createGuest({
    name: 'bench guest',
    command: process.execPath,
    args: ['--conditions=source', import.meta.filename, 'guest'],
    load: loadMembers(set, set.hooks, () => ({})),
    host: { log: console.log, request: async () => undefined },
  });
  const hooks = new GuestHooks(guest, set.hooks, await guest.start());
  const pid = guest.status.pid as number;
  const [hook] = set.hooks;
  const call = benchCall(Buffer.alloc(bodyBytes, 'x'));
  const run = hooks.run.bind(hooks);
  for (const inFlight of [1, 8, 64, 256]) {
    await measure(run, hook as NonNullable<typeof hook>, call, { seconds: 0.3, inFlight });
    const before = cpuUsOf(pid);
    const measured = await measure(run, hook as NonNullable<typeof hook>, call, { seconds, inFlight });
    const guestUs = (cpuUsOf(pid) - before) / (measured.callsPerSecond * seconds);
    console.log(figure(`${inFlight} in flight, body ${bodyBytes} bytes`, measured, guestUs));
  }
  await hooks.close();
}

if (process.argv[2] === 'guest') runGuest();
else await runHost(Number(process.argv[2] ?? 2), Number(process.argv[3] ?? 0));
