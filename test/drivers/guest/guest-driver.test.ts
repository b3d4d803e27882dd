import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookAnswer } from '../../../contract/answer.ts';
import type { HookType } from '../../../contract/plugin-set.ts';
import { fromByteString } from '../../../contract/text.ts';
import type { LoadedHooks } from '../../../drivers/driver.ts';
import { createGuestDriver } from '../../../drivers/guest/index.ts';
import { SessionState } from '../../../proto/gen/coprocess_session_state.ts';
import { type CallOptions, hookCall, pluginSet } from '../hook-call.ts';
import { failure, RecordingHost } from './with-guest.ts';

/** A language that this project has no driver for, added by one file of its own: see docs/guest-protocol.md. */
const perl = suite('a language added by a guest file alone (Perl)');

const folder = new URL('.', import.meta.url).pathname;

interface Loaded {
  readonly host: RecordingHost;
  readonly loaded: LoadedHooks;
  run(name: string, options?: CallOptions): Promise<HookAnswer>;
}

async function withPerl(
  hooks: readonly (readonly [name: string, type: HookType])[],
  use: (loaded: Loaded) => Promise<void>,
): Promise<void> {
  const driver = createGuestDriver({
    names: ['perl'],
    command: 'perl',
    args: [`${folder}guest.pl`],
    pluginsFolder: `${folder}plugins`,
  });
  const set = pluginSet(
    'perl',
    hooks.map(([name, type]) => [name, type, 'hooks.pl'] as const),
    { configData: { plan: 'gold' } },
  );
  const host = new RecordingHost();
  const loaded = await driver.load(set, set.hooks, host);
  const run = async (name: string, options?: CallOptions): Promise<HookAnswer> => {
    const hook = set.hooks.find((spec) => spec.name === name);
    if (hook === undefined) throw new Error(`the set has no hook "${name}"`);
    return loaded.run(hook, hookCall(options));
  };
  try {
    await use({ host, loaded, run });
  } finally {
    await loaded.close();
    await driver.close();
  }
}

perl('a request hook sees headers, body, config and session, and edits the request', async () => {
  await withPerl([['stamp', 'post']], async ({ run }) => {
    const session = SessionState.encode(SessionState.fromPartial({ rate: 12.5 })).finish();
    const { request } = await run('stamp', { method: 'POST', headers: { 'X-Gone': '1' }, body: 'order', session });
    assert.equal(
      request?.setHeaders?.map(([name, value]) => [name, fromByteString(value)]),
      [
        ['Foo', 'Bär'],
        ['X-Plan', 'gold'],
        ['X-Session', '12.5'],
      ],
    );
    assert.equal(request?.deleteHeaders, ['X-Gone']);
    assert.equal(request?.addParams, [['q', 'a b']]);
    assert.is(request?.body?.toString(), 'ORDER');
  });
});

perl('a hook replies in place of the upstream', async () => {
  await withPerl([['teapot', 'pre']], async ({ run }) => {
    const { reply } = await run('teapot');
    assert.is(reply?.status, 418);
    assert.equal(reply?.headers, [['X-Tea', 'green']]);
    assert.is(reply?.body.toString(), 'short and stout');
  });
});

perl('an auth hook asks the gateway, and answers with a session', async () => {
  await withPerl([['who', 'auth']], async ({ run, host }) => {
    const { session } = await run('who');
    const state = SessionState.decode(session as Uint8Array);
    assert.is(state.rate, 5.5);
    assert.is(state.quotaMax, -1n);
    assert.equal(state.metadata, { token: 'user' });
    await host.line((line) => line.message === 'asking' && line.level === 'info');
  });
});

perl('a response hook rewrites status, headers and body', async () => {
  await withPerl([['mask', 'response']], async ({ run }) => {
    const { response } = await run('mask', { response: { status: 200, headers: ['A', 'b'], body: 'card 1234' } });
    assert.is(response?.status, 203);
    assert.equal(response?.headers, [
      ['X-Masked', 'yes'],
      ['X-Masked', 'twice'],
    ]);
    assert.is(response?.body?.toString(), 'card ****');
  });
});

perl('a hook that dies is a failure of that call alone', async () => {
  await withPerl(
    [
      ['broken', 'pre'],
      ['teapot', 'pre'],
    ],
    async ({ run }) => {
      const { reason, message } = await failure(run('broken'));
      assert.is(reason, 'HOOK_THREW');
      assert.match(message, /out of luck/);
      assert.is((await run('teapot')).reply?.status, 418);
    },
  );
});

perl('an answer that cannot be honoured names the member that is wrong', async () => {
  await withPerl([['lying', 'pre']], async ({ run }) => {
    const { reason, message } = await failure(run('lying'));
    assert.is(reason, 'REPLY_INVALID');
    assert.match(message, /"reply\.status" cannot be used: "fine" is no HTTP status/);
  });
});

perl('a hook that the file does not have is reported, not thrown', async () => {
  await withPerl(
    [
      ['teapot', 'pre'],
      ['nobody', 'pre'],
    ],
    async ({ loaded }) => {
      assert.equal(loaded.reports[0], { ready: true, body: 'buffered' });
      assert.match((loaded.reports[1] as { reason: string }).reason, /hooks\.pl has no hook "nobody"/);
    },
  );
});

perl('two hundred calls at once are answered each with its own', async () => {
  await withPerl([['mask', 'response']], async ({ run }) => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => run('mask', { response: { status: 200, body: `${'a'.repeat(i)}1` } })),
    );
    assert.equal(
      answers.map(({ response }) => response?.body?.toString()),
      answers.map((_, i) => `${'a'.repeat(i)}*`),
    );
  });
});

perl.run();
