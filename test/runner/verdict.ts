import type { Ending } from './run-file.ts';
import type { TestFile } from './test-file.ts';

/** What a file's run comes to. */
export interface Verdict {
  readonly passed: number;
  readonly failed: number;
  /** Tests that could not run because the machine lacks a tool; on CI these count as failed. */
  readonly lacking: number;
  /** Tool -> how to get it. */
  readonly missingTools: ReadonlyMap<string, string>;
  /** What is wrong beyond the failures that uvu printed, for people. */
  readonly problems: readonly string[];
}

/**
 * Judges a run by what uvu printed and how the process ended. uvu alone exits 0 when a `before` hook throws, when an
 * `after.each` throws, and when `.run()` was forgotten; here each of these is a failure.
 */
export function judge(file: TestFile, ending: Ending, options: { onCi: boolean }): Verdict {
  const counts = countsIn(ending.output);
  const problems: string[] = file.neverRun.map((suite) => `the suite "${suite}" is never run: add ${suite}.run()`);

  if (ending.timedOut) {
    const limit = `${file.timeLimitMs / 1000} s`;
    problems.push(
      counts === undefined
        ? `still running after ${limit}: a test hangs, or its first line has to ask for more ("// time limit: 300 s")`
        : `all tests have ended, the process has not after ${limit}: a server, timer or child process is left open`,
    );
  } else if (counts === undefined) {
    problems.push(`ended (${ending.end}) before uvu's closing lines`);
  } else if (counts.total === 0) {
    problems.push('no test ran');
  } else if (ending.end !== 0 && counts.passed === counts.total) {
    problems.push(`all tests passed, and the process ended with ${ending.end}`);
  }
  if (counts !== undefined && counts.skipped > 0) problems.push(`${counts.skipped} skipped: no .skip or .only here`);

  const notPassed = counts === undefined ? 0 : counts.total - counts.passed;
  if (notPassed > 0 && !ending.output.includes(' FAIL ')) {
    problems.push(
      `${notPassed} of ${counts?.total} did not pass and uvu names none: a hook (before, after.each) threw`,
    );
  }

  const missing = [...ending.output.matchAll(/\bmissing tool: ([^:\n]+): (.+)$/gm)];
  const missingTools = new Map(missing.map((match) => [match[1] as string, match[2] as string]));
  if (missing.length > 0 && !options.onCi) {
    // A tool that is asked for outside any test takes the whole file with it.
    if (counts === undefined) return { passed: 0, failed: 0, lacking: 1, missingTools, problems: [] };
    const lacking = Math.min(missing.length, notPassed);
    const failed = Math.max(notPassed - lacking, problems.length > 0 ? 1 : 0);
    return { passed: counts.passed, failed, lacking, missingTools, problems };
  }
  const failed = Math.max(notPassed, problems.length > 0 ? 1 : 0);
  return { passed: counts?.passed ?? 0, failed, lacking: 0, missingTools, problems };
}

/** uvu's closing lines, the last ones if a test printed some of its own. */
function countsIn(output: string): { total: number; passed: number; skipped: number } | undefined {
  const [last] = [...output.matchAll(/^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)$/gm)].slice(-1);
  if (last === undefined) return undefined;
  return { total: Number(last[1]), passed: Number(last[2]), skipped: Number(last[3]) };
}
