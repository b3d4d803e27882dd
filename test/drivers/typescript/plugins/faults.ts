import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { pre, reply } from 'interpose/plugin';

/** Hooks that do what they should not. */

interface User {
  readonly name: string;
}

export const throws = pre((request) => {
  const user = JSON.parse('null') as User;
  request.headers.set('x-user', user.name);
});

export const throwsLater = pre(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  throw new RangeError('out of luck');
});

export const throwsText = pre(() => {
  throw 'just text';
});

export const never = pre((_request, { signal, log }) => {
  signal.addEventListener('abort', () => log.info(`aborted: ${(signal.reason as Error).message}`));
  return new Promise<void>(() => {});
});

export const spin = pre(() => {
  console.log('spinning');
  for (;;);
});

export const spinLater = pre(async () => {
  console.log('spinning');
  for (;;) await undefined;
});

export const bomb = pre(async () => {
  const held: Buffer[] = [];
  for (;;) {
    held.push(Buffer.alloc(8 * 1024 * 1024, 1));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
});

export const heapBomb = pre(() => {
  const held: number[][] = [];
  for (;;) held.push(new Array(1e5).fill(held.length));
});

export const stray = pre(() => {
  void Promise.reject(new Error('nobody cares'));
});

export const prints = pre(() => {
  console.log('hello from the plugin');
  console.error('and from its stderr');
});

export const logs = pre((_request, { log }) => {
  log.warn('take care', { of: 'yourself' });
});

export const floods = pre(() => {
  for (let i = 0; i < 50_000; i++) console.log(`line ${i}`);
});

export const exits = pre(() => process.exit(7));

export const badHeader = pre((request) => {
  request.headers.set('x y', 'z');
});

export const noBody = pre((request) => {
  (request as unknown as { body: string }).body = 'unasked for';
});

/** What a plugin can reach of the machine. */
export const reach = pre(async () => {
  const found: Record<string, string> = {};
  const attempt = async (name: string, deed: () => unknown): Promise<void> => {
    try {
      await deed();
      found[name] = 'yes';
    } catch (error) {
      found[name] = (error as NodeJS.ErrnoException).code ?? String(error);
    }
  };
  await attempt('hostEnvironment', () => readFileSync(`/proc/${process.ppid}/environ`));
  await attempt('passwd', () => readFileSync('/etc/passwd'));
  await attempt('ownFolder', () => readFileSync(new URL('data.txt', import.meta.url)));
  await attempt('spawn', async () => (await import('node:child_process')).execSync('true'));
  await attempt('worker', async () => new (await import('node:worker_threads')).Worker('0', { eval: true }));
  await attempt(
    'network',
    () =>
      new Promise((resolve, reject) => {
        const server = createServer();
        server.on('error', reject);
        server.listen(0, '127.0.0.1', () => server.close(resolve));
      }),
  );
  return reply(200, { ...found, secret: process.env.INTERPOSE_TEST_SECRET ?? 'hidden', given: process.env.GIVEN });
});
