import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookAnswer } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import { Cancellation } from '../../contract/cancellation.ts';
import { PluginFailure } from '../../contract/failure.ts';
import { HeaderList } from '../../contract/header-list.ts';
import { decodeAnswer, encodeObject, objectConstants } from '../../contract/object.ts';
import type { HookSpec, HookType } from '../../contract/plugin-set.ts';
import { RequestMessage } from '../../contract/request-message.ts';
import { requestState } from '../../contract/request-state.ts';
import { ResponseMessage } from '../../contract/response-message.ts';
import { parseTarget } from '../../contract/url.ts';
import { Object as WireObject } from '../../proto/gen/coprocess_object.ts';

const object = suite('coprocess.Object');

const spec: HookSpec = {
  index: 0,
  type: 'pre',
  driver: 'grpc',
  name: 'stamp',
  path: '',
  rawBodyOnly: false,
  requireSession: false,
  timeoutMs: 1000,
  onError: 'reject',
};

function call(parts: { target?: string; headers?: string[]; body?: Buffer; response?: string[] } = {}): HookCall {
  const state = requestState({
    method: 'POST',
    url: parseTarget(parts.target ?? '/api/x?a=1&a=2&b=%C3%BC'),
    host: 'api.test',
    headers: new HeaderList(parts.headers ?? ['Accept', '*/*', 'X-Multi', 'one', 'X-Multi', 'two']),
    body: parts.body ?? Buffer.from('hello'),
  });
  const response = parts.response && { status: 200, headers: new HeaderList(parts.response), body: Buffer.from('old') };
  return {
    request: RequestMessage.of(state),
    response: response && ResponseMessage.of(response),
    session: undefined,
    metadata: undefined,
    deadlineMs: Number.POSITIVE_INFINITY,
    cancellation: new Cancellation(),
    trace: undefined,
  };
}

/** What a plugin would get, and its answer after `edit`. */
function roundTrip(made: HookCall, type: HookType, edit: (object: WireObject) => void): HookAnswer {
  const sent = WireObject.decode(encodeObject(objectConstants({ ...spec, type }, { APIID: 'a' }), made));
  edit(sent);
  return decodeAnswer(type, Buffer.from(WireObject.encode(sent).finish()), made);
}

function failure(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof PluginFailure) return error.reason;
    throw error;
  }
  return 'none';
}

object('a plugin gets first values, decoded parameters, the Host, the body twice, and code -1', () => {
  const got = WireObject.decode(encodeObject(objectConstants(spec, { APIID: 'a', OrgID: 'o' }), call()));
  assert.is(got.hookName, 'stamp');
  assert.equal(got.request?.headers, { Accept: '*/*', 'X-Multi': 'one', Host: 'api.test' });
  assert.equal(got.request?.params, { a: '1', b: 'ü' });
  assert.is(got.request?.url, '/api/x?a=1&a=2&b=%C3%BC');
  assert.is(got.request?.body, 'hello');
  assert.is(got.request?.rawBody.toString(), 'hello');
  assert.is(got.request?.returnOverrides?.responseCode, -1);
  assert.equal(got.spec, { APIID: 'a', OrgID: 'o' });
  assert.is(got.session, undefined);
});

object('a body that is no text is only in raw_body, and raw_body_only leaves the text out', () => {
  const binary = WireObject.decode(encodeObject(objectConstants(spec, {}), call({ body: Buffer.from([0xff, 0]) })));
  assert.is(binary.request?.body, '');
  assert.equal([...(binary.request?.rawBody ?? [])], [0xff, 0]);
  const raw = WireObject.decode(encodeObject(objectConstants({ ...spec, rawBodyOnly: true }, {}), call()));
  assert.is(raw.request?.body, '');
  assert.is(raw.request?.rawBody.toString(), 'hello');
});

object('text that is not UTF-8 cannot be sent', () => {
  assert.is(
    failure(() => encodeObject(objectConstants(spec, {}), call({ headers: ['X-Name', 'M\xfcller'] }))),
    'CALL_UNSENDABLE',
  );
  assert.is(
    failure(() => encodeObject(objectConstants(spec, {}), call({ target: '/x?a=%FF' }))),
    'CALL_UNSENDABLE',
  );
});

object('an echo changes nothing', () => {
  const { request, reply } = roundTrip(call(), 'pre', () => {});
  assert.equal(request, { url: '/api/x?a=1&a=2&b=%C3%BC', method: 'POST' });
  assert.is(reply, undefined);
});

