import { performance } from 'node:perf_hooks';
import type { Configuration } from '../gateway/configuration/index.ts';
import type { Running } from '../main.ts';
import { exitCodes, fail } from './exit.ts';

type Main = typeof import('../main.ts');

/** Above what closing may take by the configuration; then something hangs. */
const closeGraceMs = 5000;
/** `npm run` hands a signal on to a process that the terminal has sent it to already. */
const echoMs = 1000;

/** Start, and run until SIGTERM or SIGINT: then requests in flight may end. A second signal ends the process at once. SIGHUP reloads. */
export async function serve(start: (main: Main) => Promise<Running>, configuration: Configuration): Promise<void> {
  let running: Running | undefined;
  let signalledMs: number | undefined;

  const stop = (): void => {
    const nowMs = performance.now();
    if (signalledMs !== undefined && nowMs - signalledMs < echoMs) return;
    if (signalledMs !== undefined || running === undefined) process.exit(exitCodes.runtime);
    signalledMs = nowMs;
    const { drainDelayMs, drainTimeoutMs } = configuration.limits;
    const longestMs = drainDelayMs + drainTimeoutMs + closeGraceMs;
    setTimeout(() => fail(`closing took longer than ${longestMs} ms`, exitCodes.runtime), longestMs).unref();
    running.close().then(
      () => process.exit(exitCodes.ok),
      (error: unknown) => fail(error, exitCodes.runtime),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // What goes wrong is in the log, and all stays as it was.
  process.on('SIGHUP', () => void running?.reload?.().catch(() => {}));

  try {
    running = await start(await import('../main.ts'));
  } catch (error) {
    fail(error, exitCodes.runtime);
  }
}
