import { availableParallelism } from 'node:os';
import { endAll, runFile } from './runner/run-file.ts';
import { findTestFiles, type TestFile } from './runner/test-file.ts';
import { judge, type Verdict } from './runner/verdict.ts';

/**
 * Runs the tests: every file below `test/` that ends in `.test.ts`, or those whose path contains one of the arguments, each in a process of its own,
 * as many at once as there are processors (`TEST_JOBS` says otherwise). Prints what failed, whole; ends with
 * `N passed, N failed` and exits 1 if anything failed. What the machine lacks is named with the cure, and is a failure on CI.
 */
const onCi = process.env.CI === 'true';
const jobs = Number(process.env.TEST_JOBS ?? availableParallelism());
const filters = process.argv.slice(2);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endAll();
    process.exit(130);
  });
}

const files = await findTestFiles(filters);
const waiting = [...files];
const verdicts = new Map<TestFile, Verdict>();
await Promise.all(Array.from({ length: jobs }, runWaiting));
report();

async function runWaiting(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const ending = await runFile(file);
    const verdict = judge(file, ending, { onCi });
    verdicts.set(file, verdict);
    const seconds = `${(ending.durationMs / 1000).toFixed(1)} s`;
    const isClean = verdict.failed === 0 && verdict.lacking === 0;
    console.log(
      `${isClean ? 'ok  ' : verdict.failed > 0 ? 'FAIL' : 'lack'}  ${file.name.padEnd(48)} ${tally(verdict)}, ${seconds}`,
    );
    if (verdict.failed > 0) console.log(ending.output.replace(/^(?=.)/gm, '      '));
    for (const problem of verdict.problems) console.log(`      ${file.name}: ${problem}`);
  }
}

function report(): void {
  const all = [...verdicts.values()];
  const missingTools = new Map(all.flatMap((verdict) => [...verdict.missingTools]));
  if (missingTools.size > 0) {
    console.log('\nThis machine lacks what some tests need:');
    for (const [tool, cure] of missingTools) console.log(`  ${tool}: ${cure}`);
  }
  const failing = files.filter((file) => verdicts.get(file)?.failed !== 0);
  if (failing.length > 0) console.log(`\nFailed: ${failing.map((file) => file.name).join(', ')}`);
  if (files.length === 0)
    console.log(`No test file's path contains ${filters.map((filter) => `"${filter}"`).join(' or ')}.`);

  const total = all.reduce(
    (sum, { passed, failed, lacking }) => ({
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      lacking: sum.lacking + lacking,
    }),
    { passed: 0, failed: 0, lacking: 0 },
  );
  console.log(`\n${tally(total)}`);
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
}

function tally({ passed, failed, lacking }: Pick<Verdict, 'passed' | 'failed' | 'lacking'>): string {
  return `${passed} passed, ${failed} failed${lacking > 0 ? `, ${lacking} skipped` : ''}`;
}
