import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cancellation } from '../../../contract/cancellation.ts';
import { failure, withFaultyGuest } from './with-guest.ts';

const guests = suite('guests');

guests('a call goes out with its bytes, and its answer comes back with its own', async () => {
  await withFaultyGuest({}, async ({ ask }) => {
    const answer = await ask('echo', { members: { echo: 'ä€😀' }, parts: [Buffer.from('one'), Buffer.alloc(0)] });
    assert.is(answer.message.echo, 'ä€😀');
    assert.equal(
      answer.parts.map((part) => part.toString()),
      ['one', ''],
    );
    assert.is(answer.timing.runUs, 5);
    assert.ok(answer.timing.wireUs > 0);
  });
});

guests('many calls at once get each its own answer', async () => {
  await withFaultyGuest({}, async ({ ask }) => {
    const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => ask('echo', { members: { echo: i } })));
    assert.equal(
      answers.map((answer) => answer.message.echo),
      Array.from({ length: 500 }, (_, i) => i),
    );
  });
});

guests('a body of 20 MB goes there and back', async () => {
  await withFaultyGuest({}, async ({ ask }) => {
    const body = Buffer.alloc(20 * 1024 * 1024, 'interpose ');
    const answer = await ask('echo', { parts: [body] });
    assert.ok(answer.parts[0]?.equals(body));
  });
});

guests('an answer that drips in byte by byte is read', async () => {
  await withFaultyGuest({}, async ({ ask }) => {
    const answer = await ask('drip');
    assert.is(answer.message.echo, 'drops');
    assert.is(answer.parts[0]?.toString(), 'body');
  });
});

guests('when a guest dies, all it owes is rejected with the reason, and the next call gets a new guest', async () => {
  await withFaultyGuest({}, async ({ guest, ask }) => {
    await guest.start();
    const owed = Array.from({ length: 10 }, () => failure(ask('never')));
    owed.push(failure(ask('exit')));
    for (const { reason, message } of await Promise.all(owed)) {
      assert.is(reason, 'DRIVER_UNAVAILABLE');
      assert.match(message, /test guest \(pid \d+\) is gone: it exited with code 3; it last said: about to go/);
    }
    assert.is((await ask('echo', { members: { echo: 1 } })).message.echo, 1);
    assert.is(guest.status.deaths, 1);
  });
});

guests('kill -9 under load: what is owed is rejected within a moment, and what comes then is answered', async () => {
  await withFaultyGuest({}, async ({ guest, ask }) => {
    await guest.start();
    const { pid } = guest.status;
    const calls = Array.from({ length: 50 }, () => failure(ask('never')));
    // An answer shows that the guest has taken the calls.
    await ask('echo');
    process.kill(pid as number, 'SIGKILL');
    const killedMs = performance.now();
    const failures = await Promise.all(calls);
    assert.ok(performance.now() - killedMs < 200);
    assert.match(failures[0]?.message as string, /it was ended by SIGKILL/);
    assert.is((await ask('echo', { members: { echo: 'again' } })).message.echo, 'again');
  });
});

guests('the host stops waiting at the deadline', async () => {
  await withFaultyGuest({ load: { acknowledge: true } }, async ({ guest, ask }) => {
    await guest.start();
    for (const timeoutMs of [50, 200]) {
      const beganMs = performance.now();
      const { reason, message } = await failure(ask('never', { timeoutMs }));
      const tookMs = performance.now() - beganMs;
      assert.is(reason, 'HOOK_TIMED_OUT');
      assert.match(message, /did not answer within \d+ ms$/);
      assert.ok(tookMs >= timeoutMs - 2 && tookMs < timeoutMs + 40, `${tookMs} ms`);
    }
    assert.is((await ask('echo', { members: { echo: 1 } })).message.echo, 1);
    assert.is(guest.status.deaths, 0, 'a guest that acknowledges the end of a call is left alone');
  });
});

guests('a guest in an endless loop is killed after the grace, and replaced', async () => {
  await withFaultyGuest({ cancelGraceMs: 200 }, async ({ guest, host, ask }) => {
    await guest.start();
    const beganMs = performance.now();
    const looping = failure(ask('loop', { timeoutMs: 100 }));
    const behind = failure(ask('echo'));
    assert.is((await looping).reason, 'HOOK_TIMED_OUT');
    const { reason, message } = await behind;
    assert.is(reason, 'DRIVER_UNAVAILABLE');
    assert.match(message, /it ignored the end of a call for \d+ ms and was killed/);
    assert.is((await ask('echo', { members: { echo: 1 } })).message.echo, 1);
    assert.ok(performance.now() - beganMs < 1000);
    await host.line((line) => line.level === 'warn' && line.message.includes('is gone'));
  });
});

guests('a guest that says other things, but never how the cancelled call ended, is killed too', async () => {
  await withFaultyGuest({ cancelGraceMs: 50 }, async ({ guest, host, ask }) => {
    await guest.start();
    await failure(ask('restless', { timeoutMs: 50 }));
    await host.line((line) => line.message.includes('ignored the end of a call'));
    assert.is((await ask('echo', { members: { echo: 1 } })).message.echo, 1);
  });
});

guests('a call whose client goes away is given up at once', async () => {
  await withFaultyGuest({ load: { acknowledge: true } }, async ({ guest, ask }) => {
    await guest.start();
    const cancellation = new Cancellation();
    const call = failure(ask('never', { cancellation }));
    cancellation.cancel();
    assert.is((await call).reason, 'CANCELLED');
    assert.is((await failure(ask('echo', { cancellation }))).reason, 'CANCELLED');
    await ask('echo');
    assert.is(guest.status.openCalls, 0);
  });
});

