import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { cell, lastWords } from './watchdog-cells.ts';

/** The second thread of a guest: see watchdog.ts. */

/** V8 gets so much more time than the script. It is CPU time, for a machine that is busy otherwise is no fault of the script's. */
const graceMs = 150;
const lookMs = 40;

const shared = workerData as Int32Array;
let serial = 0;
let sinceMs = cpuMs();
for (;;) {
  const now = Atomics.load(shared, cell.serial);
  const set = Atomics.load(shared, cell.set);
  if (now !== serial) {
    serial = now;
    sinceMs = cpuMs();
  } else if (set === 0) {
    // Nothing runs: sleep until something does.
    Atomics.store(shared, cell.sleeping, 1);
    if (Atomics.load(shared, cell.serial) === serial) Atomics.wait(shared, cell.sleeping, 1);
    Atomics.store(shared, cell.sleeping, 0);
    continue;
  } else if (cpuMs() - sinceMs > (shared[cell.limitMs] as number) + graceMs) {
    writeSync(2, `${lastWords}${set}\n`);
    process.kill(process.pid, 'SIGKILL');
  }
  Atomics.wait(shared, cell.sleeping, 0, lookMs);
}

/** What the process has used so far. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
