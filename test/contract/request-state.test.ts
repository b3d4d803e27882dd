import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RequestEdits } from '../../contract/answer.ts';
import { PluginFailure } from '../../contract/failure.ts';
import { HeaderList } from '../../contract/header-list.ts';
import {
  applyRequestEdits,
  defaultContractOptions,
  type RequestState,
  requestState,
  visibleMethod,
  visibleUrl,
} from '../../contract/request-state.ts';
import { parseTarget } from '../../contract/url.ts';

const edits = suite('request edits');

function request(target: string, headers: string[] = [], method = 'GET'): RequestState {
  return requestState({ method, url: parseTarget(target), headers: new HeaderList(headers) });
}

function apply(state: RequestState, ...all: RequestEdits[]): RequestState {
  for (const one of all) applyRequestEdits(state, one, defaultContractOptions);
  return state;
}

function refused(work: () => unknown): void {
  assert.throws(work, (error: unknown) => error instanceof PluginFailure && error.reason === 'REPLY_INVALID');
}

edits('a set header replaces all values, under its canonical name', () => {
  const state = apply(request('/', ['X-Multi', 'one', 'X-Multi', 'two', 'Accept', '*/*']), {
    setHeaders: [
      ['x-MULTI', 'only'],
      ['x_snake', 's'],
    ],
  });
  assert.equal(state.headers.raw(), ['X-Multi', 'only', 'Accept', '*/*', 'X_snake', 's']);
});

edits('a header that is deleted and set ends up set', () => {
  const state = apply(request('/', ['X-Both', 'old']), { deleteHeaders: ['x-both'], setHeaders: [['X-Both', 'new']] });
  assert.equal(state.headers.all('X-Both'), ['new']);
});

edits('keepHeaderCase lets a name stand beside the canonical one', () => {
  const state = request('/', ['X-Low', '0']);
  applyRequestEdits(state, { setHeaders: [['x-low', '1']] }, { keepHeaderCase: true });
  assert.equal(state.headers.raw(), ['X-Low', '0', 'x-low', '1']);
});

edits('the query of a returned url does not count; the old one comes back', () => {
  assert.is(visibleUrl(apply(request('/p?y=2'), { url: '/q?x=1' })), '/q?y=2');
  assert.is(visibleUrl(apply(request('/p'), { url: '/q?x=1' })), '/q');
});

edits('parameters are deleted, then added, and the query is then sorted', () => {
  const state = apply(request('/p?z=1&k=old1&k=old2&m=%7E+x'), {
    deleteParams: ['gone'],
    addParams: [
      ['k', 'new value&'],
      ['a', '1'],
    ],
  });
  assert.is(visibleUrl(state), '/p?a=1&k=new+value%26&m=~+x&z=1');
});

edits('a query whose values do not change keeps its spelling', () => {
  assert.is(visibleUrl(apply(request('/p?z=%7e&a=1&flag'), { addParams: [['a', '1']] })), '/p?z=%7e&a=1&flag');
});

edits('pairs with a semicolon vanish when the query is re-encoded, and only then', () => {
  assert.is(visibleUrl(apply(request('/p?a=1;x=2'), { deleteParams: ['never'] })), '/p?a=1;x=2');
  assert.is(visibleUrl(apply(request('/p?a=2;x=2&flag&c'), { addParams: [['a', '1']] })), '/p?a=1&c=&flag=');
});

edits('an absolute url whose host could not be one is refused', () => {
  for (const url of ['http://[::1/x', 'http://a:port/x', 'http://a%41/x', 'http://a]/x'])
    refused(() => apply(request('/p'), { url }));
  for (const url of ['http://[::1]:80/x', 'http://user:p%40w@a:80/x', 'http://a:/x', 'http:///x'])
    assert.match(visibleUrl(apply(request('/p'), { url })), /\/x$/);
});

edits('a url that is empty, relative or badly escaped is refused', () => {
  for (const url of ['', 'relative/path', '/bad%zz', '?x', '/a\nb']) refused(() => apply(request('/p'), { url }));
});

edits('odd characters of a url are encoded, and # begins no fragment', () => {
  assert.is(visibleUrl(apply(request('/p'), { url: '/p q' })), '/p%20q');
  assert.is(visibleUrl(apply(request('/p'), { url: '/p#frag' })), '/p%23frag');
  assert.is(visibleUrl(apply(request('/p'), { url: '//host.invalid/p' })), '//host.invalid/p');
});

edits('while a rewrite is pending, the url with its query is the target, and parameters are lost', () => {
  const state = request('/old?q=1');
  state.rewrite = parseTarget('/new?from=rewrite');
  apply(state, { url: '/third?mine=1', addParams: [['lost', '1']] });
  assert.is(visibleUrl(state), '/third?mine=1');
});

edits('a method is parked for the upstream; built-in steps still see the old one', () => {
  const state = apply(request('/'), { method: 'POST' });
  assert.is(state.method, 'GET');
  assert.is(visibleMethod(state), 'POST');
});

edits('an empty method leaves it as it is, and the next hook then changes it at once', () => {
  const state = apply(request('/', [], 'PUT'), { method: '' });
  assert.is(visibleMethod(state), 'PUT');
  apply(state, { method: 'PATCH' });
  assert.is(state.method, 'PATCH');
});

edits.run();
