import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from './peers/command.ts';
import * as peers from './peers/index.ts';

/** Sends a line to a port and gives the first answer. */
function ask(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write(line));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer.toString());
    });
  });
}

/** The message that a promise is rejected with; empty when it is not. */
function messageOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => '',
    (error: Error) => error.message,
  );
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'peers-test-'));
  try {
    await writeFile(join(folder, 'input.txt'), 'input');
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Builds `folder/input.txt` in a process of its own; gives the folder of the result. */
async function buildElsewhere(folder: string, outcome: 'succeed' | 'fail' = 'succeed'): Promise<string> {
  const script = join(import.meta.dirname, 'fixtures/peers/build-probe.ts');
  const args = ['--conditions=source', script, folder, outcome];
  return (await run({ program: process.execPath, args, cure: '' })).trim();
}

const real = suite('real peers');

real('valkey answers as Redis does, and is gone when closed', async () => {
  const valkey = await peers.valkey(['--requirepass', 'secret']);
  assert.is(await ask(valkey.port, 'AUTH secret\r\n'), '+OK\r\n');
  assert.is(await ask(valkey.port, 'PING\r\n'), '-NOAUTH Authentication required.\r\n');
  await valkey.close();
  assert.match(await messageOf(ask(valkey.port, 'PING\r\n')), 'ECONNREFUSED');
});

real('python has grpcio and protobuf', async () => {
  const script = 'import grpc, google.protobuf, yaml; print(grpc.__version__)';
  const version = await run({ program: await peers.python(), args: ['-c', script], cure: '' });
  assert.match(version, /^\d+\.\d+\.\d+\n$/);
});

real('jaeger keeps a span that is sent to it, and gives it back', async () => {
  const jaeger = await peers.jaeger();
  try {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    assert.is(await jaeger.query(`/api/traces/${traceId}`), undefined);
    const startTimeUnixNano = `${Date.now()}000000`;
    const span = {
      traceId,
      spanId: 'b7ad6b7169203331',
      name: 'GET /',
      startTimeUnixNano,
      endTimeUnixNano: startTimeUnixNano,
    };
    const response = await fetch(`${jaeger.otlpHttpEndpoint}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
    });
    assert.is(response.status, 200);
    const trace = (await jaeger.query(`/api/traces/${traceId}`)) as { data: { spans: { operationName: string }[] }[] };
    assert.is(trace.data[0]?.spans[0]?.operationName, 'GET /');
  } finally {
    await jaeger.close();
  }
});

real('a program that does not exist is a missing tool, with the cure', async () => {
  const message = await messageOf(run({ program: 'no-such-program', args: [], cure: 'install it' }));
  assert.is(message, 'missing tool: no-such-program: install it');
});

real.run();

const builds = suite('builds');

builds('of several processes that want a build, one makes it', async () => {
  await withFolder(async (folder) => {
    const outputs = await Promise.all([1, 2, 3].map(() => buildElsewhere(folder)));
    assert.equal(new Set(outputs).size, 1);
    assert.is(await readFile(join(folder, 'builds.log'), 'utf8'), 'built\n');
  });
});

builds('a build is made again when an input changes, and the old one goes', async () => {
  await withFolder(async (folder) => {
    const first = await buildElsewhere(folder);
    await writeFile(join(folder, 'input.txt'), 'changed');
    const second = await buildElsewhere(folder);
    assert.is.not(first, second);
    assert.not(existsSync(first));
    assert.is(await readFile(join(second, 'result'), 'utf8'), 'whole');
  });
});

builds('a build that fails leaves nothing, and is tried again', async () => {
  await withFolder(async (folder) => {
    assert.match(await messageOf(buildElsewhere(folder, 'fail')), 'the compiler broke');
    assert.equal(await readdir(join(folder, 'tools/probe')), []);
    assert.is(await readFile(join(await buildElsewhere(folder), 'result'), 'utf8'), 'whole');
  });
});

builds('the lock of a process that died is void', async () => {
  await withFolder(async (folder) => {
    const result = await buildElsewhere(folder);
    await rm(result, { recursive: true });
    const dead = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await new Promise((resolve) => dead.once('exit', resolve));
    await writeFile(`${result}.lock`, String(dead.pid));
    assert.is(await buildElsewhere(folder), result);
  });
});

builds.run();
