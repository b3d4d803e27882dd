import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookAnswer } from '../../../contract/answer.ts';
import type { HookCall } from '../../../contract/call.ts';
import { Cancellation } from '../../../contract/cancellation.ts';
import { PluginFailure } from '../../../contract/failure.ts';
import { HeaderList } from '../../../contract/header-list.ts';
import { RequestMessage } from '../../../contract/request-message.ts';
import { requestState } from '../../../contract/request-state.ts';
import { ResponseMessage } from '../../../contract/response-message.ts';
import { parseTarget, urlText } from '../../../contract/url.ts';
import { createLinkDispatcher } from '../../../gateway/dispatch/index.ts';
import { type FakeHook, fakeCall, fakeSet, hang, stamp } from './fake-driver.ts';
import { withCoprocess, withLink, withSocketPath } from './link.ts';

const link = suite('link');
const first = { digest: 'a', hooks: [0] };

link('a hook runs in the coprocess, and its edits come back', async () => {
  await withLink({ hooks: { stamp } }, async ({ dispatcher }) => {
    const report = await dispatcher.install(fakeSet('a', ['stamp']));
    assert.equal(report, { digest: 'a', hooks: [{ ready: true, body: 'buffered' }] });
    const [outcome] = await dispatcher.dispatch(first, fakeCall());
    assert.equal(outcome?.answer, { request: { setHeaders: [['X-Stamp', 'fake']] } });
  });
});

link('a hook sees all of its call', async () => {
  let seen: HookCall | undefined;
  const look: FakeHook = (call) => {
    seen = call;
    return {};
  };
  await withLink({ hooks: { look } }, async ({ dispatcher }) => {
    await dispatcher.install(fakeSet('a', ['look']));
    const state = requestState({
      method: 'POST',
      url: parseTarget('/orders?id=7'),
      rewrite: parseTarget('/new?id=8'),
      host: 'shop.test',
      scheme: 'https',
      headers: new HeaderList(['X-Name', 'Zo\xeb', 'Accept', '*/*']),
      body: Buffer.from('body'),
    });
    const response = ResponseMessage.of({
      status: 404,
      headers: new HeaderList(['Set-Cookie', 'a', 'Set-Cookie', 'b']),
      body: Buffer.from('up'),
    });
    const trace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'v=1' };
    const session = Buffer.from('session');
    const metadata = Buffer.from('metadata');
    const deadlineMs = performance.now() + 3000;
    const request = RequestMessage.of(state);
    await dispatcher.dispatch(first, fakeCall({ request, response, session, metadata, trace, deadlineMs }));

    const got = seen?.request.state;
    assert.is(got?.method, 'POST');
    assert.is(got?.url && urlText(got.url), '/orders?id=7');
    assert.is(got?.rewrite && urlText(got.rewrite), '/new?id=8');
    assert.is(got?.host, 'shop.test');
    assert.is(got?.scheme, 'https');
    assert.is(got?.headers.get('X-Name'), 'Zo\xeb');
    assert.is(String(got?.body), 'body');
    assert.is(seen?.request.notUtf8, true);
    assert.is(seen?.response?.state.status, 404);
    assert.equal(seen?.response?.state.headers.all('Set-Cookie'), ['a', 'b']);
    assert.is(String(seen?.response?.body), 'up');
    assert.is(String(seen?.session), 'session');
    assert.is(String(seen?.metadata), 'metadata');
    assert.equal(seen?.trace, trace);
    assert.ok(Math.abs((seen?.deadlineMs ?? 0) - deadlineMs) < 50, 'the deadline is the same moment on both sides');
  });
});

link("the hooks of a run see each other's edits, and each has an outcome", async () => {
  const refuse: FakeHook = () => ({ reply: { status: 403, headers: [], body: Buffer.from('no'), template: true } });
  const echo: FakeHook = async (call) => ({
    request: { setHeaders: [['X-Echo', call.request.state.headers.get('X-Stamp') ?? '']] },
  });
  const fail: FakeHook = () => {
    throw new PluginFailure('REPLY_INVALID', 'the body is none');
  };
  await withLink({ hooks: { stamp, echo, refuse, fail } }, async ({ dispatcher }) => {
    await dispatcher.install(fakeSet('a', ['stamp', 'echo', 'refuse', 'echo', 'fail']));
    const refused = await dispatcher.dispatch({ digest: 'a', hooks: [0, 1, 2, 3] }, fakeCall());
    assert.is(refused.length, 3, 'a reply ends the run');
    assert.equal(refused[1]?.answer?.request?.setHeaders, [['X-Echo', 'fake']]);
    assert.is(String(refused[2]?.answer?.reply?.body), 'no');
    const failed = await dispatcher.dispatch({ digest: 'a', hooks: [4, 0] }, fakeCall());
    assert.is(failed.length, 1, 'a failure ends the run');
    assert.is(failed[0]?.failure?.reason, 'REPLY_INVALID');
    assert.is(failed[0]?.failure?.message, 'the body is none');
  });
});

