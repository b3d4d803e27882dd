import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { endpointPattern, firstMatch, hostPattern, listenPattern } from '../../../gateway/definitions/endpoint-path.ts';

const endpointPaths = suite('endpoint paths');

const anywhere = { prefix: false, suffix: false };

/** Which of the paths an endpoint path matches. */
function matching(path: string, candidates: readonly string[], how = anywhere, ignoreCase = false): readonly string[] {
  const pattern = endpointPattern(path, how, ignoreCase);
  return candidates.filter((candidate) => pattern.test(candidate));
}

endpointPaths('match anywhere in a path', () => {
  assert.equal(matching('/get', ['/get', '/getter', '/for/get/more', '/GET']), ['/get', '/getter', '/for/get/more']);
});

endpointPaths('{name} is one segment, with or without an expression of its own', () => {
  const candidates = ['/items/7/parts', '/items/7/8/parts', '/items//parts'];
  assert.equal(matching('/items/{id}/parts', candidates), ['/items/7/parts']);
  assert.equal(matching('/items/{id:[0-9]{1,3}}/parts', candidates), ['/items/7/parts']);
  assert.equal(matching('^/[a-z]{2}$', ['/ab', '/abc']), ['/ab']);
});

endpointPaths('a star between slashes is one segment, at the end it is anything', () => {
  assert.equal(matching('/a/*/c', ['/a/b/c', '/a/b/b/c']), ['/a/b/c']);
  assert.equal(matching('/a/*', ['/a/', '/a/b/c', '/b']), ['/a/', '/a/b/c']);
});

endpointPaths('prefix and suffix matching anchor them', () => {
  const candidates = ['/json', '/json/x', '/x/json'];
  assert.equal(matching('/json', candidates, { prefix: true, suffix: false }), ['/json', '/json/x']);
  assert.equal(matching('/json', candidates, { prefix: false, suffix: true }), ['/json', '/x/json']);
  assert.equal(matching('/json', candidates, { prefix: true, suffix: true }), ['/json']);
  assert.equal(matching('json', candidates, { prefix: true, suffix: false }), candidates);
  assert.equal(matching('/json$', candidates, { prefix: true, suffix: true }), ['/json']);
});

endpointPaths('case counts unless it is said not to', () => {
  assert.equal(matching('/get', ['/GET', '/get'], anywhere, true), ['/GET', '/get']);
});

endpointPaths('the first rule whose method and path fit is taken', () => {
  const rule = (path: string, method: string) => ({ path, method, pattern: endpointPattern(path, anywhere, false) });
  const rules = [rule('/a', 'POST'), rule('^/b', ''), rule('/a', '')];
  assert.is(firstMatch(rules, 'GET', ['/a']), rules[2]);
  assert.is(firstMatch(rules, 'POST', ['/a']), rules[0]);
  assert.is(firstMatch(rules, 'GET', ['/v1/b', '/b']), rules[1]);
  assert.is(firstMatch(rules, 'GET', ['/c']), undefined);
});

endpointPaths('listen paths and hosts may hold names, everything else in them is plain', () => {
  assert.is(listenPattern('/a.b/'), undefined);
  assert.equal(listenPattern('/t/{tenant}/v.1/')?.groups('/t/acme/v.1/x'), ['/t/acme/v.1/', 'acme']);
  assert.not.ok(listenPattern('/t/{tenant}/v.1/')?.test('/t/acme/vx1/'));
  assert.ok(listenPattern('/{id:[0-9]+}/')?.test('/42/'));
  assert.not.ok(listenPattern('/{id:[0-9]+}/')?.test('/x/'));
  assert.is(hostPattern('api.test'), undefined);
  assert.ok(hostPattern('{customer}.api.test')?.test('Acme.api.TEST'));
  assert.not.ok(hostPattern('{customer}.api.test')?.test('a.b.api.test'));
});

endpointPaths.run();