object('edits of a request come back in the terms of the contract; edits of headers and body are ignored', () => {
  const { request } = roundTrip(call(), 'pre', ({ request: r }) => {
    if (r === undefined) return;
    r.setHeaders = { 'X-New': 'é' };
    r.deleteHeaders = ['Accept'];
    r.addParams = { q: '1' };
    r.deleteParams = ['a'];
    r.headers = {};
    r.body = 'ignored';
    r.rawBody = Buffer.from('new');
  });
  assert.equal(request?.setHeaders, [['X-New', 'Ã©']]);
  assert.equal(request?.deleteHeaders, ['Accept']);
  assert.equal(request?.addParams, [['q', '1']]);
  assert.equal(request?.deleteParams, ['a']);
  assert.is(request?.body?.toString(), 'new');
});

object('overrides: what is a reply, what is an error by template, and what is neither', () => {
  const overridden = (code: number, more: object = {}): HookAnswer['reply'] =>
    roundTrip(call(), 'pre', ({ request: r }) => {
      if (r?.returnOverrides) Object.assign(r.returnOverrides, { responseCode: code, ...more });
    }).reply;
  assert.is(overridden(-1, { responseBody: 'b' }), undefined);
  assert.is(overridden(0), undefined);
  assert.is(overridden(200, { responseBody: 'b' })?.template, false);
  assert.is(overridden(403)?.body.toString(), 'Key not authorised');
  assert.is(overridden(403)?.template, true);
  assert.is(overridden(403, { overrideError: true, responseBody: 'b' })?.template, false);
  assert.is(overridden(500, { responseError: 'e', responseBody: 'b' })?.body.toString(), 'e');
  for (const code of [100, 103, 199]) assert.is(overridden(code)?.status, 200);
  for (const code of [1, 99, 101, 1000])
    assert.is(
      failure(() => overridden(code)),
      'REPLY_INVALID',
    );
});

object('a reply without request or return_overrides is invalid, garbage is an error', () => {
  assert.is(
    failure(() => roundTrip(call(), 'pre', (o) => Object.assign(o, { request: undefined }))),
    'REPLY_INVALID',
  );
  assert.is(
    failure(() => roundTrip(call(), 'pre', ({ request: r }) => Object.assign(r ?? {}, { returnOverrides: undefined }))),
    'REPLY_INVALID',
  );
  assert.is(
    failure(() => decodeAnswer('pre', Buffer.from([0xff, 0xff, 0xff, 0xff]), call())),
    'HOOK_THREW',
  );
});

object('text in a reply that is not UTF-8 is an error, also where nobody reads it', () => {
  const notText = Buffer.from('GiUqBi9rbm93bloDR0VUUgsI////////////ARIJCgNYLUESAv/+', 'base64');
  assert.is(
    failure(() => decodeAnswer('pre', notText, call())),
    'HOOK_THREW',
  );
});

object('a response hook: unchanged headers leave multivalue_headers in charge', () => {
  const headers = ['Content-Type', 'text/plain', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'];
  const answer = roundTrip(call({ response: headers }), 'response', ({ response: r }) => {
    r?.multivalueHeaders.push({ key: 'X-More', values: ['1', '2'] });
  });
  assert.equal(answer.response?.headers, [
    ['Content-Type', 'text/plain'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
    ['X-More', '1'],
    ['X-More', '2'],
  ]);
});

object('a response hook: a changed header map wins, and additions to the other are lost', () => {
  const headers = ['Content-Type', 'text/plain', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Gone', '1'];
  const answer = roundTrip(call({ response: headers }), 'response', ({ response: r }) => {
    if (r === undefined) return;
    r.headers['Set-Cookie'] = 'c=3';
    delete r.headers['X-Gone'];
    r.headers['X-New'] = 'n';
    r.multivalueHeaders.push({ key: 'X-Lost', values: ['1'] });
    r.rawBody = Buffer.from('new body');
    r.statusCode = 202;
  });
  assert.equal(answer.response?.headers, [
    ['X-New', 'n'],
    ['Content-Type', 'text/plain'],
    ['Set-Cookie', 'c=3'],
    ['Set-Cookie', 'b=2'],
  ]);
  assert.is(answer.response?.status, 202);
  assert.is(answer.response?.body?.toString(), 'new body');
});

object('a response hook whose status is none, or whose response is missing, is invalid', () => {
  for (const status of [0, 42, 1234]) {
    const work = (): HookAnswer =>
      roundTrip(call({ response: [] }), 'response', ({ response: r }) =>
        Object.assign(r ?? {}, { statusCode: status }),
      );
    assert.is(failure(work), 'REPLY_INVALID');
  }
  assert.is(
    failure(() => roundTrip(call({ response: [] }), 'response', (o) => Object.assign(o, { response: undefined }))),
    'REPLY_INVALID',
  );
});

object.run();
