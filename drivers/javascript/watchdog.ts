import { Worker } from 'node:worker_threads';
import type { Guard } from './sandbox.ts';
import { cell } from './watchdog-cells.ts';

/**
 * V8 stops a script at its limit, but not always: one that grows a single block of memory can take the whole thread with it. A second
 * thread sees that, says whose scripts were running, and kills the process; the host then knows whom to keep apart from others.
 */
export function startWatchdog(): Guard {
  const shared = new Int32Array(new SharedArrayBuffer(16));
  const file = import.meta.url.replace(/watchdog(\.\w+)$/, 'watchdog-thread$1');
  new Worker(new URL(file), { workerData: shared }).unref();
  return (set, limitMs, work) => {
    const outer = shared[cell.set] as number;
    shared[cell.limitMs] = limitMs;
    Atomics.add(shared, cell.serial, 1);
    Atomics.store(shared, cell.set, set);
    if (Atomics.load(shared, cell.sleeping) === 1) {
      Atomics.store(shared, cell.sleeping, 0);
      Atomics.notify(shared, cell.sleeping);
    }
    try {
      return work();
    } finally {
      Atomics.store(shared, cell.set, outer);
    }
  };
}
