import { once } from 'node:events';
import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cancellation } from '../../../contract/cancellation.ts';
import { PluginFailure } from '../../../contract/failure.ts';
import { createGrpcDriver, type PluginServerOptions } from '../../../drivers/grpc/index.ts';
import { type CallOptions, hookCall, pluginSet } from '../hook-call.ts';

const calls = suite('calls of a plugin server');

type Bytes = Buffer;
type Answer = (call: ServerUnaryCall<Bytes, Bytes>, done: sendUnaryData<Bytes>) => void;

const echo: Answer = (call, done) => done(null, call.request);

/** A plugin server of grpc-js's own making; the returned address is `127.0.0.1:port`. */
async function servePlugins(answer: Answer): Promise<{ address: string; server: Server }> {
  const server = new Server({ 'grpc.max_receive_message_length': -1 });
  const asIs = (bytes: Buffer): Buffer => bytes;
  const method = {
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  const kind = { path: '/coprocess.Dispatcher/Dispatch', requestStream: false, responseStream: false } as const;
  server.addService({ Dispatch: { ...kind, ...method } }, { Dispatch: answer });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { address: `127.0.0.1:${port}`, server };
}

type Run = (options?: CallOptions) => Promise<unknown>;

/** A driver with one hook on a plugin server. Its first call connects, so that the rest starts on a connection that is ready. */
async function withHook(server: Partial<PluginServerOptions> & { target: string }, use: (run: Run) => Promise<void>) {
  const driver = createGrpcDriver({
    servers: {
      default: {
        timeoutMs: 5000,
        tls: undefined,
        authority: undefined,
        maxReceiveBytes: 4 << 20,
        maxSendBytes: 4 << 20,
        roundRobin: false,
        maxConcurrentCalls: 1000,
        ...server,
      },
    },
  });
  const set = pluginSet('grpc', [['Stamp', 'pre', '']]);
  const loaded = await driver.load(set, set.hooks, { log() {}, request: async () => undefined });
  const [hook] = set.hooks;
  assert.ok(hook);
  try {
    await use(async (options) => loaded.run(hook, hookCall(options)));
  } finally {
    await driver.close();
  }
}

async function failureOf(running: Promise<unknown>): Promise<PluginFailure> {
  const failure = await running.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.instance(failure, PluginFailure);
  return failure as PluginFailure;
}

calls('a server that answers late is told its deadline, given up at it, and told so', async () => {
  const cancelled = Promise.withResolvers<number>();
  let calls = 0;
  const { address, server } = await servePlugins((call, done) => {
    if (calls++ === 0) return echo(call, done);
    const leftMs = Number(call.getDeadline()) - Date.now();
    call.on('cancelled', () => cancelled.resolve(leftMs));
  });
  try {
    await withHook({ target: `tcp://${address}`, timeoutMs: 300 }, async (run) => {
      await run();
      const beganMs = performance.now();
      const failure = await failureOf(run());
      const tookMs = performance.now() - beganMs;
      assert.is(failure.reason, 'HOOK_TIMED_OUT');
      assert.match(failure.message, /plugin server "default": DEADLINE_EXCEEDED: Deadline exceeded after 0\.[3-9]/);
      assert.ok(tookMs >= 299 && tookMs < 1000, `${tookMs} ms`);
      const leftMs = await cancelled.promise;
      assert.ok(leftMs > 100 && leftMs <= 300, `the server was told ${leftMs} ms`);
    });
  } finally {
    server.forceShutdown();
  }
});

calls('a call that nobody waits for any more is cancelled at the server', async () => {
  const [arrived, cancelled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let calls = 0;
  const { address, server } = await servePlugins((call, done) => {
    if (calls++ === 0) return echo(call, done);
    call.on('cancelled', () => cancelled.resolve());
    arrived.resolve();
  });
  try {
    await withHook({ target: address }, async (run) => {
      await run();
      const cancellation = new Cancellation();
      const failed = failureOf(run({ cancellation }));
      await arrived.promise;
      cancellation.cancel();
      assert.is((await failed).reason, 'CANCELLED');
      await cancelled.promise;
    });
  } finally {
    server.forceShutdown();
  }
});

calls('the replies of a server that compresses are read, up to the largest one allowed', async () => {
  const server = await serveStreams((stream) => answerEcho(stream, 'gzip', gzipSync));
  try {
    await withHook({ target: `127.0.0.1:${server.port}`, maxReceiveBytes: 100_000 }, async (run) => {
      // The first goes through the channel, the others straight to the connection.
      for (let i = 0; i < 3; i++) await run({ body: 'x'.repeat(20_000) });
      const failure = await failureOf(run({ body: 'x'.repeat(200_000) }));
      assert.is(failure.reason, 'HOOK_THREW');
      assert.match(failure.message, 'RESOURCE_EXHAUSTED: Received message that decompresses to more than 100000 bytes');
    });
  } finally {
    server.stop();
  }
});

calls('a reply in an encoding that nobody offered fails the call, and says which', async () => {
  let calls = 0;
  const server = await serveStreams((stream) => answerEcho(stream, calls++ === 0 ? 'identity' : 'zstd'));
  try {
    await withHook({ target: `127.0.0.1:${server.port}` }, async (run) => {
      await run();
      assert.match((await failureOf(run())).message, 'compressed with unsupported encoding zstd');
    });
  } finally {
    server.stop();
  }
});

calls('a reply above maxReceiveBytes is refused', async () => {
  const { address, server } = await servePlugins(echo);
  try {
    await withHook({ target: address, maxReceiveBytes: 10_000 }, async (run) => {
      await run();
      const failure = await failureOf(run({ body: 'x'.repeat(20_000) }));
      assert.match(failure.message, /RESOURCE_EXHAUSTED: Received message larger than max/);
    });
  } finally {
    server.forceShutdown();
  }
});

calls('a status that the server answers with is told with its text', async () => {
  const { address, server } = await servePlugins((call, done) =>
    call.request.length < 5000 ? echo(call, done) : done({ code: status.PERMISSION_DENIED, details: 'no, größer' }),
  );
  try {
    await withHook({ target: address }, async (run) => {
      await run();
      const failure = await failureOf(run({ body: 'x'.repeat(9000) }));
      assert.is(failure.message, 'plugin server "default": PERMISSION_DENIED: no, größer');
    });
  } finally {
    server.forceShutdown();
  }
});

calls('round robin gives each address its share', async () => {
  const counts = [0, 0];
  const servers = await Promise.all(
    counts.map((_, i) =>
      servePlugins((call, done) => {
        counts[i] = (counts[i] as number) + 1;
        echo(call, done);
      }),
    ),
  );
  const target = `ipv4:${servers.map(({ address }) => address).join(',')}`;
  try {
    await withHook({ target, roundRobin: true }, async (run) => {
      while (counts.includes(0)) await run();
      counts.fill(0);
      await Promise.all(Array.from({ length: 100 }, () => run()));
      assert.equal(counts, [50, 50]);
    });
  } finally {
    for (const { server } of servers) server.forceShutdown();
  }
});

calls('a server that is gone fails calls at once, and is in use again when it is back', async () => {
  const first = await servePlugins(echo);
  const port = Number(first.address.split(':')[1]);
  await withHook({ target: first.address }, async (run) => {
    await run();
    first.server.forceShutdown();
    let failures = 0;
    while (failures < 3) {
      const beganMs = performance.now();
      const failure = await failureOf(run());
      assert.is(failure.reason, 'DRIVER_UNAVAILABLE');
      assert.ok(performance.now() - beganMs < 1000, 'a call waited for a server that is gone');
      failures++;
    }
    const second = await serveStreams((stream) => answerEcho(stream), port);
    try {
      for (;;) {
        const answered = await run().then(
          () => true,
          () => false,
        );
        if (answered) break;
      }
      await Promise.all(Array.from({ length: 50 }, () => run()));
    } finally {
      second.stop();
    }
  });
});

calls('a call that the server refused unread is sent again', async () => {
  let streams = 0;
  const server = await serveStreams((stream) => {
    // As a server does that is closing: the second of three.
    if (++streams === 2) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else answerEcho(stream);
  });
  try {
    await withHook({ target: `127.0.0.1:${server.port}` }, async (run) => {
      await run();
      await run();
      assert.is(streams, 3);
    });
  } finally {
    server.stop();
  }
});

calls('the server sees the authority of its target, or the one configured', async () => {
  const seen: (string | undefined)[] = [];
  const server = await serveStreams((stream, headers) => {
    seen.push(headers[':authority']);
    answerEcho(stream);
  });
  const { port } = server;
  try {
    for (const target of [`tcp://127.0.0.1:${port}`, `dns:///127.0.0.1:${port}`, `ipv4:127.0.0.1:${port}`]) {
      await withHook({ target }, async (run) => {
        await run();
        await run();
      });
    }
    await withHook({ target: `127.0.0.1:${port}`, authority: 'plugins.example' }, async (run) => {
      await run();
      await run();
    });
    // The first call of each goes through the channel, the second straight to its connection.
    assert.equal(seen, [...Array(6).fill(`127.0.0.1:${port}`), 'plugins.example', 'plugins.example']);
  } finally {
    server.stop();
  }
});

type OnStream = (stream: ServerHttp2Stream, headers: { ':authority'?: string | undefined }) => void;

/** A server of HTTP/2 streams, for what grpc-js's own does not do. */
async function serveStreams(onStream: OnStream, port = 0): Promise<{ port: number; stop(): void }> {
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    onStream(stream, headers);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

function answerEcho(
  stream: ServerHttp2Stream,
  encoding = 'identity',
  compress = (bytes: Buffer): Buffer => bytes,
): void {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => {
    const headers = { ':status': 200, 'content-type': 'application/grpc', 'grpc-encoding': encoding };
    stream.respond(headers, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    const message = compress(Buffer.concat(chunks).subarray(5));
    const prefix = Buffer.from([encoding === 'identity' ? 0 : 1, 0, 0, 0, 0]);
    prefix.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([prefix, message]));
  });
}

calls.run();
