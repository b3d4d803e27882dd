import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLinkDispatcher, type Dispatcher } from '../../../gateway/dispatch/index.ts';
import { Object as WireObject } from '../../../proto/gen/coprocess_object.ts';
import { fakeCall, fakeSet, stamp } from './fake-driver.ts';
import { withCoprocess } from './link.ts';

const plainServer = suite('a plain plugin server as a coprocess');

type Plugin = (object: WireObject) => WireObject;

/** A server of `coprocess.Dispatcher` alone, as users have them. */
async function startServer(
  plugins: Record<string, Plugin>,
  address = '127.0.0.1:0',
): Promise<{ address: string; stop(): void }> {
  const server = new Server();
  const dispatch = {
    path: '/coprocess.Dispatcher/Dispatch',
    requestStream: false,
    responseStream: false,
    requestSerialize: (value: WireObject) => Buffer.from(WireObject.encode(value).finish()),
    requestDeserialize: (bytes: Buffer) => WireObject.decode(bytes),
    responseSerialize: (value: WireObject) => Buffer.from(WireObject.encode(value).finish()),
    responseDeserialize: (bytes: Buffer) => WireObject.decode(bytes),
  } as const;
  server.addService(
    { dispatch },
    {
      dispatch({ request }: ServerUnaryCall<WireObject, WireObject>, reply: sendUnaryData<WireObject>) {
        const plugin = plugins[request.hookName];
        if (plugin === undefined) reply({ code: status.UNIMPLEMENTED, details: `no hook ${request.hookName}` });
        else reply(null, plugin(request));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { address: `127.0.0.1:${port}`, stop: () => server.forceShutdown() };
}

async function withDispatcher(target: string, use: (dispatcher: Dispatcher) => Promise<void>): Promise<void> {
  const dispatcher = createLinkDispatcher({ targets: [target] });
  try {
    await use(dispatcher);
  } finally {
    await dispatcher.close();
  }
}

const stampPlugin: Plugin = (object) => {
  if (object.request) object.request.setHeaders = { 'X-Stamp': 'plain' };
  return object;
};
const echoPlugin: Plugin = (object) => {
  if (object.request) object.request.setHeaders = { 'X-Echo': object.request.headers['X-Stamp'] ?? 'none' };
  return object;
};

plainServer('its hooks are called one by one, and each sees the edits of the one before', async () => {
  const server = await startServer({ stamp: stampPlugin, echo: echoPlugin });
  try {
    await withDispatcher(server.address, async (dispatcher) => {
      const report = await dispatcher.install(fakeSet('a', ['stamp', 'echo', 'missing']));
      assert.equal(report.hooks[0], { ready: true, body: 'buffered' });
      const outcomes = await dispatcher.dispatch({ digest: 'a', hooks: [0, 1] }, fakeCall());
      assert.equal(outcomes[1]?.answer?.request?.setHeaders, [['X-Echo', 'plain']]);
      assert.ok((outcomes[0]?.timing.wireUs ?? 0) > 0);
      const [missing] = await dispatcher.dispatch({ digest: 'a', hooks: [2, 0] }, fakeCall());
      assert.is(missing?.failure?.reason, 'HOOK_THREW');
      assert.match(missing?.failure?.message ?? '', /UNIMPLEMENTED: no hook missing/);
    });
  } finally {
    server.stop();
  }
});

plainServer('when it goes its calls fail at once, and a real coprocess in its place is found', async () => {
  const server = await startServer({ stamp: stampPlugin });
  await withDispatcher(server.address, async (dispatcher) => {
    await dispatcher.install(fakeSet('a', ['stamp']));
    const stampOf = async (): Promise<string> => {
      const [outcome] = await dispatcher.dispatch({ digest: 'a', hooks: [0] }, fakeCall());
      return outcome?.answer?.request?.setHeaders?.[0]?.[1] ?? outcome?.failure?.reason ?? '';
    };
    assert.is(await stampOf(), 'plain');
    server.stop();
    assert.is(await stampOf(), 'DRIVER_UNAVAILABLE');
    await withCoprocess({ hooks: { stamp }, server: { address: server.address } }, async () => {
      const backMs = performance.now();
      while ((await stampOf()) !== 'fake') await new Promise((resolve) => setTimeout(resolve, 5));
      assert.ok(performance.now() - backMs < 1000);
    });
  });
});

plainServer.run();
