import { suite as uvuSuite } from 'uvu';
import * as assert from 'uvu/assert';
import { type RunningSuite, startSuite } from './run-suite.ts';
import { loadExceptions, loadSuite } from './suite.ts';

/**
 * Make a test of every case of recorded suites: as one process, or with gateway and coprocess apart. A deliberate difference is a claim
 * too: a case listed in exceptions.yaml that does as recorded fails, so that the list stays true.
 */
export function conformance(names: readonly string[], split: boolean): void {
  const exceptions = loadExceptions();
  for (const name of names) {
    const recorded = loadSuite(name);
    const tests = uvuSuite(`conformance ${name}${split ? ', as two services' : ''}`);
    // One product after the other: a machine that starts several at once is no place to look for differences.
    let running: Promise<RunningSuite> | undefined;
    for (const one of recorded.cases) {
      tests(`${one.id}: ${one.why ?? ''}`, async () => {
        running ??= startSuite(recorded, split);
        const suite = await running;
        const before = suite.printed();
        const differences = await suite.check(one);
        const shown = differences
          .slice(0, 6)
          .map(({ path, wanted, had }) => `${path}\n  want ${show(wanted)}\n  have ${show(had)}`);
        if (exceptions[one.id] === undefined) {
          if (shown.length > 0) assert.unreachable(whole(shown, before, suite.printed()));
        } else {
          assert.ok(
            differences.length > 0,
            'listed as an exception, and yet it does as recorded: take it off the list',
          );
        }
      });
    }
    tests.after(async () => (await running)?.close());
    tests.run();
  }
}

/** In one message, so that what failed, and why, stand together. */
function whole(shown: readonly string[], before: string, printed: string): string {
  const told = before === '' ? '' : `\nbefore it the product said:\n${before.slice(-2000)}`;
  const said = printed === '' ? '\nthe product said nothing' : `\nthe product said:\n${printed.slice(0, 2000)}`;
  return `${shown.join('\n')}${said}${told}`;
}

function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 300) ?? String(value);
}
