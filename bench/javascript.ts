import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJavaScriptDriver } from '../drivers/javascript/index.ts';
import { benchCall, benchSet, childPid, cpuUsOf, figure, measure } from './guest-calls.ts';

/**
 * What a sandboxed JavaScript hook costs in host and guest: with a context that is put right after each run, and (`closure`) with a fresh one
 * for each.
 *
 * `node --conditions=source bench/javascript.ts [seconds]`
 */

const script = (name: string, body: string, around = ''): string =>
  `${around} var ${name} = new TykJS.TykMiddleware.NewMiddleware({});
   ${name}.NewProcessRequest(function (request, session, config) { ${body} return ${name}.ReturnData(request, {}); });`;

const scripts: Record<string, string> = {
  nothing: script('nothing', ''),
  stamp: script('stamp', "request.SetHeaders['X-Stamp'] = 'interpose';"),
  look: script(
    'look',
    "if (!request.Headers['Authorization']) { request.ReturnOverrides.ResponseCode = 403; } " +
      "request.AddParams['page'] = '3'; request.SetHeaders['X-Plan'] = String(config.config_data);",
  ),
  shout: script('shout', 'request.Body = request.Body.toUpperCase();'),
  closure: script(
    'closure',
    "request.SetHeaders['X-N'] = String(next());",
    'var next = (function () { var n = 0; return function () { return ++n; }; })();',
  ),
};

const seconds = Number(process.argv[2] ?? 2);
const folder = await mkdtemp(join(tmpdir(), 'interpose-bench-'));
const host = { log: () => {}, request: async () => undefined };
const driver = createJavaScriptDriver({ pluginsFolders: [folder], processes: 1, log: () => {} });
for (const [name, text] of Object.entries(scripts)) {
  await writeFile(join(folder, `${name}.js`), text);
  const set = benchSet('otto', name, `${name}.js`, 'process');
  const [hook] = set.hooks;
  if (hook === undefined) continue;
  const beganMs = performance.now();
  const loaded = await driver.load(set, set.hooks, host);
  const loadMs = Math.round(performance.now() - beganMs);
  const call = benchCall(Buffer.alloc(name === 'shout' ? 1024 : 0, 'x'));
  const run = loaded.run.bind(loaded);
  await measure(run, hook, call, { seconds: 0.5, inFlight: 64 });
  const pid = childPid('javascript guest');
  const before = cpuUsOf(pid);
  const measured = await measure(run, hook, call, { seconds, inFlight: 64 });
  const guestUs = (cpuUsOf(pid) - before) / (measured.callsPerSecond * seconds);
  console.log(`${figure(name, measured, guestUs)}, loaded in ${loadMs} ms`);
  await loaded.close();
}
await driver.close();
await rm(folder, { recursive: true });
