import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLuaDriver } from '../drivers/lua/index.ts';
import { benchCall, benchSet, childPid, cpuUsOf, figure, measure } from './guest-calls.ts';

/**
 * What a Lua hook costs, on LuaJIT and on the WebAssembly engine.
 *
 * `node --conditions=source bench/lua.ts [seconds]`
 */

const plugin = `
function nothing(request, session, spec)
  return request, session
end
function stamp(request, session, spec)
  tyk.req.set_header('X-Stamp', 'interpose')
  return request, session
end
function ours()
  interpose.request.headers['X-Stamp'] = 'interpose'
end
function look(request, session, spec)
  if not request.headers['Authorization'] then
    request.return_overrides.response_code = 403
    request.return_overrides.response_error = 'no'
  end
  request.add_params = {page = '3'}
  tyk.req.set_header('X-Plan', spec.APIID)
  return request, session
end
`;
const shout = `
function shout()
  interpose.request.body = string.upper(interpose.request.body)
end
function recode(request, session)
  request.raw_body = request.raw_body
  tyk.req.set_header('X-Length', #request.raw_body)
  return request, session
end
`;

const seconds = Number(process.argv[2] ?? 2);
const folder = await mkdtemp(join(tmpdir(), 'interpose-bench-'));
await writeFile(join(folder, 'plugin.lua'), plugin);
await writeFile(join(folder, 'body.lua'), shout);
const host = { log: () => {}, request: async () => undefined };
for (const engine of ['luajit', 'wasm'] as const) {
  const driver = createLuaDriver({ engine, pluginsFolders: [folder], log: console.log });
  for (const name of ['nothing', 'stamp', 'ours', 'look', 'shout', 'recode']) {
    const hasBody = name === 'shout' || name === 'recode';
    const set = benchSet('lua', name, hasBody ? 'body.lua' : 'plugin.lua', 'process');
    const beganMs = performance.now();
    const loaded = await driver.load(set, set.hooks, host);
    const loadMs = Math.round(performance.now() - beganMs);
    const call = benchCall(Buffer.alloc(hasBody ? 1024 : 0, 'x'));
    const run = loaded.run.bind(loaded);
    const hook = set.hooks[0] as NonNullable<(typeof set.hooks)[0]>;
    await measure(run, hook, call, { seconds: 0.5, inFlight: 64 });
    const pid = childPid();
    const before = cpuUsOf(pid);
    const measured = await measure(run, hook, call, { seconds, inFlight: 64 });
    const guestUs = (cpuUsOf(pid) - before) / (measured.callsPerSecond * seconds);
    console.log(`${figure(`${engine} ${name}`, measured, guestUs)}, loaded in ${loadMs} ms`);
    await loaded.close();
  }
  await driver.close();
}
await rm(folder, { recursive: true });
