import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { guestEnvironment } from './environment.ts';
import { killAtExit } from './kill-at-exit.ts';
import type { ResolvedGuestOptions } from './options.ts';

/** A child process with its pipes, told apart. */
export class Child {
  /** Resolves when it has exited, and all it wrote has been read, with how; also when it could not be started. */
  readonly exited: Promise<string>;
  readonly stdout: Socket;
  readonly stderr: Socket;
  /** Frames to the guest: its file descriptor 3. */
  readonly output: Socket;
  /** Frames from the guest: its file descriptor 4. */
  readonly input: Socket;
  private readonly process: ChildProcess;

  /** @throws {Error} when the system has no file descriptor left. */
  constructor({ command, args, cwd, env }: ResolvedGuestOptions) {
    this.process = spawn(command, args, {
      cwd,
      env: guestEnvironment(env),
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    this.exited = this.watchExit();
    if (this.process.stdio === undefined) throw new Error('no file descriptor was left for its pipes');
    const [, stdout, stderr, output, input] = this.process.stdio as unknown as [null, Socket, Socket, Socket, Socket];
    this.stdout = stdout;
    this.stderr = stderr;
    this.output = output;
    this.input = input;
    // A pipe to a process that has just died fails; the exit says more.
    for (const pipe of [stdout, stderr, output, input]) pipe.on('error', () => {}).unref();
    this.process.unref();
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  write(buffers: readonly Buffer[]): void {
    const { output } = this;
    if (buffers.length > 1) output.cork();
    for (const buffer of buffers) output.write(buffer);
    if (buffers.length > 1) output.uncork();
  }

  /** Whether it keeps this process alive: by the pipe for answers, and by its exit, which may come after the pipe's end. */
  hold(held: boolean): void {
    for (const handle of [this.input, this.process]) {
      if (held) handle.ref();
      else handle.unref();
    }
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }

  private watchExit(): Promise<string> {
    return new Promise((resolve) => {
      this.process.once('error', (error) => {
        if (this.process.pid === undefined) resolve(`it cannot be started: ${error.message}`);
      });
      this.process.once('spawn', () => killAtExit(this.process));
      this.process.once('exit', (code, signal) => {
        const how = signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`;
        if (this.input.closed) return resolve(how);
        // Answers that it gave before it died are still in the pipe, which a process it started may hold open.
        const timer = setTimeout(() => resolve(how), lastAnswersMs);
        this.input.once('close', () => {
          clearTimeout(timer);
          resolve(how);
        });
      });
    });
  }
}

/** How long answers given before an exit may take to come out of the pipe; they are there already. */
const lastAnswersMs = 50;
