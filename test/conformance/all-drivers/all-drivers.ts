import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadSubjects } from './case.ts';
import { type LanguageName, languages } from './language.ts';
import { runCase } from './run-case.ts';
import { modes, withWorld } from './world.ts';

/** Make a test of every case of the list, in one process and over the link. */
export function allCases(language: LanguageName): void {
  const subjects = loadSubjects();
  for (const mode of modes) {
    const tests = suite(`${language}, ${mode}`);
    const results = new Map<string, Promise<string[]>>();
    let finish: () => void = () => {};
    let closed: Promise<void> = Promise.resolve();

    tests.before(async () => {
      await new Promise<void>((resolve, reject) => {
        closed = withWorld(subjects, languages[language], mode, async (world) => {
          const next = takeTurns(8);
          // Those that were loaded last first: their guests are still there.
          for (const subject of subjects.toReversed()) {
            for (const one of subject.cases.toReversed()) {
              const result = next(() => runCase(world, subject, one));
              result.catch(() => {});
              results.set(`${subject.name}: ${one.name}`, result);
            }
          }
          resolve();
          await new Promise<void>((done) => {
            finish = done;
          });
        });
        closed.catch(reject);
      });
    });

    for (const subject of subjects) {
      for (const { name } of subject.cases) {
        const title = `${language}, ${mode}, ${subject.name}: ${name}`;
        tests(title, async () => {
          assert.equal(await results.get(`${subject.name}: ${name}`), []);
        });
      }
    }
    tests.after(async () => {
      finish();
      await closed;
    });
    tests.run();
  }
}

/** So many at a time, in their order. */
function takeTurns(count: number): <Value>(run: () => Promise<Value>) => Promise<Value> {
  const lanes: Promise<unknown>[] = Array.from({ length: count }, () => Promise.resolve());
  let last = 0;
  return (run) => {
    const lane = last++ % count;
    const result = (lanes[lane] as Promise<unknown>).then(run);
    lanes[lane] = result.catch(() => {});
    return result;
  };
}
