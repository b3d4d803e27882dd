import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cancellation } from '../../../contract/cancellation.ts';
import { createGuest, createGuests, type GuestAnswer, WarmGuests } from '../../../drivers/guest/index.ts';
import { restartDelayMs } from '../../../drivers/guest/restart.ts';
import { failure, RecordingHost, withFaultyGuest } from './with-guest.ts';

const life = suite('life of a guest');

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Wait until a condition holds that no event tells of. */
async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error('it did not happen within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

life('the first call starts the guest, and waits for it', async () => {
  await withFaultyGuest({}, async ({ guest, ask }) => {
    assert.is(guest.status.state, 'stopped');
    assert.is((await ask('echo', { members: { echo: 1 } })).message.echo, 1);
    assert.is(guest.status.state, 'ready');
  });
});

for (const [what, options, why] of [
  [
    'whose program does not exist',
    { command: '/no/such/program' },
    /it cannot be started: spawn \/no\/such\/program ENOENT/,
  ],
  ['that throws while loading', { load: { fail: true } }, /it exited with code 1; it last said: Node\.js/],
  [
    'that speaks another version',
    { load: { protocol: 2 } },
    /speaks version 2 of the guest protocol, this host version 1/,
  ],
  ['that never reports', { load: { silent: true }, startTimeoutMs: 100 }, /it was not ready within 100 ms/],
  [
    'with bad capabilities',
    { load: { capabilities: { concurrency: 0 } } },
    /"concurrency" must be a positive integer, got 0/,
  ],
] as const) {
  life(`a guest ${what} is unavailable, and the failure says why`, async () => {
    await withFaultyGuest(options, async ({ guest, ask }) => {
      const { reason, message } = await failure(guest.start());
      assert.is(reason, 'DRIVER_UNAVAILABLE');
      assert.match(message, why);
      const beganMs = performance.now();
      assert.match((await failure(ask('echo'))).message, why);
      assert.ok(performance.now() - beganMs < 20, 'calls are refused at once until the next start is due');
    });
  });
}

life('a guest that could not start is tried again by a later call', async () => {
  let broken = true;
  const load = {
    get fail() {
      return broken;
    },
  };
  await withFaultyGuest({ load }, async ({ guest, ask }) => {
    await failure(guest.start());
    broken = false;
    let answered = false;
    await until(() => {
      ask('echo').then(
        () => {
          answered = true;
        },
        () => {},
      );
      return answered;
    });
  });
});

life('the first death costs no pause; a crash loop is slowed down to one start a second', () => {
  assert.equal(
    [0, 1, 2, 3, 4, 5, 6, 20].map((failures) => restartDelayMs(failures, true)),
    [0, 100, 200, 400, 800, 1000, 1000, 1000],
  );
  assert.equal(
    [0, 1, 2, 3, 4].map((failures) => restartDelayMs(failures, false)),
    [100, 200, 400, 800, 1000],
  );
});

life('calls wait out a pause of the crash loop', async () => {
  await withFaultyGuest({}, async ({ guest, ask }) => {
    await failure(ask('exit'));
    await failure(ask('exit'));
    const beganMs = performance.now();
    assert.is((await ask('echo', { members: { echo: 1 } })).message.echo, 1);
    assert.ok(performance.now() - beganMs >= 90);
    assert.is(guest.status.deaths, 2);
  });
});

const nextFrame = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

life('a guest that runs calls in order dies: those that it had not begun go to the next, in their order', async () => {
  await withFaultyGuest({ load: { capabilities: { inOrder: true } }, cancelGraceMs: 200 }, async ({ guest, ask }) => {
    const { pid } = (await ask('who')).message;
    const looping = failure(ask('loop', { timeoutMs: 100 }));
    await nextFrame();
    const ended: string[] = [];
    const waiting = ['first', 'second'].map((echo) => ask('echo', { members: { echo } }).then(() => ended.push(echo)));
    await nextFrame();
    const late = failure(ask('echo', { timeoutMs: 150 }));
    assert.is((await looping).reason, 'HOOK_TIMED_OUT');
    assert.is((await late).reason, 'HOOK_TIMED_OUT');
    await Promise.all(waiting);
    assert.equal(ended, ['first', 'second']);
    assert.is.not((await ask('who')).message.pid, pid);
    assert.is(guest.status.deaths, 1);
  });
});

for (const [who, inOrder, next] of [
  ['a guest that runs calls side by side', false, nextFrame],
  ['one frame, of which nobody knows how far it came', true, async () => {}],
] as const) {
  life(`what else ${who} owed when it died is not run a second time`, async () => {
    await withFaultyGuest({ load: { capabilities: { inOrder } }, cancelGraceMs: 50 }, async ({ guest, ask }) => {
      await guest.start();
      const looping = failure(ask('loop', { timeoutMs: 100 }));
      await next();
      const beside = failure(ask('echo'));
      assert.is((await looping).reason, 'HOOK_TIMED_OUT');
      assert.is((await beside).reason, 'DRIVER_UNAVAILABLE');
    });
  });
}

life('a guest that is closed while it hangs takes what it had not begun with it', async () => {
  const options = { load: { capabilities: { inOrder: true } }, drainTimeoutMs: 50 };
  await withFaultyGuest(options, async ({ guest, ask }) => {
    await guest.start();
    const looping = failure(ask('loop'));
    await nextFrame();
    const beside = failure(ask('echo'));
    await nextFrame();
    await guest.close();
    assert.equal([(await looping).reason, (await beside).reason], ['DRIVER_UNAVAILABLE', 'DRIVER_UNAVAILABLE']);
  });
});

life('an idle guest is ended, and the next call starts a new one', async () => {
  await withFaultyGuest({ idleMs: 100 }, async ({ guest, ask }) => {
    const first = (await ask('who')).message.pid as number;
    await until(() => guest.status.state === 'stopped' && !alive(first));
    assert.is.not((await ask('who')).message.pid, first);
    assert.is(guest.status.deaths, 0);
  });
});

life('a guest is replaced by one with other data without losing a call', async () => {
  await withFaultyGuest({ load: { round: 1, acknowledge: true } }, async ({ guest, ask }) => {
    const first = (await ask('who')).message.pid as number;
    const running = failure(ask('never', { timeoutMs: 300 }));
    await guest.replace({ round: 2 }, () => {});
    const answer = await ask('who');
    assert.is((answer.message.load as { round: number }).round, 2);
    assert.ok(alive(first), 'the old one still owes an answer');
    assert.is((await running).reason, 'HOOK_TIMED_OUT');
    await until(() => !alive(first));
  });
});

life('a replacement that is not accepted leaves the old one in place', async () => {
  await withFaultyGuest({ load: { round: 1 } }, async ({ guest, ask }) => {
    const { pid } = (await ask('who')).message;
    const refuse = (): void => {
      throw new Error('not good enough');
    };
    assert.is((await failure(guest.replace({ round: 2 }, refuse))).message, 'not good enough');
    assert.match((await failure(guest.replace({ fail: true }, () => {}))).message, /it exited with code 1/);
    assert.is((await ask('who')).message.pid, pid);
  });
});

life('a guest is recycled after so many calls, and none of them is lost', async () => {
  await withFaultyGuest({ recycle: { calls: 20 } }, async ({ guest, ask }) => {
    const pids = new Set<unknown>();
    const answers: unknown[] = [];
    for (let i = 0; i < 100; i++) {
      answers.push((await ask('echo', { members: { echo: i } })).message.echo);
      pids.add(guest.status.pid);
    }
    assert.equal(
      answers,
      Array.from({ length: 100 }, (_, i) => i),
    );
    await until(() => {
      void ask('echo');
      return guest.status.pid !== undefined && !pids.has(guest.status.pid);
    });
    assert.is(guest.status.deaths, 0);
  });
});

life('of many idle guests only so many stay warm; the others come back when they are called', async () => {
  const warm = new WarmGuests(1);
  await withFaultyGuest({ warm }, async (one) => {
    await withFaultyGuest({ warm }, async (other) => {
      await one.ask('echo');
      await other.ask('echo');
      await until(() => one.guest.status.state === 'stopped');
      await one.ask('echo');
      await until(() => other.guest.status.state === 'stopped');
    });
  });
});

life('several instances share the calls, and are one guest to the outside', async () => {
  const host = new RecordingHost();
  const args = [new URL('faulty-guest.mjs', import.meta.url).pathname];
  const options = { name: 'group', command: process.execPath, args, load: { acknowledge: true }, host };
  const group = createGuests(options, 3);
  try {
    await group.start();
    const call = (deed: string): Promise<GuestAnswer> =>
      group.call({
        members: `"deed":"${deed}"`,
        parts: [],
        deadlineMs: performance.now() + 300,
        cancellation: new Cancellation(),
      });
    const stuck = [failure(call('never')), failure(call('never'))];
    const pid = (await call('who')).message.pid as number;
    assert.is((await call('who')).message.pid, pid, 'the one without a call is the one that is asked');
    assert.is(group.status.openCalls, 2);
    await Promise.all(stuck);
  } finally {
    await group.close();
  }
  assert.is(group.status.state, 'stopped');
});

life('while one of several instances is started again, the others take the calls', async () => {
  const host = new RecordingHost();
  const args = [new URL('faulty-guest.mjs', import.meta.url).pathname];
  const group = createGuests({ name: 'group', command: process.execPath, args, load: {}, host }, 2);
  const call = (deed: string): Promise<GuestAnswer> =>
    group.call({
      members: `"deed":"${deed}"`,
      parts: [],
      deadlineMs: performance.now() + 5000,
      cancellation: new Cancellation(),
    });
  try {
    await group.start();
    const [one, other] = await Promise.all([call('who'), call('who')]);
    const dying = failure(call('exit'));
    const { pid } = (await call('who')).message;
    assert.is((await dying).reason, 'DRIVER_UNAVAILABLE');
    assert.ok([one.message.pid, other.message.pid].includes(pid));
    assert.is((await call('who')).message.pid, pid);
  } finally {
    await group.close();
  }
});

life('close lets running calls end', async () => {
  await withFaultyGuest({}, async ({ guest, ask }) => {
    const { pid } = (await ask('who')).message;
    const call = ask('drip');
    await guest.close();
    assert.is((await call).message.echo, 'drops');
    assert.not.ok(alive(pid as number));
    assert.is((await failure(ask('echo'))).reason, 'DRIVER_UNAVAILABLE');
  });
});

life('close ends what does not end by itself', async () => {
  await withFaultyGuest({ drainTimeoutMs: 50 }, async ({ guest, ask }) => {
    await guest.start();
    const looping = failure(ask('loop'));
    await guest.close();
    assert.is((await looping).reason, 'DRIVER_UNAVAILABLE');
  });
});

life('options that make no sense are refused', () => {
  const guest = { name: 'g', command: 'x', args: [], load: {}, host: new RecordingHost() };
  assert.throws(() => createGuest({ ...guest, idleMs: 0 }), '"idleMs" must be a positive number, got 0');
  assert.throws(() => createGuest({ ...guest, recycle: { calls: -1 } }), '"calls" must be a positive number');
});

life('an idle guest does not keep its host alive, and does not outlive it', async () => {
  const program = `
    import { createGuest } from ${JSON.stringify(new URL('../../../drivers/guest/index.ts', import.meta.url).href)};
    const guest = createGuest({
      name: 'g', command: process.execPath, args: [${JSON.stringify(new URL('faulty-guest.mjs', import.meta.url).pathname)}],
      load: {}, host: { log() {}, async request() {} },
    });
    await guest.start();
    console.log(guest.status.pid);`;
  const host = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  host.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  const [code] = await once(host, 'exit');
  assert.is(code, 0);
  await until(() => !alive(Number(printed)));
});

life.run();
