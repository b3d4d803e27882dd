import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { accept, auth, post, postKeyAuth, pre, reply, response } from '../../sdk/index.ts';

/** What plugins can be written, and what not: `@ts-expect-error` fails the type check when a mistake does compile. */
const authoring = suite('writing plugins');

authoring('a hook sees a body only if it asked for one, in the form it asked for', () => {
  // @ts-expect-error: the body was not asked for.
  pre((request) => request.body);
  pre({ body: 'text' }, (request) => {
    request.body = request.body.trim();
    // @ts-expect-error: a text is no number.
    request.body = 5;
  });
  pre({ body: 'bytes' }, (request) => {
    request.body = request.body.subarray(1);
    request.body = 'text will do';
    // @ts-expect-error: bytes have no text methods.
    request.body.trim();
  });
  pre({ body: 'json' }, (request) => {
    // @ts-expect-error: what a client sends must be looked at first.
    request.body.items;
  });
  // @ts-expect-error: the body was not asked for.
  response((message) => message.body);
  // @ts-expect-error: there is no such form.
  assert.throws(() => pre({ body: 'xml' }, () => {}), '"body" must be one of none, text, bytes, json');
});

authoring('each phase has its own context and its own answers', () => {
  // @ts-expect-error: nobody is known before authentication.
  pre((_request, { session }) => void session);
  post((_request, { session }) => void session?.rate);
  postKeyAuth((_request, { metadata }) => void metadata.plan);
  // @ts-expect-error: only auth hooks accept.
  pre(() => accept('ada'));
  auth(() => accept('ada'));
  // @ts-expect-error: an auth hook must say who it is, or refuse.
  auth(() => {});
  // @ts-expect-error: a response hook changes the response it is given.
  response(() => reply(200));
  response((_message, { request }) => {
    // @ts-expect-error: the request has been sent.
    request.path = '/';
    // @ts-expect-error: the request has been sent.
    request.headers.set('a', 'b');
  });
  pre((request) => {
    // @ts-expect-error: request headers have one value each.
    request.headers.append('a', 'b');
  });
  // @ts-expect-error: a hook has a function.
  assert.throws(() => pre('nothing'), '"run" must be a function');
});

authoring('what cannot be an answer is refused where it is made', () => {
  assert.throws(() => reply(99), '99 is no status of a final response');
  assert.throws(() => reply(1000), /no status/);
  assert.throws(() => accept(''), '"id" must be a text that is not empty');
  assert.throws(() => accept('a', { rate: -2 }), '"rate" cannot be -2');
  assert.throws(() => accept('a', { quotaMax: 1.5 }), '"quota_max" must be a whole number, got 1.5');
  assert.throws(() => accept('a', { expires: new Date('never') }), '"expires" must be a whole number');
  // @ts-expect-error: metadata is text.
  assert.throws(() => accept('a', { metadata: { plan: 5 } }), 'metadata "plan" must be text, got number');
});

authoring('replies take headers in any form', () => {
  assert.equal(reply(200, 'a', { a: '1', b: ['2', '3'] }).headers, ['a', '1', 'b', '2', 'b', '3']);
  assert.equal(reply(200, 'a', new Headers({ a: '1' })).headers, ['a', '1']);
  assert.equal(reply(200, { a: 1 }, { 'Content-Type': 'application/problem+json' }).headers, [
    'Content-Type',
    'application/problem+json',
  ]);
  assert.equal(reply(204).body, '');
});

authoring.run();
