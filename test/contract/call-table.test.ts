import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CallTable } from '../../contract/call-table.ts';

const table = suite('call table');

table('what is put in is found by its number until it is taken out', () => {
  const calls = new CallTable<string>();
  calls.set(1, 'one');
  calls.set(2, 'two');
  assert.is(calls.get(1), 'one');
  assert.is(calls.size, 2);
  assert.is(calls.take(1), 'one');
  assert.is(calls.take(1), undefined);
  assert.is(calls.get(1), undefined);
  assert.not(calls.has(1));
  assert.equal(calls.values(), ['two']);
  calls.set(2, 'again');
  assert.is(calls.size, 1);
  assert.is(calls.get(2), 'again');
  calls.clear();
  assert.is(calls.size, 0);
  assert.not(calls.has(2));
});

table('it agrees with a Map over any course of events', () => {
  // A generator of numbers of its own, so that a failure can be seen again.
  let seed = 20_261_123;
  const upTo = (limit: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % limit;
  };
  for (const range of [50, 700, 100_000]) {
    const calls = new CallTable<number>();
    const truth = new Map<number, number>();
    for (let step = 0; step < 40_000; step++) {
      // Close to one another, or a whole table apart, so that places are fought over.
      const id = 1 + (upTo(2) === 0 ? upTo(range) : 256 * upTo(range));
      if (upTo(5) < 2) {
        calls.set(id, step);
        truth.set(id, step);
      } else if (upTo(20_000) === 0) {
        calls.clear();
        truth.clear();
      } else {
        assert.is(calls.take(id), truth.get(id), `step ${step}`);
        truth.delete(id);
      }
      assert.is(calls.size, truth.size, `step ${step}`);
    }
    for (const [id, value] of truth) assert.is(calls.get(id), value);
    assert.equal(
      calls.values().sort((a, b) => a - b),
      [...truth.values()].sort((a, b) => a - b),
    );
  }
});

table('numbers that go up for ever need no more room than what is in it at a time', () => {
  const calls = new CallTable<number>();
  const stays = 7;
  calls.set(stays, stays);
  for (let id = 8; id < 300_000; id++) {
    calls.set(id, id);
    if (id > 80) assert.is(calls.take(id - 64), id - 64);
  }
  assert.is(calls.get(stays), stays);
  assert.is((calls as unknown as { ids: number[] }).ids.length, 256);
});

table.run();
