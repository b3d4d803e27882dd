import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { MissingTool } from './missing-tool.ts';

/** A program that runs until it is closed. */
export interface Server {
  /** What the pattern that told it was ready matched. */
  readonly ready: RegExpExecArray;
  readonly pid: number;
  /** All that it has written so far. */
  output(): string;
  /** Ask it to end, and make it end if it has not after 5 s. */
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly program: string;
  readonly args: readonly string[];
  /** Written to either stream when the server can be used. */
  readonly readyPattern: RegExp;
  /** How to get the program, for people. */
  readonly cure: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

const startLimitMs = 60_000;
const endLimitMs = 5000;

/**
 * Starts a server and waits until it says that it is ready.
 * @throws {MissingTool} when there is no such program.
 * @throws {Error} with all that it wrote, when it ends, or says nothing of the kind for a minute.
 */
export function start({ program, args, readyPattern, cure, cwd, env }: ServerOptions): Promise<Server> {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const endWithUs = (): boolean => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  void ended.then(() => process.off('exit', endWithUs));

  async function close(): Promise<void> {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), endLimitMs);
    await ended;
    clearTimeout(timer);
  }

  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${program} was not ready after ${startLimitMs / 1000} s:\n${output}`));
    }, startLimitMs);
    const read = (chunk: string): void => {
      output += chunk;
      const ready = readyPattern.exec(output);
      if (ready === null) return;
      clearTimeout(timer);
      resolve({ ready, pid: child.pid as number, output: () => output, close });
    };
    child.stdout.setEncoding('utf8').on('data', read);
    child.stderr.setEncoding('utf8').on('data', read);
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(error.code === 'ENOENT' ? new MissingTool(program, cure) : error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`${program} ended with ${code ?? signal} before it was ready:\n${output}`));
    });
  });
}

/**
 * Starts a server that has to be told its ports: it is given free ones, and others if somebody was quicker.
 * The message of a port that is taken is the same in all servers that we run.
 */
export async function startOnFreePorts(
  count: number,
  options: (ports: number[]) => ServerOptions | Promise<ServerOptions>,
): Promise<Server> {
  for (let triesLeft = 5; ; triesLeft--) {
    try {
      return await start(await options(await freePorts(count)));
    } catch (error) {
      if (triesLeft === 0 || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
