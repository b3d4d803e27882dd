import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLinkDispatcher, type Dispatcher } from '../../../gateway/dispatch/index.ts';
import { drainCoprocess, startCoprocess } from './coprocess-process.ts';
import { fakeCall, fakeSet } from './fake-driver.ts';
import { withSocketPath } from './link.ts';

const several = suite('several coprocesses');

const stampRun = { digest: 'a', hooks: [0] };
const hangRun = { digest: 'a', hooks: [1] };
const set = fakeSet('a', ['stamp', 'hang', 'name']);

async function withDispatcher(targets: string[], use: (dispatcher: Dispatcher) => Promise<void>): Promise<void> {
  const dispatcher = createLinkDispatcher({ targets });
  try {
    await use(dispatcher);
  } finally {
    await dispatcher.close();
  }
}

several(
  'calls go to two coprocesses in turn, to one when the other is killed, and to both when it is back',
  async () => {
    await withSocketPath(async (path) => {
      const one = await startCoprocess('127.0.0.1:0', 'one');
      let two = await startCoprocess(`unix:${path}`, 'two');
      const names = async (dispatcher: Dispatcher): Promise<string[]> => {
        const calls = Array.from({ length: 10 }, () => dispatcher.dispatch({ digest: 'a', hooks: [2] }, fakeCall()));
        const outcomes = await Promise.all(calls);
        return outcomes.map(([it]) => it?.answer?.request?.setHeaders?.[0]?.[1] ?? it?.failure?.reason ?? '');
      };
      try {
        await withDispatcher([one.address, `unix:${path}`], async (dispatcher) => {
          await dispatcher.install(set);
          assert.is((await names(dispatcher)).filter((name) => name === 'one').length, 5);
          const broken = dispatcher.dispatch(hangRun, fakeCall({ deadlineMs: performance.now() + 1000 }));
          const other = dispatcher.dispatch(hangRun, fakeCall({ deadlineMs: performance.now() + 1000 }));
          await two.kill();
          const reasons = [(await broken)[0]?.failure?.reason, (await other)[0]?.failure?.reason];
          assert.equal(new Set(reasons), new Set(['DRIVER_UNAVAILABLE', 'HOOK_TIMED_OUT']));
          assert.equal(await names(dispatcher), Array(10).fill('one'));
          two = await startCoprocess(`unix:${path}`, 'two');
          const backMs = performance.now();
          while (!(await names(dispatcher)).includes('two')) await new Promise((resolve) => setTimeout(resolve, 10));
          assert.ok(performance.now() - backMs < 1000, 'the second one is called within a second of its return');
        });
      } finally {
        await one.kill();
        await two.kill();
      }
    });
  },
);

several('a coprocess that is told to end fails no call: the gateway goes over to its successor first', async () => {
  const one = await startCoprocess('127.0.0.1:0', 'one');
  const two = await startCoprocess('127.0.0.1:0', 'two');
  try {
    await withDispatcher([one.address, two.address], async (dispatcher) => {
      await dispatcher.install(set);
      let on = true;
      const failed: string[] = [];
      let calls = 0;
      const traffic = Array.from({ length: 16 }, async () => {
        while (on) {
          const [outcome] = await dispatcher.dispatch(stampRun, fakeCall());
          calls++;
          if (outcome?.failure !== undefined) failed.push(`${outcome.failure.reason}: ${outcome.failure.message}`);
        }
      });
      await drainCoprocess(one);
      const before = calls;
      while (calls < before + 100) await new Promise((resolve) => setTimeout(resolve, 5));
      on = false;
      await Promise.all(traffic);
      assert.equal(failed, []);
    });
  } finally {
    await one.kill();
    await two.kill();
  }
});

several('a coprocess that is told to end, and has no successor, ends when its calls have', async () => {
  const coprocess = await startCoprocess('127.0.0.1:0');
  try {
    await withDispatcher([coprocess.address], async (dispatcher) => {
      await dispatcher.install(set);
      await dispatcher.dispatch(stampRun, fakeCall());
      const toldMs = performance.now();
      const exited = drainCoprocess(coprocess);
      const [outcome] = await dispatcher.dispatch(stampRun, fakeCall());
      assert.is(outcome?.failure, undefined, 'it serves until it ends');
      await exited;
      assert.ok(performance.now() - toldMs < 6000, 'it does not wait for its whole drain time of 10 s');
    });
  } finally {
    await coprocess.kill();
  }
});

several.run();
