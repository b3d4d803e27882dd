import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPythonDriver } from '../drivers/python/index.ts';
import { benchCall, benchSet, childPid, cpuUsOf, figure, measure } from './guest-calls.ts';

/**
 * What a Python hook costs, host and guest. Give the interpreter of an environment with protobuf to see what real messages cost.
 *
 * `node --conditions=source bench/python.ts [seconds] [interpreter]`
 */

const plugin = `
from tyk.decorators import Hook

@Hook
def nothing(request, session, spec):
    return request, session

@Hook
def stamp(request, session, spec):
    request.add_header("X-Stamp", "interpose")
    return request, session

@Hook
def look(request, session, metadata, spec):
    if request.get_header("Authorization") is None:
        request.object.return_overrides.response_code = 403
    request.add_param("page", "3")
    request.add_header("X-Api", spec["APIID"])
    return request, session, metadata

@Hook
def shout(request, session, spec):
    request.object.raw_body = request.object.body.upper().encode()
    return request, session
`;

const seconds = Number(process.argv[2] ?? 2);
const folder = await mkdtemp(join(tmpdir(), 'interpose-bench-'));
await writeFile(join(folder, 'plugin.py'), plugin);
const driver = createPythonDriver({ interpreter: process.argv[3] ?? 'python3', pluginsFolder: folder });
const host = { log: console.log, request: async () => undefined };
for (const name of ['nothing', 'stamp', 'look', 'shout']) {
  const set = benchSet('python', name, 'plugin.py', 'process');
  const beganMs = performance.now();
  const loaded = await driver.load(set, set.hooks, host);
  const loadMs = Math.round(performance.now() - beganMs);
  const [hook] = set.hooks;
  if (hook === undefined) throw new Error('a set without a hook');
  const call = benchCall(Buffer.alloc(name === 'shout' ? 1024 : 0, 'x'));
  const run = loaded.run.bind(loaded);
  await measure(run, hook, call, { seconds: 0.5, inFlight: 64 });
  const pid = childPid();
  const before = cpuUsOf(pid);
  const measured = await measure(run, hook, call, { seconds, inFlight: 64 });
  const guestUs = (cpuUsOf(pid) - before) / (measured.callsPerSecond * seconds);
  console.log(`${figure(name, measured, guestUs)}, loaded in ${loadMs} ms`);
  await loaded.close();
}
await driver.close();
await rm(folder, { recursive: true });
