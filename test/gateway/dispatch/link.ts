import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BodyUse } from '../../../contract/plugin-set.ts';
import { type CoprocessServerOptions, createCoprocess, GatewayHost, serveCoprocess } from '../../../coprocess/index.ts';
import type { CoprocessServer } from '../../../coprocess/serve.ts';
import type { Dispatcher } from '../../../gateway/dispatch/dispatcher.ts';
import { createLinkDispatcher } from '../../../gateway/dispatch/link-dispatcher.ts';
import type { LinkDispatcherOptions } from '../../../gateway/dispatch/link-options.ts';
import { type FakeHook, fakeDriver } from './fake-driver.ts';

export interface TestLink {
  readonly dispatcher: Dispatcher;
  readonly server: CoprocessServer;
}

export interface TestLinkOptions {
  readonly hooks: Record<string, FakeHook>;
  /** What the hooks report to read. @default 'buffered' */
  readonly body?: BodyUse;
  /** Each load waits for it. */
  readonly loading?: () => Promise<void>;
  readonly server?: Partial<CoprocessServerOptions>;
  readonly dispatcher?: Partial<LinkDispatcherOptions>;
}

/** A coprocess that is served on a socket, and a dispatcher that is linked to it. */
export async function withLink(options: TestLinkOptions, use: (link: TestLink) => Promise<void>): Promise<void> {
  await withCoprocess(options, async (server) => {
    const dispatcher = createLinkDispatcher({ targets: [server.address], ...options.dispatcher });
    try {
      await use({ dispatcher, server });
    } finally {
      await dispatcher.close();
    }
  });
}

export async function withCoprocess(
  options: Pick<TestLinkOptions, 'hooks' | 'body' | 'loading' | 'server'>,
  use: (server: CoprocessServer) => Promise<void>,
): Promise<void> {
  const host = new GatewayHost(() => {});
  const coprocess = createCoprocess({ drivers: [fakeDriver(options.hooks, options.body, options.loading)], host });
  const server = await serveCoprocess({ coprocess, host, address: '127.0.0.1:0', ...options.server });
  try {
    await use(server);
  } finally {
    await server.close();
    await coprocess.close();
  }
}

/** A path for a unix socket that nothing uses. */
export async function withSocketPath(use: (path: string) => Promise<void>): Promise<void> {
  const path = join(tmpdir(), `interpose-${randomUUID()}.sock`);
  try {
    await use(path);
  } finally {
    await rm(path, { force: true });
  }
}
