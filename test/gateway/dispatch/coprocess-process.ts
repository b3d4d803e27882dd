import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createCoprocess, GatewayHost, serveCoprocess } from '../../../coprocess/index.ts';
import { fakeDriver, hang, stamp } from './fake-driver.ts';

/** A coprocess in a process of its own, with the hooks `stamp`, `hang` and `name`, which tells the coprocess's id. */
export interface CoprocessProcess {
  readonly address: string;
  readonly child: ChildProcess;
  /** End it with no word to anyone. */
  kill(): Promise<void>;
}

export async function startCoprocess(address: string, id = 'coprocess'): Promise<CoprocessProcess> {
  const child = fork(import.meta.filename, ['serve', address, id]);
  const [listening] = (await once(child, 'message')) as [string];
  return {
    address: listening,
    child,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Tell it to end as an operator would, and wait until it has. */
export async function drainCoprocess({ child }: CoprocessProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.send('drain');
  await exited;
}

async function serve(address: string, id: string): Promise<void> {
  const host = new GatewayHost(() => {});
  const name = () => ({ request: { setHeaders: [['X-Coprocess', id] as const] } });
  const coprocess = createCoprocess({ drivers: [fakeDriver({ stamp, hang, name })], host });
  const server = await serveCoprocess({ coprocess, host, address, id });
  process.on('message', async () => {
    await server.close(10_000);
    process.exit();
  });
  process.on('disconnect', () => process.exit());
  process.send?.(server.address);
}

if (process.argv[2] === 'serve') await serve(process.argv[3] as string, process.argv[4] as string);