guests('calls beyond what a guest takes at a time wait with the host, and are cancelled there', async () => {
  const load = { acknowledge: true, capabilities: { concurrency: 1 } };
  await withFaultyGuest({ load }, async ({ guest, ask }) => {
    await guest.start();
    const cancellation = new Cancellation();
    const first = failure(ask('never', { timeoutMs: 100 }));
    const second = failure(ask('never', { cancellation }));
    const third = ask('echo', { members: { echo: 3 } });
    assert.is(guest.status.waitingCalls, 2);
    cancellation.cancel();
    assert.is((await second).reason, 'CANCELLED');
    assert.is((await first).reason, 'HOOK_TIMED_OUT');
    const answer = await third;
    assert.is(answer.message.echo, 3);
    assert.ok(answer.timing.queueUs > 50_000, 'it waited its turn');
  });
});

guests('too many open calls, or bytes of them, are refused as overload', async () => {
  await withFaultyGuest({ maxQueuedCalls: 2, maxQueuedBytes: 100 }, async ({ guest, ask }) => {
    await guest.start();
    const cancellation = new Cancellation();
    const calls = [failure(ask('never', { parts: [Buffer.alloc(60)], cancellation }))];
    assert.is((await failure(ask('echo', { parts: [Buffer.alloc(60)] }))).reason, 'OVERLOADED');
    calls.push(failure(ask('never', { cancellation })));
    const { reason, message } = await failure(ask('echo'));
    assert.is(reason, 'OVERLOADED');
    assert.match(message, /has 2 calls with 60 bytes open already/);
    cancellation.cancel();
    await Promise.all(calls);
    assert.is((await ask('echo', { members: { echo: 1 } })).message.echo, 1);
  });
});

guests('a call that is too large for a frame is refused by itself', async () => {
  await withFaultyGuest({ maxFrameBytes: 10_000 }, async ({ ask }) => {
    assert.is((await failure(ask('echo', { parts: [Buffer.alloc(6000)] }))).reason, 'CALL_UNSENDABLE');
    assert.is((await ask('echo', { parts: [Buffer.alloc(4000)] })).parts[0]?.length, 4000);
  });
});

for (const [deed, why] of [
  ['garbage', /it broke the protocol: a frame of 1195725856 bytes is over the limit/],
  ['lie', /it broke the protocol: a message of type "answer" owns more bytes than its frame has/],
] as const) {
  guests(`a guest that writes ${deed} instead of frames is replaced`, async () => {
    await withFaultyGuest({}, async ({ ask }) => {
      const { reason, message } = await failure(ask(deed));
      assert.is(reason, 'DRIVER_UNAVAILABLE');
      assert.match(message, why);
      assert.is((await ask('echo', { members: { echo: 1 } })).message.echo, 1);
    });
  });
}

guests('a memory bomb is ended at the limit, and said so', async () => {
  await withFaultyGuest({ memoryLimitBytes: 200 * 1024 * 1024 }, async ({ ask }) => {
    const { reason, message } = await failure(ask('bomb'));
    assert.is(reason, 'DRIVER_UNAVAILABLE');
    assert.match(message, /it held \d+ MiB of memory, over its limit of 200 MiB, and was killed/);
    assert.is((await ask('echo', { members: { echo: 1 } })).message.echo, 1);
  });
});

guests('an error comes back with what the guest says of it, and its trace is logged', async () => {
  await withFaultyGuest({}, async ({ ask, host }) => {
    const { reason, message } = await failure(ask('throw'));
    assert.is(reason, 'HOOK_THREW');
    assert.is(message, 'no good');
    const { fields } = await host.line((line) => line.level === 'error' && line.message === 'no good');
    assert.match(fields?.stack as string, /plugin\.rb:7/);
  });
});

guests('the gateway is asked over the same channel', async () => {
  await withFaultyGuest({}, async ({ ask }) => {
    assert.equal((await ask('ask', { members: { service: 'storage.get' } })).message.result, { found: 'a' });
    assert.is((await ask('ask', { members: { service: 'x' } })).message.error, 'no service x');
  });
});

guests('a guest sees no secret of its host', async () => {
  process.env.INTERPOSE_SECRET = 'hush';
  await withFaultyGuest({ env: { FOR_PLUGINS: 'yes' } }, async ({ ask }) => {
    const environment = (await ask('environment')).message.environment as Record<string, string>;
    assert.is(environment.FOR_PLUGINS, 'yes');
    assert.is(environment.PATH, process.env.PATH);
    assert.not.ok(JSON.stringify(environment).includes('hush'));
    assert.not.ok('NODE_OPTIONS' in environment);
  });
});

guests('what a guest prints is logged line by line, long lines cut', async () => {
  await withFaultyGuest({}, async ({ ask, host }) => {
    await ask('print');
    await Promise.all(['two', 'three'].map((word) => host.line((line) => line.message === word)));
    const printed = host.lines.filter((line) => line.fields?.source !== undefined);
    const from = (source: string): string[] =>
      printed
        .filter((line) => line.fields?.source === source)
        .map((line) => `${line.level} ${line.message.slice(0, 5)}`);
    assert.equal(from('stdout'), ['info one', 'info xxxxx', 'info three']);
    assert.equal(from('stderr'), ['warn two']);
    assert.ok(printed.every((line) => line.message.length < 8200));
  });
});

guests('a guest that floods its output still answers, and its log stays within bounds', async () => {
  await withFaultyGuest({ maxLogLinesPerSecond: 50 }, async ({ ask, host }) => {
    await ask('flood', { timeoutMs: 10_000 });
    await host.line((line) => /said too much: \d+ lines of log dropped/.test(line.message));
    assert.ok(host.lines.length < 1000, `${host.lines.length} lines`);
  });
});

guests.run();
