import { rm } from 'node:fs/promises';
import { connect } from 'node:net';

/**
 * A process that was killed leaves its socket file behind, and nobody can listen there before it is gone. Take it away, unless somebody
 * answers on it.
 *
 * @throws when another process listens there.
 */
export async function freeSocketPath(path: string): Promise<void> {
  const state = await probe(path);
  if (state === 'answers')
    throw new Error(`another process listens on ${path}: stop it, or choose another socket path`);
  if (state === 'stale') await rm(path, { force: true });
}

function probe(path: string): Promise<'answers' | 'stale' | 'free'> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('answers');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED' ? 'stale' : 'free'));
  });
}
