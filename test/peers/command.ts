import { spawn } from 'node:child_process';
import { MissingTool } from './missing-tool.ts';

export interface Command {
  /** A program on PATH, or a path. */
  readonly program: string;
  readonly args: readonly string[];
  /** How to get the program, for people. */
  readonly cure: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a program to its end and gives what it wrote to standard output.
 * @throws {MissingTool} when there is no such program.
 * @throws {Error} with all that it wrote, when it ends with anything but 0.
 */
export function run({ program, args, cure, cwd, env }: Command): Promise<string> {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? new MissingTool(program, cure) : error);
    });
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(output).toString());
      const written = Buffer.concat([...output, ...errors]).toString();
      reject(new Error(`${program} ${args.join(' ')} ended with ${code ?? signal}:\n${written}`));
    });
  });
}
