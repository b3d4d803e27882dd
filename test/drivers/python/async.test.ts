import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cancellation } from '../../../contract/cancellation.ts';
import type { PluginFailure } from '../../../contract/failure.ts';
import { SessionState } from '../../../proto/gen/coprocess_session_state.ts';
import { kinds, type LoadedPython, type PythonTest, withPython } from './with-python.ts';

const header = (answer: { request?: { setHeaders?: readonly (readonly [string, string])[] } }): string | undefined =>
  answer.request?.setHeaders?.[0]?.[1];
const failed = (promise: Promise<unknown>): Promise<PluginFailure> =>
  promise.then(
    () => assert.unreachable('it did not fail'),
    (error: unknown) => error as PluginFailure,
  ) as Promise<PluginFailure>;

/** A peer that hooks speak to: each connection sends a name, and gets a line when the test says so. */
async function withPeer(use: (port: number, arrived: () => Promise<[string, Socket]>) => Promise<void>): Promise<void> {
  const callers: [string, Socket][] = [];
  const server = createServer((socket) => {
    socket.once('data', (name) => {
      callers.push([name.toString(), socket]);
      server.emit('named');
    });
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use((server.address() as { port: number }).port, async () => {
      while (callers.length === 0) await once(server, 'named');
      return callers.shift() as [string, Socket];
    });
  } finally {
    for (const [, socket] of callers) socket.destroy();
    server.close();
  }
}

const plugin = (port: number): string => `
import asyncio, os, sys
from tyk.decorators import *
from gateway import TykGateway as tyk
ended = []

async def ask(name):
    reader, writer = await asyncio.open_connection("127.0.0.1", ${port})
    writer.write(name.encode())
    try:
        return (await reader.readline()).decode().strip()
    finally:
        writer.close()

@Hook
async def remote(request, session, metadata, spec):
    name = request.get_header("X-Name")
    print("asking for", name)
    answer = await ask(name)
    await asyncio.to_thread(print, "in a thread for", name)
    sys.stderr.write("done with " + name)
    request.add_header("X-Answer", "%s: %s %s" % (name, answer, request.traceparent))
    return request, session, metadata

@Hook
async def endless(request, session, spec):
    try:
        await ask("endless")
    except asyncio.CancelledError:
        ended.append("cancelled %d" % len(ended))
        raise
    return request, session

@Hook
async def stubborn(request, session, spec):
    try:
        await ask("stubborn")
    except asyncio.CancelledError:
        await ask("cleaning up")
        ended.append("cleaned up")
        raise ValueError("while it cleaned up")

@Hook
async def spin(request, session, spec):
    while True: pass

@Hook
def plain(request, session, spec):
    asyncio.run(asyncio.sleep(0))
    return request, session

@Hook
async def until(request, session, spec):
    while request.get_header("X-Wanted") not in ended: await asyncio.sleep(0.001)
    return request, session

@Hook
async def boom(request, session, spec):
    await asyncio.sleep(0)
    raise ValueError("secret detail")

@Hook
async def leave(request, session, spec):
    sys.exit(3)

@Hook
async def left_behind(request, session, spec):
    async def leave(): sys.exit(3)
    asyncio.get_running_loop().create_task(leave())
    await asyncio.sleep(0)
    return request, session

@Hook
async def stay(request, session, spec):
    async def stay():
        try:
            await asyncio.Event().wait()
        finally:
            await ask("bye")
    tasks.append(asyncio.get_running_loop().create_task(stay()))
    await asyncio.sleep(0)
    return request, session
tasks = []

@Hook
async def nothing(request, session, spec): pass

@Hook
async def check(request, session, metadata, spec):
    await asyncio.sleep(0)
    session.rate = 10
    metadata["token"] = spec["APIID"]
    return request, session, metadata

@Hook
async def answer(request, response, session, metadata, spec):
    await asyncio.sleep(0)
    response.raw_body = response.raw_body.upper()

@Hook
async def stored(request, session, spec):
    here = tyk.get_data("key")
    there = await asyncio.to_thread(tyk.get_data, "key")
    request.add_header("X-Stored", (here + there).decode())
    return request, session

@Hook
async def two(request, session): pass
`;

const hooks = [
  ['remote', 'pre'],
  ['endless', 'pre'],
  ['stubborn', 'pre'],
  ['spin', 'pre'],
  ['plain', 'pre'],
  ['until', 'pre'],
  ['boom', 'pre'],
  ['leave', 'pre'],
  ['left_behind', 'pre'],
  ['nothing', 'pre'],
  ['stay', 'pre'],
  ['check', 'auth'],
  ['answer', 'response'],
  ['stored', 'pre'],
] as const;
const at = (name: (typeof hooks)[number][0]): number => hooks.findIndex(([one]) => one === name);

async function withPlugin(
  use: (python: LoadedPython, arrived: () => Promise<[string, Socket]>) => Promise<void>,
  test: Partial<PythonTest> = {},
): Promise<void> {
  await withPeer(async (port, arrived) => {
    await withPython({ files: { 'middleware.py': plugin(port) }, hooks, ...test }, (python) => use(python, arrived));
  });
}

const trace = (digit: string): string => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;

for (const kind of kinds) {
  const claims = suite(`python async hooks, ${kind}`);

  claims('calls wait side by side, each with its own trace context, and other hooks run meanwhile', async () => {
    await withPlugin(
      async ({ run, log }, arrived) => {
        const one = run(at('remote'), { headers: { 'X-Name': 'one' }, traceparent: trace('1') });
        const [first, firstSocket] = await arrived();
        const two = run(at('remote'), { headers: { 'X-Name': 'two' }, traceparent: trace('2') });
        const [second, secondSocket] = await arrived();
        assert.equal([first, second], ['one', 'two']);
        assert.ok((await run(at('plain'))).request);
        secondSocket.end('2\n');
        assert.is(header(await two), `two: 2 ${trace('2')}`);
        firstSocket.end('1\n');
        assert.is(header(await one), `one: 1 ${trace('1')}`);
        const said = (digit: string): unknown[] =>
          log
            .filter(({ fields }) => fields?.traceId === digit.repeat(32))
            .map(({ level, message, fields }) => [level, message, fields?.source, fields?.hook, fields?.api]);
        for (const [digit, name] of ['1 one', '2 two'].map((pair) => pair.split(' ') as [string, string])) {
          assert.equal(said(digit), [
            ['info', `asking for ${name}`, 'stdout', 'remote', 'orders'],
            ['info', `in a thread for ${name}`, 'stdout', 'remote', 'orders'],
            ['warn', `done with ${name}`, 'stderr', 'remote', 'orders'],
          ]);
        }
      },
      { kind },
    );
  });

  claims('an auth hook fills in a session, and a response hook changes the body', async () => {
    await withPlugin(
      async ({ run }) => {
        const session = SessionState.decode((await run(at('check'))).session as Uint8Array);
        assert.is(new Map(Object.entries(session.metadata)).get('token'), 'orders');
        const changed = await run(at('answer'), { response: { status: 200, body: 'up' } });
        assert.is(changed.response?.body?.toString(), 'UP');
      },
      { kind },
    );
  });

  claims.run();
}

const life = suite('python async guests');

life('a call past its deadline is cancelled, and the others in the guest live on', async () => {
  await withPlugin(
    async ({ run, log }, arrived) => {
      const other = run(at('remote'), { headers: { 'X-Name': 'other' } });
      const [, socket] = await arrived();
      const late = failed(run(at('endless'), { timeoutMs: 500 }));
      await arrived();
      assert.is((await late).reason, 'HOOK_TIMED_OUT');
      await run(at('until'), { headers: { 'X-Wanted': 'cancelled 0' } });
      const cancellation = new Cancellation();
      const gone = failed(run(at('endless'), { cancellation }));
      await arrived();
      cancellation.cancel();
      assert.is((await gone).reason, 'CANCELLED');
      await run(at('until'), { headers: { 'X-Wanted': 'cancelled 1' } });
      socket.end('late\n');
      assert.match(header(await other) ?? '', /^other: late/);
      assert.not(log.some(({ message }) => message.includes('is gone')));
    },
    { options: { cancelGraceMs: 50 } },
  );
});

life('a hook that takes its time to clean up is not killed for it', async () => {
  await withPlugin(
    async ({ run, log }, arrived) => {
      const cancellation = new Cancellation();
      const given = failed(run(at('stubborn'), { cancellation }));
      await arrived();
      cancellation.cancel();
      assert.is((await given).reason, 'CANCELLED');
      const [name, socket] = await arrived();
      assert.is(name, 'cleaning up');
      // Longer than the grace, and than ten times of it: nothing is owed any more.
      assert.is((await failed(run(at('endless'), { timeoutMs: 200 }))).reason, 'HOOK_TIMED_OUT');
      const cleanedUp = run(at('until'), { headers: { 'X-Wanted': 'cleaned up' } });
      socket.end('\n');
      await cleanedUp;
      assert.ok(log.some(({ message }) => message.includes('while it cleaned up')));
      assert.not(log.some(({ message }) => message.includes('is gone')));
    },
    { options: { cancelGraceMs: 10 } },
  );
});

life('a loop without an await is ended with its guest', async () => {
  await withPlugin(
    async ({ run }) => {
      assert.is((await failed(run(at('spin'), { timeoutMs: 100 }))).reason, 'HOOK_TIMED_OUT');
      assert.is((await failed(run(at('plain')))).reason, 'DRIVER_UNAVAILABLE');
      assert.ok((await run(at('plain'))).request);
    },
    { options: { cancelGraceMs: 100 } },
  );
});

life('an exception, sys.exit and a wrong result fail one call', async () => {
  await withPlugin(async ({ run, log }) => {
    const names = ['boom', 'leave', 'nothing'] as const;
    const failures = await Promise.all(names.map((name) => failed(run(at(name)))));
    assert.equal(
      failures.map(({ reason }) => reason),
      ['HOOK_THREW', 'HOOK_THREW', 'HOOK_THREW'],
    );
    const boom = log.find(({ message }) => message.includes('secret detail'));
    assert.match(String(boom?.fields?.stack), /in boom/);
    assert.ok((await run(at('left_behind'))).request);
    assert.ok((await run(at('plain'))).request);
    assert.not(log.some(({ message }) => message.includes('is gone')));
  });
});

life('a task that outlives its call cleans up when the guest ends', async () => {
  let log: LoadedPython['log'] = [];
  let name = '';
  await withPeer(async (port, arrived) => {
    await withPython({ files: { 'middleware.py': plugin(port) }, hooks }, async (python) => {
      ({ log } = python);
      assert.ok((await python.run(at('stay'))).request);
    });
    [name] = await arrived();
  });
  assert.is(name, 'bye');
  assert.not(log.some(({ message }) => message.includes('destroyed')));
});

life('the gateway is asked from a coroutine, and from a thread of it', async () => {
  const request = async (service: string): Promise<unknown> => (service === 'storage.get' ? 'kept ' : null);
  await withPlugin(
    async ({ run }) => {
      assert.is(header(await run(at('stored'))), 'kept kept ');
    },
    { request },
  );
});

life('hundreds of calls wait at a time', async () => {
  await withPlugin(async ({ run }, arrived) => {
    const names = Array.from({ length: 300 }, (_, i) => `n${i}`);
    const all = names.map((name) => run(at('remote'), { headers: { 'X-Name': name } }));
    const sockets: Socket[] = [];
    for (const _ of names) sockets.push((await arrived())[1]);
    for (const socket of sockets) socket.end('ok\n');
    const answers = await Promise.all(all);
    assert.equal(
      answers.map(header),
      names.map((name) => `${name}: ok None`),
    );
  });
});

life('the number of parameters counts, as for other hooks', async () => {
  const test = { hooks: [['two', 'pre']], options: { missing: 'refuse' } } as const;
  await withPlugin(async ({ reports }) => {
    assert.equal(reports, [{ ready: false, reason: 'two takes 2 parameters; a hook takes 3, 4 or 5' }]);
  }, test);
});

life('asyncio is not imported for hooks that do not need it', async () => {
  const files = {
    'middleware.py': `
import sys
from tyk.decorators import *
def inner(request, session, spec):
    request.add_header("X-There", repr("asyncio" in sys.modules))
    return request, session
Alias = Hook(inner)
`,
  };
  await withPython({ files, hooks: [['inner', 'pre']] }, async ({ run }) => assert.is(header(await run(0)), 'False'));
});

life.run();
