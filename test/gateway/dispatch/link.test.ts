import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FakeHook, fakeCall, fakeSet, stamp } from './fake-driver.ts';
import { withLink } from './link.ts';

const link = suite('link');

link('a hook runs in the coprocess, and its edits come back', async () => {
  await withLink({ hooks: { stamp } }, async ({ dispatcher }) => {
    const report = await dispatcher.install(fakeSet('a', ['stamp']));
    assert.equal(report, { digest: 'a', hooks: [{ ready: true, body: 'buffered' }] });
    const [outcome] = await dispatcher.dispatch({ digest: 'a', hooks: [0] }, fakeCall());
    assert.equal(outcome?.answer, { request: { setHeaders: [['X-Stamp', 'fake']] } });
  });
});

link.run();
