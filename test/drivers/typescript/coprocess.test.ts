import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookType } from '../../../contract/plugin-set.ts';
import { createCoprocess } from '../../../coprocess/index.ts';
import { createTypeScriptDriver } from '../../../drivers/typescript/index.ts';
import { SessionState } from '../../../proto/gen/coprocess_session_state.ts';
import { RecordingHost } from '../guest/with-guest.ts';
import { type CallOptions, hookCall, pluginSet } from '../hook-call.ts';

/** The example under examples/typescript, the way a coprocess runs it. */
const example = suite('TypeScript plugins in a coprocess');

const root = new URL('../../../examples/typescript/', import.meta.url);

/** As definitions list them. */
const places: readonly (readonly [key: string, type: HookType])[] = [
  ['pre', 'pre'],
  ['auth_check', 'auth'],
  ['post_key_auth', 'postKeyAuth'],
  ['post', 'post'],
  ['response', 'response'],
];

for (const isolation of ['process', 'none'] as const) {
  example(`all hooks of the example run, each after the other's edits (isolation ${isolation})`, async () => {
    const definition = JSON.parse(await readFile(new URL('apis/typescript.json', root), 'utf8'));
    const middleware = definition.custom_middleware as Record<string, { name: string; path: string }[]>;
    const hooks = places.flatMap(([key, type]) =>
      [middleware[key] ?? []].flat().map(({ name, path }) => [name, type, path, { isolation }] as const),
    );
    const set = pluginSet('typescript', hooks, { configData: definition.config_data });
    const host = new RecordingHost();
    const driver = createTypeScriptDriver({ pluginsFolder: new URL('plugins', root).pathname, allowTrusted: true });
    const coprocess = createCoprocess({ drivers: [driver], host });
    try {
      const report = await coprocess.install(set);
      assert.ok(
        report.hooks.every((hook) => hook.ready),
        JSON.stringify(report),
      );
      const run = (indexes: readonly number[], call: CallOptions) => coprocess.run(set.digest, indexes, hookCall(call));
      const [first, second] = await run([0, 1], { headers: { Authorization: 'Bearer gold-key' } });
      assert.equal(first?.answer?.request?.setHeaders, [['X-Stamp', 'typescript']]);
      assert.is(SessionState.decode(second?.answer?.session as Uint8Array).quotaMax, 1000n);
      const [, refused] = await run([0, 1], {});
      assert.is(refused?.answer?.reply?.status, 401);
      const [shown, routed] = await run([2, 3], {
        url: '/typescript/old/1',
        session: second?.answer?.session as Buffer,
      });
      assert.equal(shown?.answer?.request?.setHeaders, [['X-Plan', 'gold']]);
      assert.equal(routed?.answer?.request, { url: '/typescript/new/1', addParams: [['via', 'typescript']] });
      const [masked] = await run([4], { response: { status: 200, body: 'card 1234567890123456' } });
      assert.is(masked?.answer?.response?.body?.toString(), 'card ************3456');
    } finally {
      await coprocess.close();
    }
  });
}

example('a set that is not loaded again keeps no process', async () => {
  const driver = createTypeScriptDriver({ pluginsFolder: new URL('plugins', root).pathname });
  const host = new RecordingHost();
  const set = pluginSet('typescript', [['route', 'post', 'hooks.ts']]);
  const loaded = await driver.load(set, set.hooks, host);
  await loaded.close();
  await driver.close();
  assert.equal(host.lines, [], 'an orderly end is nothing to log');
});

example('the files of a bundle are taken from the folder it was unpacked to', async () => {
  const driver = createTypeScriptDriver({ pluginsFolder: import.meta.dirname });
  const set = pluginSet('typescript', [['route', 'post', 'hooks.ts']], { bundle: 'plugins.zip' });
  const loaded = await driver.load(set, set.hooks, new RecordingHost(), new URL('plugins', root).pathname);
  try {
    assert.equal(loaded.reports, [{ ready: true, body: 'none' }]);
  } finally {
    await loaded.close();
    await driver.close();
  }
});

example.run();
