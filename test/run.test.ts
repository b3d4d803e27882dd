import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

interface RunnerResult {
  readonly output: string;
  readonly code: number | null;
  readonly lastLine: string;
  /** A child process that the fixture started, if it did. */
  readonly childPid: number;
}

/** Runs the runner on fixtures of `test/fixtures/run/`. */
async function runFixtures(names: string[], env: NodeJS.ProcessEnv = {}): Promise<RunnerResult> {
  const folder = await mkdtemp(join(tmpdir(), 'run-test-'));
  const pidFile = join(folder, 'pid');
  try {
    const runner = join(import.meta.dirname, 'run.ts');
    const paths = names.map((name) => join(import.meta.dirname, 'fixtures/run', `${name}.ts`));
    const child = spawn(process.execPath, [runner, ...paths], {
      env: { ...process.env, CI: '', CHILD_PID_FILE: pidFile, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const output = (await Array.fromAsync(child.stdout.setEncoding('utf8'))).join('');
    const childPid = Number(await readFile(pidFile, 'utf8').catch(() => 'NaN'));
    return { output, code: await ended, lastLine: output.trimEnd().split('\n').at(-1) ?? '', childPid };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Whether the process is there and is not just waiting to be buried. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return status !== undefined && !/\) Z /.test(status);
}

const runner = suite('test runner');

runner('adds up the files and ends with one line that counts', async () => {
  const { code, lastLine } = await runFixtures(['passes', 'prints-totals']);
  assert.is(lastLine, '3 passed, 0 failed');
  assert.is(code, 0);
});

runner('shows a failure whole and goes on with the other files', async () => {
  const { output, code, lastLine } = await runFixtures(['fails', 'passes']);
  assert.is(lastLine, '3 passed, 1 failed');
  assert.is(code, 1);
  assert.match(output, 'one and one are three');
  assert.match(output, /\+\+3 +\(Expected\)\n +--2 +\(Actual\)/);
  assert.match(output, 'Failed: fixtures/run/fails');
});

/** Ways to be green by accident, or to end badly: name of the fixture -> what the runner says, and its closing line. */
const traps: Record<string, [said: RegExp, lastLine: string]> = {
  'forgets-run': [/the suite "products" is never run: add products\.run\(\)/, '1 passed, 1 failed'],
  'no-test': [/no test ran/, '0 passed, 1 failed'],
  'before-throws': [/1 of 1 did not pass and uvu names none: a hook/, '0 passed, 1 failed'],
  'after-each-throws': [/2 of 2 did not pass and uvu names none: a hook/, '0 passed, 2 failed'],
  only: [/1 skipped: no \.skip or \.only here/, '1 passed, 1 failed'],
  crashes: [/thrown outside[\s\S]*ended \(1\) before uvu's closing lines/, '0 passed, 1 failed'],
  'exits-badly': [/all tests passed, and the process ended with 3/, '1 passed, 1 failed'],
  'stays-open': [/all tests have ended, the process has not after 2 s/, '1 passed, 1 failed'],
};
for (const [fixture, [said, lastLine]] of Object.entries(traps)) {
  runner(`fails a file that ${fixture.replaceAll('-', ' ')}`, async () => {
    const result = await runFixtures([fixture]);
    assert.match(result.output, said);
    assert.is(result.lastLine, lastLine);
    assert.is(result.code, 1);
  });
}

runner('ends a file that hangs, together with the processes that it started', async () => {
  const { output, lastLine, childPid } = await runFixtures(['hangs']);
  assert.match(output, 'still running after 2 s');
  assert.is(lastLine, '0 passed, 1 failed');
  assert.not(await isAlive(childPid));
});

runner('ends what a file that passed has left behind', async () => {
  const { lastLine, childPid } = await runFixtures(['leaves-child']);
  assert.is(lastLine, '1 passed, 0 failed');
  assert.not(await isAlive(childPid));
});

runner('stops the clock of a file while a peer is built for it', async () => {
  assert.is((await runFixtures(['builds-long'])).lastLine, '1 passed, 0 failed');
});

runner('names a tool that the machine lacks, with the cure', async () => {
  const { output, code, lastLine } = await runFixtures(['lacks-tool']);
  assert.match(output, 'rarelang: install rarelang 7');
  assert.is(lastLine, '1 passed, 0 failed, 1 skipped');
  assert.is(code, 0);
});

runner('counts a missing tool as a failure on CI', async () => {
  const { output, code, lastLine } = await runFixtures(['lacks-tool'], { CI: 'true' });
  assert.match(output, 'rarelang: install rarelang 7');
  assert.is(lastLine, '1 passed, 1 failed');
  assert.is(code, 1);
});

runner('says so when no file matches', async () => {
  const { output, code } = await runFixtures(['no-such-fixture']);
  assert.match(output, /No test file's path contains ".*no-such-fixture\.ts"/);
  assert.is(code, 1);
});

runner.run();
