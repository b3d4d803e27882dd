import { createServer, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createStore, type Store, StoreUnavailable } from '../../../gateway/store/index.ts';
import { valkey } from '../../peers/index.ts';
import { answerOf, rightTo, until, withGateways } from '../session/gateways.ts';
import { endServers, redisConfiguration, withStores } from './stores.ts';

const down = suite('redis down');

/** Run `use` while the servers stand still. */
async function frozen(pids: readonly number[], use: () => Promise<void>): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    await use();
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
}

/** The answer's text and how long it took. */
async function timed(ask: () => Promise<string>): Promise<[answer: string, ms: number]> {
  const since = performance.now();
  return [await ask(), performance.now() - since];
}

const storeDown = '503 Service temporarily unavailable.';

down('while Redis is frozen, known keys go on at once, others are 503, and all is well again after it thaws', () =>
  withGateways('redis', {}, async ({ start, pids }) => {
    const gateway = await start();
    const { sessions, store } = gateway;
    for (const key of ['known', 'never-used'])
      await gateway.control(`POST /tyk/keys/${key}`, { org_id: 'default', access_rights: rightTo('tokens') });
    await gateway.control('POST /tyk/keys/limited', {
      org_id: 'default',
      rate: 1000,
      per: 1,
      access_rights: rightTo('tokens'),
    });
    assert.equal([await gateway.ask('known'), await gateway.ask('limited')], ['200', '200']);
    await frozen(pids, async () => {
      const [first, ms] = await timed(() => gateway.ask('never-used'));
      assert.is(first, storeDown);
      assert.ok(ms < 2500, `an unknown key waited ${ms} ms`);
      await until(() => !store.available, 3000);
      assert.is(sessions.available, false);
      for (let i = 0; i < 20; i++) {
        const [known, knownMs] = await timed(() => gateway.ask('known'));
        assert.is(known, '200');
        assert.ok(knownMs < 50, `a known key waited ${knownMs} ms`);
        for (const key of ['never-used', 'limited']) {
          const [answer, answerMs] = await timed(() => gateway.ask(key));
          assert.is(answer, storeDown);
          assert.ok(answerMs < 50, `${key} waited ${answerMs} ms`);
        }
      }
      assert.is((await gateway.control('GET /tyk/keys/defaultknown')).status, 503);
    });
    await until(() => store.available && store.hearing, 2000);
    assert.equal(
      [await gateway.ask('never-used'), await gateway.ask('known'), await gateway.ask('limited')],
      ['200', '200', '200'],
    );
  }),
);

down('a known key that is too old for memory is 503', () =>
  withGateways('redis', {}, async ({ start, pids }) => {
    const gateway = await start({ cacheMs: 300 });
    await gateway.control('POST /tyk/keys/brief', { org_id: 'default', access_rights: rightTo('tokens') });
    assert.is(await gateway.ask('brief'), '200');
    await frozen(pids, async () => {
      await until(() => !gateway.store.available, 3000);
      assert.is(await gateway.ask('brief'), storeDown);
    });
    await until(async () => (await gateway.ask('brief')) === '200', 3000);
  }),
);

down('an auth plugin decides alone while Redis is frozen, and its sessions are stored afterwards', () =>
  withGateways('redis', {}, async ({ start, pids }) => {
    const gateway = await start();
    await frozen(pids, async () => {
      await until(() => !gateway.store.available, 3000);
      assert.is(await gateway.answer(answerOf('alone')), '200');
    });
    await until(() => gateway.store.available && gateway.store.hearing, 2000);
    assert.is(await gateway.answer(answerOf('alone', { alias: 'later' })), '200');
    await until(async () => (await gateway.store.get('apikey-alone')) !== undefined);
  }),
);

down('what was deleted while our ear was cut off is gone as soon as we hear again', () =>
  withGateways('redis', {}, async ({ start, raw }) => {
    const gateway = await start();
    await gateway.control('POST /tyk/keys/unheard', { org_id: 'default', access_rights: rightTo('tokens') });
    assert.is(await gateway.ask('unheard'), '200');
    await raw.del('apikey-defaultunheard');
    assert.is(await gateway.ask('unheard'), '200');
    await raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(async () => (await gateway.ask('unheard')) !== '200', 500);
    await until(() => gateway.store.hearing);
  }),
);

