import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGrpcDriver } from '../drivers/grpc/index.ts';
import { benchCall, benchSet, cpuUsOf, figure, measure } from './guest-calls.ts';

/**
 * What a hook in an external plugin server costs, here and there: the example's Go server over a unix socket.
 *
 * `node --conditions=source bench/grpc.ts PROGRAM [seconds] [rounds]`
 */
const [program, secondsText = '3', roundsText = '3'] = process.argv.slice(2);
if (program === undefined) throw new Error('say which program to start: examples/go, built');
const [seconds, rounds] = [Number(secondsText), Number(roundsText)];
const folder = await mkdtemp(join(tmpdir(), 'interpose-bench-'));
const socket = join(folder, 's');
const server = spawn(program, ['--listen', `unix:${socket}`], { stdio: ['ignore', 'pipe', 'inherit'] });
for await (const line of createInterface(server.stdout)) if (line.includes('listening')) break;

const limits = { maxReceiveBytes: 4 << 20, maxSendBytes: 4 << 20, roundRobin: false, maxConcurrentCalls: 1000 };
const driver = createGrpcDriver({
  servers: {
    default: { target: `unix:${socket}`, timeoutMs: 5000, tls: undefined, authority: undefined, ...limits },
  },
});
const set = { ...benchSet('grpc', 'Stamp', '', 'none'), configData: { header: 'x-stamp', value: 'yes' } };
const loaded = await driver.load(set, set.hooks, { log: console.log, request: async () => undefined });
const [hook] = set.hooks;
if (hook === undefined) throw new Error('a set without a hook');
const run = loaded.run.bind(loaded);
for (const bytes of [0, 4096, 65_536]) {
  // With a deadline, as the gateway makes them.
  const call = () => ({ ...benchCall(Buffer.alloc(bytes, 'x')), deadlineMs: performance.now() + 600_000 });
  await measure(run, hook, call(), { seconds: 1.5, inFlight: 64 });
  for (let round = 0; round < rounds; round++) {
    const before = cpuUsOf(server.pid ?? 0);
    const measured = await measure(run, hook, call(), { seconds, inFlight: 64 });
    const serverUs = (cpuUsOf(server.pid ?? 0) - before) / (measured.callsPerSecond * seconds);
    console.log(figure(`Go server, ${bytes} bytes of body`, measured, serverUs));
  }
}
await driver.close();
server.kill();
await rm(folder, { recursive: true });
