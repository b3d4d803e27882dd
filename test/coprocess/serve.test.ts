import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLinkDispatcher } from '../../gateway/dispatch/index.ts';
import { startCoprocess } from '../gateway/dispatch/coprocess-process.ts';
import { fakeCall, fakeSet, stamp } from '../gateway/dispatch/fake-driver.ts';
import { withCoprocess, withSocketPath } from '../gateway/dispatch/link.ts';

const serve = suite('coprocess server');

/** The `buf` command as a gRPC client that knows nothing but what reflection tells it. */
async function bufCurl(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('node_modules/.bin/buf', [
    'curl',
    '--protocol',
    'grpc',
    '--http2-prior-knowledge',
    ...args,
  ]);
  return stdout;
}

serve('reflection lists what is served', async () => {
  await withCoprocess({ hooks: { stamp } }, async ({ address }) => {
    const services = (await bufCurl('--list-services', `http://${address}`)).trim().split('\n');
    assert.equal(services.sort(), ['coprocess.Dispatcher', 'grpc.health.v1.Health', 'interpose.link.v1.Link']);
  });
});

serve('health answers for the server and for each service', async () => {
  await withCoprocess({ hooks: { stamp } }, async ({ address }) => {
    for (const service of ['', 'interpose.link.v1.Link', 'coprocess.Dispatcher']) {
      const url = `http://${address}/grpc.health.v1.Health/Check`;
      const reply = await bufCurl('--data', JSON.stringify({ service }), url);
      assert.equal(JSON.parse(reply), { status: 'SERVING' }, service);
    }
  });
});

serve('an Object can be sent by anyone, from the proto alone', async () => {
  await withCoprocess({ hooks: { stamp } }, async (server) => {
    const dispatcher = createLinkDispatcher({ targets: [server.address] });
    const set = fakeSet('a', ['stamp']);
    await dispatcher.install(set);
    server.serve([set]);
    const object = { hook_type: 'Pre', hook_name: 'stamp', request: { url: '/', method: 'GET' } };
    const reply = await bufCurl(
      '--data',
      JSON.stringify(object),
      `http://${server.address}/coprocess.Dispatcher/Dispatch`,
    );
    assert.equal(JSON.parse(reply).request.setHeaders, { 'X-Stamp': 'fake' });
    await dispatcher.close();
  });
});

serve('a gateway of another version is refused, in plain words', async () => {
  await withCoprocess({ hooks: { stamp } }, async ({ address }) => {
    const hello = JSON.stringify({ hello: { version: 99, gateway_id: 'edge-7' } });
    const url = `http://${address}/interpose.link.v1.Link/Attach`;
    const { stderr } = await bufCurl('--data', hello, url).then(
      () => ({ stderr: '' }),
      (error: { stderr: string }) => error,
    );
    assert.match(stderr, /failed_precondition/i);
    assert.match(stderr, /gateway \\?"edge-7\\?" speaks version 99 of the link, this coprocess version 1/);
  });
});

serve('the socket file that a killed coprocess left behind is no obstacle', async () => {
  await withSocketPath(async (path) => {
    const killed = await startCoprocess(`unix:${path}`);
    await killed.kill();
    assert.ok(existsSync(path));
    await withCoprocess({ hooks: { stamp }, server: { address: `unix:${path}` } }, async () => {
      const dispatcher = createLinkDispatcher({ targets: [`unix:${path}`] });
      await dispatcher.install(fakeSet('a', ['stamp']));
      const [outcome] = await dispatcher.dispatch({ digest: 'a', hooks: [0] }, fakeCall());
      assert.is(outcome?.failure, undefined);
      await dispatcher.close();
    });
    assert.not(existsSync(path), 'a coprocess that ends well takes its socket file along');
  });
});

serve('a socket on which another process listens is left alone', async () => {
  await withSocketPath(async (path) => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(path, resolve));
    try {
      let message = '';
      await withCoprocess({ hooks: {}, server: { address: `unix:${path}` } }, async () => {}).catch((error: Error) => {
        message = error.message;
      });
      assert.is(message, `another process listens on ${path}: stop it, or choose another socket path`);
    } finally {
      other.close();
    }
  });
});

serve.run();
