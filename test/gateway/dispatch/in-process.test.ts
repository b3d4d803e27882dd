import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cancellation } from '../../../contract/cancellation.ts';
import { createCoprocess } from '../../../coprocess/index.ts';
import type { Dispatcher } from '../../../gateway/dispatch/dispatcher.ts';
import { createInProcessDispatcher } from '../../../gateway/dispatch/in-process.ts';
import { type FakeHook, fakeCall, fakeDriver, fakeSet, hang, stamp } from './fake-driver.ts';

const inProcess = suite('in-process dispatcher');

async function withDispatcher(hooks: Record<string, FakeHook>, use: (dispatcher: Dispatcher) => Promise<void>) {
  const host = { request: () => Promise.reject(new Error('no gateway')), log: () => {} };
  const coprocess = createCoprocess({ drivers: [fakeDriver(hooks)], host });
  const dispatcher = createInProcessDispatcher(coprocess);
  try {
    await use(dispatcher);
  } finally {
    await dispatcher.close();
    await coprocess.close();
  }
}

inProcess('hooks that answer at once are answered at once', async () => {
  await withDispatcher({ stamp }, async (dispatcher) => {
    await dispatcher.install(fakeSet('a', ['stamp']));
    const outcomes = dispatcher.dispatch({ digest: 'a', hooks: [0] }, fakeCall());
    assert.ok(Array.isArray(outcomes));
    assert.equal(outcomes[0]?.answer?.request?.setHeaders, [['X-Stamp', 'fake']]);
  });
});

inProcess('each hook of a run sees the edits of the one before it', async () => {
  const echo: FakeHook = async (call) => ({
    request: { setHeaders: [['X-Echo', call.request.state.headers.get('X-Stamp') ?? 'none']] },
  });
  await withDispatcher({ stamp, echo }, async (dispatcher) => {
    await dispatcher.install(fakeSet('a', ['echo', 'stamp', 'echo']));
    const outcomes = await dispatcher.dispatch({ digest: 'a', hooks: [0, 1, 2] }, fakeCall());
    assert.equal(
      outcomes.map((outcome) => outcome.answer?.request?.setHeaders?.[0]?.[1]),
      ['none', 'fake', 'fake'],
    );
  });
});

inProcess('a run that has not answered at its deadline times out, for every hook of it, and is cancelled', async () => {
  let cancelled = false;
  const watched: FakeHook = (call, host, hook) => {
    call.cancellation.onCancel(() => {
      cancelled = true;
    });
    return hang(call, host, hook);
  };
  await withDispatcher({ watched, stamp }, async (dispatcher) => {
    await dispatcher.install(fakeSet('a', ['watched', 'stamp']));
    const request = new Cancellation();
    const began = performance.now();
    const call = fakeCall({ deadlineMs: began + 50, cancellation: request });
    const outcomes = await dispatcher.dispatch({ digest: 'a', hooks: [0, 1] }, call);
    const tookMs = performance.now() - began;
    assert.equal(
      outcomes.map((outcome) => outcome.failure?.reason),
      ['HOOK_TIMED_OUT', 'HOOK_TIMED_OUT'],
    );
    assert.ok(tookMs >= 50 && tookMs < 150, `took ${tookMs} ms`);
    assert.is(cancelled, true);
    assert.is(request.cancelled, false, 'the request itself goes on');
  });
});

inProcess('a client that goes away ends its call at once', async () => {
  await withDispatcher({ hang }, async (dispatcher) => {
    await dispatcher.install(fakeSet('a', ['hang']));
    const cancellation = new Cancellation();
    const pending = dispatcher.dispatch({ digest: 'a', hooks: [0] }, fakeCall({ cancellation }));
    cancellation.cancel();
    assert.is((await pending)[0]?.failure?.reason, 'CANCELLED');
    const late = await dispatcher.dispatch({ digest: 'a', hooks: [0] }, fakeCall({ cancellation }));
    assert.is(late[0]?.failure?.reason, 'CANCELLED');
  });
});

inProcess('a set with a hook that is not there is refused, and is loaded anew when it is asked for again', async () => {
  const hooks: Record<string, FakeHook> = {};
  await withDispatcher(hooks, async (dispatcher) => {
    const refused = await dispatcher.install(fakeSet('a', ['stamp']));
    assert.equal(refused.hooks, [{ ready: false, reason: 'there is no hook named stamp' }]);
    const outcomes = await dispatcher.dispatch({ digest: 'a', hooks: [0] }, fakeCall());
    assert.is(outcomes[0]?.failure?.reason, 'HOOK_UNKNOWN');
    hooks.stamp = stamp;
    assert.equal((await dispatcher.install(fakeSet('a', ['stamp']))).hooks, [{ ready: true, body: 'buffered' }]);
  });
});

inProcess.run();
