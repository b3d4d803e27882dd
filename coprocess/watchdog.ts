import { url as inspectorUrl } from 'node:inspector';
import { Worker } from 'node:worker_threads';

export interface Watchdog {
  stop(): Promise<void>;
}

/**
 * End this process, by SIGKILL, when its event loop has stood still for `stallMs`: trusted code that never returns can be ended in no
 * other way, and until then nobody's hooks run. Whoever supervises the process starts it anew, and gateways attach again by themselves.
 * Under a debugger there is none, for a breakpoint looks the same.
 */
export function startWatchdog(stallMs: number): Watchdog {
  if (inspectorUrl() !== undefined) return { async stop() {} };
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const beating = setInterval(() => Atomics.add(beats, 0, 1), stallMs / 4);
  const worker = new Worker(watch, { eval: true, execArgv: [], workerData: { beats, stallMs } });
  beating.unref();
  worker.unref();
  return {
    async stop() {
      clearInterval(beating);
      await worker.terminate();
    },
  };
}

/**
 * Runs in the worker. A loop that goes on for ever takes the processor all the time; a process that a busy machine lets wait takes none, and
 * one that waits by itself (for a file, for another process) is given ten times as long. A process that was stopped, or a machine that slept,
 * looks stalled in the moment of waking up: so it waits a while longer before it believes that.
 */
const watch = `
const { writeSync } = require('node:fs');
const { workerData: { beats, stallMs } } = require('node:worker_threads');
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
let last = 0;
let since = { ms: performance.now(), cpuMs: cpuMs() };
const changed = () => {
  if (last === (last = Atomics.load(beats, 0))) return false;
  since = { ms: performance.now(), cpuMs: cpuMs() };
  return true;
};
setInterval(() => {
  if (changed()) return;
  if (cpuMs() - since.cpuMs < stallMs / 2 && performance.now() - since.ms < 10 * stallMs) return;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMs / 2);
  if (changed()) return;
  writeSync(2, 'interpose: the event loop has stood still for ' + stallMs + ' ms (a plugin with isolation: none that never returns?); this process is ended\\n');
  process.kill(process.pid, 'SIGKILL');
}, stallMs);
`;