link('bodies of any size are the same bytes on the other side, both ways', async () => {
  const double: FakeHook = (call) => {
    const body = Buffer.concat([call.request.body, call.response?.body ?? Buffer.alloc(0)]);
    const reply = { status: 200, headers: [], body: call.request.body, template: false };
    return { request: { body }, response: { body: call.request.body }, reply };
  };
  await withLink({ hooks: { double } }, async ({ dispatcher }) => {
    await dispatcher.install(fakeSet('a', ['double']));
    const sizes = [0, 1, 8191, 65_535, 65_536, 65_537, 131_072, 1_000_000, 5_242_880];
    const calls = sizes.map(async (size) => {
      const body = randomBytes(size);
      const upstream = randomBytes(size);
      const response = ResponseMessage.of({ status: 200, headers: new HeaderList(), body: upstream });
      const [outcome] = await dispatcher.dispatch(first, fakeCall({ body, response }));
      assert.is(outcome?.failure, undefined);
      assert.ok(outcome?.answer?.request?.body?.equals(Buffer.concat([body, upstream])), `request body of ${size}`);
      assert.ok(outcome?.answer?.response?.body?.equals(body), `response body of ${size}`);
      assert.ok(outcome?.answer?.reply?.body.equals(body), `reply body of ${size}`);
    });
    await Promise.all(calls);
  });
});

link('small calls pass large bodies by', async () => {
  const take: FakeHook = (call) => ({ request: { setHeaders: [['X-Size', String(call.request.body.length)]] } });
  await withLink({ hooks: { take } }, async ({ dispatcher }) => {
    await dispatcher.install(fakeSet('a', ['take']));
    const ended: string[] = [];
    const send = async (name: string, size: number): Promise<void> => {
      const [outcome] = await dispatcher.dispatch(first, fakeCall({ body: Buffer.alloc(size) }));
      assert.equal(outcome?.answer?.request?.setHeaders, [['X-Size', String(size)]]);
      ended.push(name);
    };
    await Promise.all([send('largest', 20_000_000), send('large', 100_000), send('small', 10)]);
    assert.equal(ended, ['small', 'large', 'largest']);
  });
});

link('10,000 calls at once are all answered, each with its own answer', async () => {
  const echo: FakeHook = (call) => {
    const answer: HookAnswer = { request: { setHeaders: [['X-Echo', call.request.state.headers.get('X-Id') ?? '']] } };
    return Math.random() < 0.5 ? answer : Promise.resolve(answer);
  };
  await withLink({ hooks: { echo }, dispatcher: { maxQueuedCalls: 10_000 } }, async ({ dispatcher }) => {
    await dispatcher.install(fakeSet('a', ['echo']));
    const calls = Array.from({ length: 10_000 }, async (_, i) => {
      const [outcome] = await dispatcher.dispatch(first, fakeCall({ headers: [['X-Id', String(i)]] }));
      return outcome?.answer?.request?.setHeaders?.[0]?.[1];
    });
    assert.equal(
      await Promise.all(calls),
      Array.from({ length: 10_000 }, (_, i) => String(i)),
    );
  });
});

link('the time of a call is told apart: in the hook, and on the way', async () => {
  const work: FakeHook = () => {
    for (const until = performance.now() + 5; performance.now() < until; );
    return {};
  };
  await withLink({ hooks: { work } }, async ({ dispatcher }) => {
    await dispatcher.install(fakeSet('a', ['work']));
    const began = performance.now();
    const [outcome] = await dispatcher.dispatch(first, fakeCall());
    const tookUs = (performance.now() - began) * 1000;
    const { queueUs = 0, wireUs = 0, runUs = 0 } = outcome?.timing ?? {};
    assert.ok(runUs >= 5000 && wireUs > 0, `${runUs} and ${wireUs} us`);
    assert.ok(queueUs + wireUs + runUs <= tookUs, 'the parts are no longer than the whole');
  });
});

