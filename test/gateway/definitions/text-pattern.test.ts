import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compilePattern } from '../../../gateway/definitions/text-pattern.ts';

const patterns = suite('text patterns');

patterns('match anywhere unless they are anchored', () => {
  assert.ok(compilePattern('/get').test('/for/getter'));
  assert.not.ok(compilePattern('^/get').test('/for/getter'));
  assert.not.ok(compilePattern('/get$').test('/getter'));
});

patterns('read the syntax of RE2', () => {
  assert.ok(compilePattern('(?i)orders').test('/ORDERS'));
  assert.ok(compilePattern('^\\pL+$').test('grüße'));
  assert.equal(compilePattern('(?P<year>\\d{4})-(\\d\\d)?').groups('on 2026-x'), ['2026-', '2026', '']);
});

patterns('give all matches without their groups', () => {
  assert.equal(compilePattern('[a-z]+([0-9])').all('ab1-cd2-3'), ['ab1', 'cd2']);
  assert.equal(compilePattern('/a').all('/a/a'), ['/a', '/a']);
});

for (const expression of ['(a+)+b', '([a-z]+)*$', '(.*)(.*)(.*)(.*)x', '[^/]+[^/]+z', '/([^/]+)/([^/]+)$']) {
  patterns(`${expression} takes linear time on a text made to stall it`, () => {
    const text = `${'a'.repeat(100_000)}/${'a'.repeat(100_000)}/`;
    const began = performance.now();
    compilePattern(expression).test(text);
    assert.ok(performance.now() - began < 1000);
  });
}

patterns('what RE2 does not know is refused with the reason', () => {
  assert.throws(() => compilePattern('(?=a)'), /is no RE2 expression: invalid or unsupported Perl syntax/);
  assert.throws(() => compilePattern('('), /missing closing \)/);
});

patterns.run();
