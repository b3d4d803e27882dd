import { Server, ServerCredentials } from '@grpc/grpc-js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookOutcome } from '../../../contract/answer.ts';
import { linkVersion } from '../../../contract/link/fields.ts';
import { createLinkDispatcher, type Dispatcher } from '../../../gateway/dispatch/index.ts';
import { FromCoprocess, FromGateway } from '../../../proto/gen/interpose/link/v1/link.ts';
import { startCoprocess } from './coprocess-process.ts';
import { fakeCall, fakeSet } from './fake-driver.ts';
import { withSocketPath } from './link.ts';

const failures = suite('link failures');

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

/** Call until a call works. */
async function untilWorks(dispatcher: Dispatcher): Promise<void> {
  for (;;) {
    const [outcome] = await dispatcher.dispatch(stampRun, fakeCall());
    if (outcome?.answer !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

failures(
  'a killed coprocess fails what is pending at once, and is used again within a second of its return',
  async () => {
    await withSocketPath(async (path) => {
      let coprocess = await startCoprocess(`unix:${path}`);
      try {
        await withDispatcher([`unix:${path}`], async (dispatcher) => {
          await dispatcher.install(set);
          const pending = Array.from({ length: 100 }, () => dispatcher.dispatch(hangRun, fakeCall()));
          await dispatcher.dispatch(stampRun, fakeCall());
          const killedMs = performance.now();
          await coprocess.kill();
          const outcomes = (await Promise.all(pending)).map(([outcome]) => outcome?.failure?.reason);
          assert.equal(new Set(outcomes), new Set(['DRIVER_UNAVAILABLE']));
          const tookMs = performance.now() - killedMs;
          assert.ok(tookMs < 500, `pending calls failed ${tookMs} ms after the kill`);
          const [refused] = await dispatcher.dispatch(stampRun, fakeCall());
          assert.is(refused?.failure?.reason, 'DRIVER_UNAVAILABLE');
          assert.is(dispatcher.available, false);

          coprocess = await startCoprocess(`unix:${path}`);
          const backMs = performance.now();
          await untilWorks(dispatcher);
          assert.ok(performance.now() - backMs < 1000, `worked ${performance.now() - backMs} ms after its return`);
          assert.is(dispatcher.available, true);
        });
      } finally {
        await coprocess.kill();
      }
    });
  },
);

failures('a coprocess that is killed again and again never leaves a call without an answer', async () => {
  await withSocketPath(async (path) => {
    let coprocess = await startCoprocess(`unix:${path}`);
    try {
      await withDispatcher([`unix:${path}`], async (dispatcher) => {
        await dispatcher.install(set);
        const reasons = new Map<string, number>();
        let on = true;
        const traffic = Array.from({ length: 32 }, async () => {
          while (on) {
            const [outcome] = await dispatcher.dispatch(stampRun, fakeCall());
            const reason = outcome?.failure?.reason ?? 'answered';
            reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
            if (outcome?.failure !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
          }
        });
        for (let i = 0; i < 3; i++) {
          await untilWorks(dispatcher);
          await coprocess.kill();
          coprocess = await startCoprocess(`unix:${path}`);
        }
        await untilWorks(dispatcher);
        on = false;
        await Promise.all(traffic);
        assert.equal(new Set(reasons.keys()), new Set(['answered', 'DRIVER_UNAVAILABLE']));
      });
    } finally {
      await coprocess.kill();
    }
  });
});

failures('a frozen coprocess holds nothing past its deadline, and is used on when it thaws', async () => {
  const coprocess = await startCoprocess('127.0.0.1:0');
  try {
    await withDispatcher([coprocess.address], async (dispatcher) => {
      await dispatcher.install(set);
      await dispatcher.dispatch(stampRun, fakeCall());
      coprocess.child.kill('SIGSTOP');
      const late: number[] = [];
      const calls = Array.from({ length: 300 }, async (_, i) => {
        await new Promise((resolve) => setTimeout(resolve, i));
        const deadlineMs = performance.now() + 100 + (i % 3) * 50;
        const [outcome] = await dispatcher.dispatch(stampRun, fakeCall({ deadlineMs }));
        assert.is(outcome?.failure?.reason, 'HOOK_TIMED_OUT');
        late.push(performance.now() - deadlineMs);
      });
      await Promise.all(calls);
      assert.ok(Math.max(...late) < 100, `the latest answer came ${Math.max(...late)} ms after its deadline`);
      assert.ok(Math.min(...late) >= 0, 'no call ended before its deadline');
      coprocess.child.kill('SIGCONT');
      const [outcome] = await dispatcher.dispatch(stampRun, fakeCall());
      assert.is(outcome?.failure, undefined);
    });
  } finally {
    coprocess.child.kill('SIGCONT');
    await coprocess.kill();
  }
});

failures('when a coprocess takes nothing more, calls wait in a bounded queue, and fail at once beyond it', async () => {
  const coprocess = await startCoprocess('127.0.0.1:0');
  const dispatcher = createLinkDispatcher({ targets: [coprocess.address], maxQueuedCalls: 50 });
  try {
    await dispatcher.install(set);
    coprocess.child.kill('SIGSTOP');
    const body = Buffer.alloc(60_000);
    const deadlineMs = performance.now() + 10_000;
    const pending: Promise<readonly HookOutcome[]>[] = [];
    const settled: string[] = [];
    while (settled.length === 0) {
      for (let i = 0; i < 100; i++) {
        const outcomes = dispatcher.dispatch(stampRun, fakeCall({ body, deadlineMs }));
        if (outcomes instanceof Promise) pending.push(outcomes);
        else settled.push(outcomes[0]?.failure?.reason ?? '');
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(new Set(settled), new Set(['OVERLOADED']));
    coprocess.child.kill('SIGCONT');
    const outcomes = await Promise.all(pending);
    const answered = outcomes.filter(([outcome]) => outcome?.answer !== undefined).length;
    assert.is(answered, pending.length, 'what was queued is answered when the coprocess goes on');
  } finally {
    coprocess.child.kill('SIGCONT');
    await dispatcher.close();
    await coprocess.kill();
  }
});

failures('a coprocess of another version is refused with a clear text, and is not asked again and again', async () => {
  let attempts = 0;
  const server = new Server();
  const identity = { requestStream: true, responseStream: true, originalName: 'attach' } as const;
  const attach = {
    ...identity,
    path: '/interpose.link.v1.Link/Attach',
    requestSerialize: (value: FromGateway) => Buffer.from(FromGateway.encode(value).finish()),
    requestDeserialize: (bytes: Buffer) => FromGateway.decode(bytes),
    responseSerialize: (value: FromCoprocess) => Buffer.from(FromCoprocess.encode(value).finish()),
    responseDeserialize: (bytes: Buffer) => FromCoprocess.decode(bytes),
  };
  server.addService(
    { attach },
    {
      attach(call: { write(message: FromCoprocess): void }) {
        attempts++;
        call.write(FromCoprocess.fromPartial({ welcome: { version: linkVersion + 1 } }));
      },
    },
  );
  const port = await new Promise<number>((resolve) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, bound) => resolve(bound)),
  );
  const logged: string[] = [];
  const dispatcher = createLinkDispatcher({
    targets: [`127.0.0.1:${port}`],
    log: (level, message, fields) => logged.push(`${level}: ${message}: ${fields?.reason}`),
  });
  try {
    const report = await dispatcher.install(set, AbortSignal.timeout(500));
    const text = `the coprocess speaks version ${linkVersion + 1} of the link, this gateway version ${linkVersion}: run the same release on both sides`;
    assert.is(report.refused, `no coprocess can be reached: 127.0.0.1:${port}: ${text}`);
    assert.equal(logged, [`error: no link to a coprocess: ${text}`]);
    assert.is(attempts, 1);
  } finally {
    await dispatcher.close();
    server.forceShutdown();
  }
});

failures.run();