down('while one node of a cluster is frozen, the keys of the others go on, and its own fail in time', () =>
  withStores('cluster', async ({ open, pids }) => {
    const store = await open();
    const names = Array.from({ length: 30 }, (_, i) => `apikey-${i}`);
    await Promise.all(names.map(async (name) => store.set(name, 'x', 0)));
    /** How many of the keys are there; each tells within its time limit. */
    const there = async (): Promise<number> => {
      const ask = async (name: string): Promise<boolean> => {
        const [answer, ms] = await timed(async () => (await Promise.resolve(store.get(name)).catch(() => '')) ?? '');
        assert.ok(ms < 2500, `${name} waited ${ms} ms`);
        return answer === 'x';
      };
      return (await Promise.all(names.map(ask))).filter(Boolean).length;
    };
    await frozen(pids.slice(0, 1), async () => {
      const first = await there();
      assert.ok(first > 10 && first < 30, `${first} of 30 keys were there`);
      await there();
      assert.is(store.available, true);
      await until(() => store.hearing, 10_000);
    });
    await until(async () => (await there()) === 30, 10_000);
  }),
);

down('a store that is not there yet is waited for, is then unavailable, and comes up by itself', async () => {
  const held = createServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => held.listen(0, '127.0.0.1', resolve));
  const { port } = held.address() as { port: number };
  await new Promise((resolve) => held.close(resolve));
  const store = await createStore(redisConfiguration([port], { timeoutMs: 300 }));
  try {
    assert.is(store.available, false);
    const error = await Promise.resolve(store.get('x')).catch((thrown: unknown) => thrown);
    assert.instance(error, StoreUnavailable);
    const server = await valkey(['--port', String(port)]);
    try {
      await until(() => store.available && store.hearing, 5000);
      await store.set('x', 'y', 0);
      assert.is(await store.get('x'), 'y');
    } finally {
      await server.close();
    }
  } finally {
    await store.close();
  }
});

down('a server that takes connections and never answers costs its time limit, and no more', async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  const since = performance.now();
  const store: Store = await createStore(redisConfiguration([port], { timeoutMs: 400 }));
  assert.ok(performance.now() - since < 1500);
  assert.is(store.available, false);
  await store.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});

down('the log tells once that Redis is out of reach, where it is and why, and once that it is back', () =>
  withStores('redis', async ({ raw, pids }) => {
    const port = raw.options.port as number;
    const lines: string[] = [];
    const store = await createStore(redisConfiguration([port], { timeoutMs: 500 }), (level, message) =>
      lines.push(`${level}: ${message}`),
    );
    assert.equal(lines, []);
    await frozen(pids, async () => {
      await until(() => !store.available, 3000);
      for (let i = 0; i < 3; i++) await Promise.resolve(store.get('anything')).catch(() => {});
    });
    await until(() => store.available, 3000);
    const where = `Redis at 127.0.0.1:${port}`;
    assert.equal(lines, [
      `warn: the store is out of reach, ${where}: it stopped answering; requests that need it get 503 until it answers`,
      `info: the store is back, ${where}`,
    ]);
    await store.close();
    assert.is(lines.length, 2);
  }),
);

down('each reason why Redis cannot be reached is told once, however often that is tried', async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as { port: number };
  await new Promise((resolve) => closed.close(resolve));
  const lines: string[] = [];
  const store = await createStore(redisConfiguration([port], { timeoutMs: 1500 }), (_, message) => lines.push(message));
  assert.equal(lines, [
    `the store is out of reach, Redis at 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}; requests that need it get 503 until it answers`,
  ]);
  await store.close();
});

down('user and password are shown, and a wrong one is reported', () =>
  withStores('redis', async ({ raw }) => {
    await raw.call('ACL', 'SETUSER', 'interpose', 'on', '>secret', '~*', '&*', '+@all');
    const as = (password: string) =>
      redisConfiguration([raw.options.port as number], { username: 'interpose', password, timeoutMs: 500 });
    const right = await createStore(as('secret'));
    assert.is(right.available, true);
    await right.close();
    const reports: string[] = [];
    const wrong = await createStore(as('guess'), (_, message) => reports.push(message));
    assert.is(wrong.available, false);
    assert.ok(
      reports.some((message) => message.includes('WRONGPASS')),
      String(reports),
    );
    await wrong.close();
  }),
);

down.after(endServers);
down.run();
