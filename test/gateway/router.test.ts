import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hostPattern, listenPattern } from '../../gateway/definitions/endpoint-path.ts';
import { createRouter, type Route, type Router } from '../../gateway/router.ts';

const router = suite('router');

/** Routes by `host/path`, each its own entry. */
function routerOf(texts: readonly string[], strict = false): Router<string> {
  const routes = texts.map((entry): Route<string> => {
    const slash = entry.indexOf('/');
    const domain = slash === 0 ? undefined : entry.slice(0, slash);
    const path = entry.slice(slash);
    return {
      domain,
      path,
      pathPattern: listenPattern(path),
      domainPattern: domain && hostPattern(domain),
      entry,
    } as Route<string>;
  });
  return createRouter(routes, strict);
}

router('the longest listen path answers', () => {
  const { find } = routerOf(['/', '/a/', '/a/b/', '/a/bc']);
  assert.is(find('', '/x'), '/');
  assert.is(find('', '/a/x'), '/a/');
  assert.is(find('', '/a/b/x'), '/a/b/');
  assert.is(find('', '/a/bcd'), '/a/bc');
  assert.is(routerOf(['/a/']).find('', '/x'), undefined);
});

router('strict routes match whole segments only, patterns too', () => {
  const { find } = routerOf(['/foo', '/foo/{id}/x'], true);
  assert.is(find('', '/foobar'), undefined);
  assert.is(find('', '/foo/bar'), '/foo');
  const patterns = routerOf(['/p/{id}/x'], true);
  assert.is(patterns.find('', '/p/1/xy'), undefined);
  assert.is(patterns.find('', '/p/1/x/y'), '/p/{id}/x');
});

router('listen paths with names come after plain ones, the longest first, and match from the start', () => {
  const { find } = routerOf(['/orders/', '/{team}/orders/', '/{team}/orders/{id:[0-9]+}/lines']);
  assert.is(find('', '/orders/1'), '/orders/');
  assert.is(find('', '/red/orders/x'), '/{team}/orders/');
  assert.is(find('', '/red/orders/17/lines'), '/{team}/orders/{id:[0-9]+}/lines');
  assert.is(find('', '/x/red/orders/'), undefined);
});

router("an API of the request's host comes first, then one of a host pattern, then one of any host", () => {
  const { find } = routerOf(['/', 'api.test/', '{team}.api.test/', '{n:[0-9]+}.num.test/a/']);
  assert.is(find('API.test:8080', '/a/'), 'api.test/');
  assert.is(find('red.api.test', '/'), '{team}.api.test/');
  assert.is(find('17.num.test', '/a/'), '{n:[0-9]+}.num.test/a/');
  assert.is(find('x.num.test', '/a/'), '/');
  assert.is(find('', '/'), '/');
});

router.run();