link('a hook that hangs ends at its deadline, and is told', async () => {
  const told = Promise.withResolvers<void>();
  const watched: FakeHook = (call, host, hook) => {
    call.cancellation.onCancel(told.resolve);
    return hang(call, host, hook);
  };
  await withLink({ hooks: { watched } }, async ({ dispatcher }) => {
    await dispatcher.install(fakeSet('a', ['watched']));
    const began = performance.now();
    const [outcome] = await dispatcher.dispatch(first, fakeCall({ deadlineMs: began + 60 }));
    const tookMs = performance.now() - began;
    assert.is(outcome?.failure?.reason, 'HOOK_TIMED_OUT');
    assert.ok(tookMs >= 60 && tookMs < 160, `took ${tookMs} ms`);
    await told.promise;
  });
});

link('a client that goes away ends its call at once, and the hook is told', async () => {
  const [began, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const watched: FakeHook = (call, host, hook) => {
    began.resolve();
    call.cancellation.onCancel(told.resolve);
    return hang(call, host, hook);
  };
  await withLink({ hooks: { watched } }, async ({ dispatcher }) => {
    await dispatcher.install(fakeSet('a', ['watched']));
    const cancellation = new Cancellation();
    const pending = dispatcher.dispatch(first, fakeCall({ cancellation }));
    await began.promise;
    cancellation.cancel();
    assert.is((await pending)[0]?.failure?.reason, 'CANCELLED');
    await told.promise;
  });
});

link('what a plugin asks of its gateway is answered by the gateway', async () => {
  const keys: FakeHook = async (_call, host) => {
    const value = (await host.request('keys.get', { key: 'Zoë' })) as string;
    const missing = await host.request('keys.get', { key: 'nobody' }).catch((error: Error) => error.message);
    return {
      metadata: [
        ['value', value],
        ['missing', String(missing)],
      ],
    };
  };
  const asked: unknown[] = [];
  const hostServices = async (service: string, args: unknown): Promise<unknown> => {
    asked.push([service, args]);
    if ((args as { key: string }).key === 'nobody') throw new Error('there is no such key');
    return 'gold';
  };
  await withLink({ hooks: { keys }, dispatcher: { hostServices } }, async ({ dispatcher }) => {
    await dispatcher.install(fakeSet('a', ['keys']));
    const [outcome] = await dispatcher.dispatch(first, fakeCall());
    assert.equal(outcome?.answer?.metadata, [
      ['value', 'gold'],
      ['missing', 'there is no such key'],
    ]);
    assert.equal(asked, [
      ['keys.get', { key: 'Zoë' }],
      ['keys.get', { key: 'nobody' }],
    ]);
  });
});

link('a set that cannot be loaded is refused with every reason, and can be asked for again', async () => {
  const hooks: Record<string, FakeHook> = { stamp };
  await withLink({ hooks }, async ({ dispatcher }) => {
    const refused = await dispatcher.install(fakeSet('a', ['stamp', 'missing']));
    assert.equal(refused.hooks, [
      { ready: true, body: 'buffered' },
      { ready: false, reason: 'there is no hook named missing' },
    ]);
    assert.is((await dispatcher.dispatch(first, fakeCall()))[0]?.failure?.reason, 'HOOK_UNKNOWN');
    hooks.missing = stamp;
    await dispatcher.install(fakeSet('a', ['stamp', 'missing']));
    const outcomes = await dispatcher.dispatch({ digest: 'a', hooks: [0, 1] }, fakeCall());
    assert.equal(
      outcomes.map(({ failure }) => failure),
      [undefined, undefined],
    );
  });
});

link('a set is refused when the coprocesses do not agree on it', async () => {
  await withCoprocess({ hooks: { stamp } }, async (one) => {
    await withCoprocess({ hooks: { stamp }, body: 'none' }, async (two) => {
      const dispatcher = createLinkDispatcher({ targets: [one.address, two.address] });
      try {
        const report = await dispatcher.install(fakeSet('a', ['stamp']));
        assert.match(report.refused ?? '', /^the coprocesses disagree: .*"buffered".* and .*"none"/);
        assert.is((await dispatcher.dispatch(first, fakeCall()))[0]?.failure?.reason, 'HOOK_UNKNOWN');
      } finally {
        await dispatcher.close();
      }
    });
  });
});

link('a coprocess that comes later and does not agree is not called for that set', async () => {
  await withSocketPath(async (path) => {
    const logged: string[] = [];
    await withCoprocess({ hooks: { stamp } }, async (one) => {
      const targets = [one.address, `unix:${path}`];
      const differs = Promise.withResolvers<void>();
      const log = (_level: string, message: string): void => {
        logged.push(message);
        if (message.startsWith('a coprocess loaded')) differs.resolve();
      };
      const dispatcher = createLinkDispatcher({ targets, log });
      try {
        await dispatcher.install(fakeSet('a', ['stamp']));
        const other: FakeHook = () => ({ request: { setHeaders: [['X-Stamp', 'other']] } });
        await withCoprocess(
          { hooks: { stamp: other }, body: 'none', server: { address: `unix:${path}` } },
          async () => {
            await differs.promise;
            const calls = Array.from({ length: 6 }, () => dispatcher.dispatch(first, fakeCall()));
            const stamps = (await Promise.all(calls)).map(([it]) => it?.answer?.request?.setHeaders?.[0]?.[1]);
            assert.equal(stamps, Array(6).fill('fake'));
          },
        );
      } finally {
        await dispatcher.close();
      }
    });
  });
});

link('a set stays until it was uninstalled as often as installed', async () => {
  await withLink({ hooks: { stamp } }, async ({ dispatcher }) => {
    await dispatcher.install(fakeSet('a', ['stamp']));
    await dispatcher.install(fakeSet('a', ['stamp']));
    dispatcher.uninstall('a');
    assert.is((await dispatcher.dispatch(first, fakeCall()))[0]?.failure, undefined);
    dispatcher.uninstall('a');
    assert.is((await dispatcher.dispatch(first, fakeCall()))[0]?.failure?.reason, 'HOOK_UNKNOWN');
  });
});

link('an install waits for a coprocess that is not there yet, until it is told to stop', async () => {
  await withSocketPath(async (path) => {
    const dispatcher = createLinkDispatcher({ targets: [`unix:${path}`] });
    try {
      const refused = await dispatcher.install(fakeSet('a', ['stamp']), AbortSignal.timeout(100));
      assert.match(refused.refused ?? '', /no coprocess can be reached: unix:.*ENOENT/);
      assert.is(dispatcher.available, false);
      const report = dispatcher.install(fakeSet('a', ['stamp']));
      await withCoprocess({ hooks: { stamp }, server: { address: `unix:${path}` } }, async () => {
        assert.equal((await report).hooks, [{ ready: true, body: 'buffered' }]);
        assert.is((await dispatcher.dispatch(first, fakeCall()))[0]?.failure, undefined);
        assert.is(dispatcher.available, true);
      });
    } finally {
      await dispatcher.close();
    }
  });
});

link('a set that was still being loaded when the wait for it ended is there for whoever asks again', async () => {
  const loaded = Promise.withResolvers<void>();
  let loads = 0;
  const loading = (): Promise<void> => {
    loads++;
    return loaded.promise;
  };
  await withLink({ hooks: { stamp }, loading }, async ({ dispatcher }) => {
    const set = fakeSet('a', ['stamp']);
    const refused = await dispatcher.install(set, AbortSignal.timeout(200));
    assert.match(refused.refused ?? '', /still loading/);
    assert.is((await dispatcher.dispatch(first, fakeCall()))[0]?.failure?.reason, 'HOOK_UNKNOWN');
    const report = dispatcher.install(set);
    loaded.resolve();
    assert.equal((await report).hooks, [{ ready: true, body: 'buffered' }]);
    assert.is((await dispatcher.dispatch(first, fakeCall()))[0]?.failure, undefined);
    assert.is(loads, 1);
  });
});

link('the coprocess says how plugin files stand; when it is away, nobody does, at once', async () => {
  await withSocketPath(async (path) => {
    const dispatcher = createLinkDispatcher({ targets: [`unix:${path}`] });
    try {
      const file = `${path}.py`;
      await writeFile(file, 'one');
      const names = [file, `${path}.lua`];
      await withCoprocess({ hooks: {}, server: { address: `unix:${path}` } }, async () => {
        const look = async (): Promise<readonly string[] | undefined> =>
          (await dispatcher.lookAtFiles(names, AbortSignal.timeout(5000)))?.files;
        const one = await look();
        assert.is.not(one?.[0], '');
        assert.is(one?.[1], '');
        assert.equal(await look(), one);
        await writeFile(file, 'two');
        assert.is.not((await look())?.[0], one?.[0]);
      });
      const startMs = performance.now();
      assert.is(await dispatcher.lookAtFiles(names), undefined);
      assert.ok(performance.now() - startMs < 1000);
      await rm(file);
    } finally {
      await dispatcher.close();
    }
  });
});

link.run();
