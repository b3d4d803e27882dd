import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cancellation } from '../../contract/cancellation.ts';
import { PluginFailure } from '../../contract/failure.ts';
import { createCoprocess } from '../../coprocess/index.ts';
import type { Driver, Host } from '../../drivers/driver.ts';
import { type FakeHook, fakeCall, fakeDriver, fakeSet, hang, stamp } from '../gateway/dispatch/fake-driver.ts';

const coprocess = suite('coprocess');

const host: Host = { request: () => Promise.reject(new Error('no gateway')), log: () => {} };

/** A driver that writes down what is loaded and closed. */
function noting(hooks: Record<string, FakeHook>): Driver & { readonly notes: string[] } {
  const driver = fakeDriver(hooks);
  const notes: string[] = [];
  return {
    ...driver,
    notes,
    async load(set, specs, given) {
      notes.push(`load ${set.digest}`);
      const loaded = await driver.load(set, specs, given);
      return {
        ...loaded,
        async close() {
          notes.push(`close ${set.digest}`);
        },
      };
    },
  };
}

coprocess(
  'a set that is installed twice, even at once, is loaded once, and closed after the last uninstall',
  async () => {
    const driver = noting({ stamp });
    const { install, uninstall, close } = createCoprocess({ drivers: [driver], host });
    const set = fakeSet('a', ['stamp']);
    const reports = await Promise.all([install(set), install(set)]);
    assert.equal(reports[0], reports[1]);
    await install(set);
    uninstall('a');
    uninstall('a');
    assert.equal(driver.notes, ['load a']);
    uninstall('a');
    assert.equal(driver.notes, ['load a', 'close a']);
    await close();
  },
);

coprocess('a set is closed only after its calls have ended', async () => {
  const answer = Promise.withResolvers<object>();
  const driver = noting({ slow: () => answer.promise });
  const { install, uninstall, run, close } = createCoprocess({ drivers: [driver], host });
  await install(fakeSet('a', ['slow']));
  const running = run('a', [0], fakeCall());
  uninstall('a');
  assert.equal(driver.notes, ['load a']);
  answer.resolve({});
  assert.is((await running)[0]?.failure, undefined);
  assert.equal(driver.notes, ['load a', 'close a']);
  assert.is((await run('a', [0], fakeCall()))[0]?.failure?.reason, 'HOOK_UNKNOWN');
  await close();
});

coprocess('a set whose driver is unknown is refused, naming those that are known', async () => {
  const { install, close } = createCoprocess({ drivers: [fakeDriver({})], host });
  const report = await install(fakeSet('a', ['stamp'], { driver: 'cobol' }));
  assert.equal(report.hooks, [{ ready: false, reason: 'the driver "cobol" is unknown; known are fake' }]);
  await close();
});

coprocess('a refused set leaves nothing open', async () => {
  const driver = noting({ stamp });
  const { install, close } = createCoprocess({ drivers: [driver], host });
  await install(fakeSet('a', ['stamp', 'missing']));
  assert.equal(driver.notes, ['load a', 'close a']);
  await close();
});

coprocess('a driver that throws while loading refuses its hooks, and the rest are reported all the same', async () => {
  const broken: Driver = {
    names: ['broken'],
    load: () => Promise.reject(new Error('no interpreter')),
    async close() {},
  };
  const { install, close } = createCoprocess({ drivers: [fakeDriver({ stamp }), broken], host });
  const set = fakeSet('a', ['stamp', 'other']);
  const [first, second] = set.hooks;
  assert.ok(first && second);
  const report = await install({ ...set, hooks: [first, { ...second, driver: 'broken' }] });
  assert.equal(report.hooks, [
    { ready: true, body: 'buffered' },
    { ready: false, reason: 'no interpreter' },
  ]);
  await close();
});

coprocess(
  'a failure ends a run, unless its hook says continue; what is thrown is a failure with its text',
  async () => {
    const fail: FakeHook = () => {
      throw new Error('oh no');
    };
    const { install, run, close } = createCoprocess({ drivers: [fakeDriver({ stamp, fail })], host });
    await install(fakeSet('a', ['fail', 'stamp']));
    await install(fakeSet('b', ['fail', 'stamp'], { onError: 'continue' }));
    const ended = await run('a', [0, 1], fakeCall());
    assert.equal(
      ended.map(({ failure }) => failure?.reason),
      ['HOOK_THREW'],
    );
    assert.is(ended[0]?.failure?.message, 'oh no');
    const continued = await run('b', [0, 1], fakeCall());
    assert.equal(
      continued.map(({ failure }) => failure?.reason),
      ['HOOK_THREW', undefined],
    );
    await close();
  },
);

coprocess('edits that the next hook cannot be shown are the failure of the hook that made them', async () => {
  const bad: FakeHook = () => ({ request: { url: 'relative' } });
  const { install, run, close } = createCoprocess({ drivers: [fakeDriver({ stamp, bad })], host });
  await install(fakeSet('a', ['bad', 'stamp']));
  const outcomes = await run('a', [0, 1], fakeCall());
  assert.equal(
    outcomes.map(({ failure }) => failure?.reason),
    ['REPLY_INVALID'],
  );
  await close();
});

coprocess('a hook is not begun for a client that is gone, or after its deadline', async () => {
  let calls = 0;
  const count: FakeHook = () => {
    calls++;
    return {};
  };
  const { install, run, close } = createCoprocess({ drivers: [fakeDriver({ count })], host });
  await install(fakeSet('a', ['count']));
  const cancellation = new Cancellation();
  cancellation.cancel();
  assert.is((await run('a', [0], fakeCall({ cancellation })))[0]?.failure?.reason, 'CANCELLED');
  assert.is((await run('a', [0], fakeCall({ deadlineMs: 0 })))[0]?.failure?.reason, 'HOOK_TIMED_OUT');
  assert.is(calls, 0);
  await close();
});

coprocess("a hook gets its own limit as deadline where that is sooner than the call's", async () => {
  const deadlines: number[] = [];
  const look: FakeHook = (call) => {
    deadlines.push(call.deadlineMs - performance.now());
    return {};
  };
  const { install, run, close } = createCoprocess({ drivers: [fakeDriver({ look })], host });
  await install(fakeSet('a', ['look'], { timeoutMs: 100 }));
  await run('a', [0], fakeCall());
  await run('a', [0], fakeCall({ deadlineMs: performance.now() + 50 }));
  assert.ok((deadlines[0] ?? 0) > 60 && (deadlines[0] ?? 0) <= 100);
  assert.ok((deadlines[1] ?? 0) <= 50);
  await close();
});

coprocess("what a driver knows of a call's time is kept, and the rest counts as running", async () => {
  const told: FakeHook = async () => ({ timing: { queueUs: 7, wireUs: 8, runUs: 9 } });
  const { install, run, close } = createCoprocess({ drivers: [fakeDriver({ told, hang })], host });
  await install(fakeSet('a', ['told', 'hang']));
  assert.equal((await run('a', [0], fakeCall()))[0]?.timing, { queueUs: 7, wireUs: 8, runUs: 9 });
  const cancellation = new Cancellation();
  const hanging = run('a', [1], fakeCall({ cancellation }));
  setTimeout(() => cancellation.cancel(), 20);
  const [outcome] = await hanging;
  assert.instance(outcome?.failure, PluginFailure);
  assert.ok((outcome?.timing.runUs ?? 0) >= 19_000);
  await close();
});

coprocess.run();
