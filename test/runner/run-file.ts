import { type ChildProcess, spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import type { TestFile } from './test-file.ts';

/** How the process of a test file ended. */
export interface Ending {
  /** What it wrote, both streams, in order of arrival. */
  readonly output: string;
  /** Exit code, or the signal that ended it. */
  readonly end: number | NodeJS.Signals;
  /** It was still there at its time limit, and was ended by us. */
  readonly timedOut: boolean;
  readonly durationMs: number;
}

/** Groups of processes that are running now; {@link endAll} ends them when the runner itself is told to stop. */
const running = new Set<ChildProcess>();

/**
 * Runs one file in a process (and process group) of its own, so that globals, ports and crashes stay with it. When the file
 * ends or its time is up, everything it started is ended too.
 *
 * While a peer is being built the clock stands still: `test/peers` sends `{ building, limitMs }` and `{ built }`.
 */
export function runFile(file: TestFile): Promise<Ending> {
  const { FORCE_COLOR: _, ...env } = process.env;
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['--conditions=source', file.path], {
    detached: true,
    env: { ...env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  running.add(child);

  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));

  let timedOut = false;
  const stop = (): void => {
    timedOut = true;
    endGroup(child);
  };
  let timer = setTimeout(stop, file.timeLimitMs);
  child.on('message', (message: { building?: string; limitMs?: number; built?: string }) => {
    clearTimeout(timer);
    timer = setTimeout(stop, message.limitMs ?? file.timeLimitMs);
  });

  return new Promise((resolve, reject) => {
    child.once('error', reject);
    // Left-behind grandchildren hold the pipes open, so they go at 'exit': 'close' would wait for them.
    child.once('exit', () => {
      clearTimeout(timer);
      endGroup(child);
      running.delete(child);
    });
    child.once('close', async (code, signal) => {
      const output = Buffer.concat(chunks).toString('utf8');
      await groupGone(child);
      resolve({ output, end: code ?? signal ?? 'SIGKILL', timedOut, durationMs: performance.now() - startedMs });
    });
  });
}

export function endAll(): void {
  for (const child of running) endGroup(child);
}

/** A process that is killed ends when the system comes to it. What nobody buries is not waited for. */
async function groupGone(child: ChildProcess): Promise<void> {
  for (const endMs = performance.now() + 1000; performance.now() < endMs; ) {
    try {
      process.kill(-(child.pid as number), 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nothing is left of the group.
  }
}
