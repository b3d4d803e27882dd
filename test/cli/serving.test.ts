import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withFiles } from '../gateway/configuration/files.ts';
import { type Served, withServing } from './interpose.ts';

const serving = suite('interpose run');

/** An upstream that answers when it is told to. */
interface SlowUpstream {
  readonly port: number;
  /** The next request. */
  arrival(): Promise<ServerResponse>;
}

async function withSlowUpstream(use: (upstream: SlowUpstream) => Promise<void>): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const arrival = async (): Promise<ServerResponse> =>
    ((await once(server, 'request')) as [IncomingMessage, ServerResponse])[1];
  try {
    await use({ port: (server.address() as AddressInfo).port, arrival });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** `interpose run` with one API that leads to an upstream. */
async function withGateway(use: (served: Served, upstream: SlowUpstream) => Promise<void>): Promise<void> {
  await withSlowUpstream(async (upstream) => {
    const proxy = { listen_path: '/a/', target_url: `http://127.0.0.1:${upstream.port}/`, strip_listen_path: true };
    const versions = { not_versioned: true, versions: { Default: { name: 'Default' } } };
    const definition = {
      name: 'a',
      api_id: 'a',
      org_id: 'o',
      use_keyless: true,
      active: true,
      proxy,
      version_data: versions,
    };
    const yaml =
      'listeners: [{ address: "127.0.0.1:0" }]\ncontrol: { enabled: false }\nlimits: { drainTimeoutMs: 5000 }\n';
    await withFiles({ 'apis/a.json': JSON.stringify(definition), 'interpose.yaml': yaml }, async (cwd) => {
      await withServing(['run'], { cwd }, (served) => use(served, upstream));
    });
  });
}

const urlOf = ({ ready }: Served): string => `http://${ready.addresses?.[0]}/a/x`;

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  serving(`${signal}: a request in flight gets its answer, then the process ends with 0`, () =>
    withGateway(async (served, upstream) => {
      const arrival = upstream.arrival();
      const reply = fetch(urlOf(served));
      const response = await arrival;
      served.child.kill(signal);
      // The signal has arrived once no new connection is accepted.
      await refused(urlOf(served));
      response.end('answered');
      assert.is(await (await reply).text(), 'answered');
      assert.is(await served.ended, 0);
    }),
  );
}

serving('a second signal ends it at once, with 1', () =>
  withGateway(async (served, upstream) => {
    const arrival = upstream.arrival();
    const reply = fetch(urlOf(served)).catch((error: unknown) => error);
    await arrival;
    served.child.kill('SIGTERM');
    // One that comes sooner counts as an echo: npm hands on what the terminal has sent already.
    await later(1100);
    served.child.kill('SIGTERM');
    assert.is(await served.ended, 1);
    assert.instance(await reply, Error);
  }),
);

serving('the same signal twice within a moment, as npm sends it, is one signal', () =>
  withGateway(async (served, upstream) => {
    const arrival = upstream.arrival();
    const reply = fetch(urlOf(served));
    const response = await arrival;
    served.child.kill('SIGTERM');
    await refused(urlOf(served));
    served.child.kill('SIGTERM');
    response.end('answered');
    assert.is((await reply).status, 200);
    assert.is(await served.ended, 0);
  }),
);

serving('a coprocess serves on a socket, and ends with 0', () =>
  withFiles({}, async (cwd) => {
    await withServing(['coprocess', '--listen', `unix:${join(cwd, 's')}`], { cwd }, async ({ child, ready, ended }) => {
      assert.is(ready.address, `unix:${join(cwd, 's')}`);
      child.kill('SIGTERM');
      assert.is(await ended, 0);
    });
  }),
);

/** Resolves once nobody listens there any more. */
async function refused(url: string): Promise<void> {
  for (;;) {
    try {
      const reply = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(100) });
      await reply.arrayBuffer();
    } catch (error) {
      if ((error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED') return;
    }
    await later(10);
  }
}

serving.run();
