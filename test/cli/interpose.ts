import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

const root = join(import.meta.dirname, '../..');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as users start it, with nothing of our own environment but the path. */
function start(words: readonly string[], options: StartOptions): ChildProcess {
  const program = options.built
    ? [join(root, 'dist/cli/index.js')]
    : ['--conditions=source', join(root, 'cli/index.ts')];
  return spawn(process.execPath, [...program, ...words], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

interface StartOptions {
  /** As `npm run build` made it, and the package has it; not from source. */
  readonly built?: boolean;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Run it to its end. */
export async function interpose(words: readonly string[], options: StartOptions = {}): Promise<Ended> {
  const child = start(words, options);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

export interface Served {
  readonly child: ChildProcess;
  /** The line of the log that says where it listens. */
  readonly ready: { readonly addresses?: readonly string[]; readonly address?: string };
  readonly ended: Promise<number | null>;
}

/** Run a verb that serves, for as long as `use` runs. */
export async function withServing(
  words: readonly string[],
  options: StartOptions,
  use: (served: Served) => Promise<void>,
): Promise<void> {
  const child = start(words, options);
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const errors = text(child.stderr as NodeJS.ReadableStream);
  try {
    const ready = await Promise.race([
      readyLine(child),
      ended.then(async () => Promise.reject(new Error(await errors))),
    ]);
    await use({ child, ready, ended });
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

async function readyLine(child: ChildProcess): Promise<Served['ready']> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  for await (const line of lines) {
    if (!line.includes(' ready"')) continue;
    child.stdout?.resume();
    return JSON.parse(line) as Served['ready'];
  }
  throw new Error('it ended without a word');
}
