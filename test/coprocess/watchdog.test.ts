import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const watchdog = suite('watchdog');

/** Run a program with a watchdog of 200 ms. */
async function runProgram(program: string): Promise<{ signal: string | null; code: number | null; stderr: string }> {
  const source = `import { startWatchdog } from './coprocess/watchdog.ts'; const dog = startWatchdog(200); ${program}`;
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '--eval', source]);
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, stderr };
}

watchdog('a process whose event loop stands still is ended, and says why', async () => {
  const { signal, stderr } = await runProgram('setTimeout(() => { for (;;); }, 50);');
  assert.is(signal, 'SIGKILL');
  assert.match(stderr, /the event loop has stood still for 200 ms/);
});

watchdog('a process that waits, and never turns its event loop, is ended too', async () => {
  const { signal } = await runProgram(
    'setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 50);',
  );
  assert.is(signal, 'SIGKILL');
});

watchdog('a process that is busy, and turns its event loop, is left alone', async () => {
  const program = `
    const end = performance.now() + 1000;
    const work = () => {
      for (const until = performance.now() + 40; performance.now() < until; );
      if (performance.now() < end) setImmediate(work);
    };
    work();`;
  assert.equal(await runProgram(program), { code: 0, signal: null, stderr: '' });
});

watchdog('a watchdog that is stopped lets a process stand still', async () => {
  const program = 'await dog.stop(); for (const until = performance.now() + 800; performance.now() < until; );';
  assert.equal(await runProgram(program), { code: 0, signal: null, stderr: '' });
});

watchdog.run();
