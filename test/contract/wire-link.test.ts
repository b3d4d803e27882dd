import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookAnswer, HookOutcome } from '../../contract/answer.ts';
import { Cancellation } from '../../contract/cancellation.ts';
import { PluginFailure } from '../../contract/failure.ts';
import { HeaderList } from '../../contract/header-list.ts';
import {
  readFromCoprocess,
  writeAnswer,
  writeBundleNews,
  writeDraining,
  writeFileStamps,
  writeHostRequest,
  writeInstalled,
  writeWelcome,
} from '../../contract/link/from-coprocess.ts';
import {
  readFromGateway,
  writeBundlesInUse,
  writeBundleVerdict,
  writeCall,
  writeCancel,
  writeDefineRun,
  writeHello,
  writeHostReply,
  writeInstall,
  writeLookAtFiles,
  writeUninstall,
} from '../../contract/link/from-gateway.ts';
import type { PluginSet } from '../../contract/plugin-set.ts';
import { RequestMessage } from '../../contract/request-message.ts';
import { requestState } from '../../contract/request-state.ts';
import { ResponseMessage } from '../../contract/response-message.ts';
import { parseTarget } from '../../contract/url.ts';
import { WireWriter } from '../../contract/wire/writer.ts';
import { FromCoprocess, FromGateway } from '../../proto/gen/interpose/link/v1/link.ts';

const codec = suite('link messages');

const state = requestState({
  method: 'POST',
  url: parseTarget('/orders?id=7'),
  host: 'shop.test',
  headers: new HeaderList(['X-Name', 'Zo\xeb']),
  body: Buffer.from('request body'),
});
const set: PluginSet = { digest: 'cafe', apiId: 'órders', orgId: 'acme', hooks: [] };

function fullCall() {
  return {
    request: RequestMessage.of(state),
    response: ResponseMessage.of({
      status: 404,
      headers: new HeaderList(['X-Up', '1']),
      body: Buffer.from('upstream'),
    }),
    session: Buffer.from('session'),
    metadata: Buffer.from('metadata'),
    deadlineMs: 0,
    cancellation: new Cancellation(),
    trace: { traceparent: '00-aa-bb-01', tracestate: 'a=b' },
  };
}

codec('everything a gateway says is what the generated code reads', () => {
  const writer = new WireWriter();
  writeHello(writer, 'gateway-ü');
  writeInstall(writer, set);
  writeDefineRun(writer, 3, 'cafe', [0, 2, 300]);
  writeCall(writer, 2 ** 40, 3, 5000, fullCall());
  writeCancel(writer, 9);
  writeHostReply(writer, 1, { result: { balance: 'ü' } });
  writeHostReply(writer, 2, { error: 'no such kéy' });
  writeHostReply(writer, 3, { result: undefined });
  writeUninstall(writer, 'cafe');
  writeBundlesInUse(writer, ['ä.zip', 'b.zip']);
  writeBundleVerdict(writer, { bundle: 'ä.zip', digest: 'beef', refused: 'nö' });
  writeBundleVerdict(writer, { bundle: 'b.zip', digest: 'beef' });
  writeLookAtFiles(writer, 5, ['ä.py', 'b.lua']);
  const message = plain(FromGateway.decode(writer.take()));

  assert.equal(message.hello, { version: 1, gatewayId: 'gateway-ü' });
  assert.equal(message.installs, [{ digest: 'cafe', set: JSON.stringify(set) }]);
  assert.equal(message.runs, [{ number: 3, digest: 'cafe', hooks: [0, 2, 300] }]);
  const [call] = message.calls;
  assert.is(call?.id, 2n ** 40n);
  assert.is(call?.run, 3);
  assert.is(call?.timeoutMs, 5000);
  assert.is(call?.traceparent, '00-aa-bb-01');
  const texts = [call?.body, call?.session, call?.metadata, call?.responseBody, call?.tracestate].map(String);
  assert.equal(texts, ['request body', 'session', 'metadata', 'upstream', 'a=b']);
  assert.ok(call?.request.includes('shop.test'));
  assert.ok(call?.response.includes('X-Up'));
  assert.equal(message.cancels, [9n]);
  assert.equal(message.hostReplies, [
    { id: 1n, result: '{"balance":"ü"}', error: '' },
    { id: 2n, result: '', error: 'no such kéy' },
    { id: 3n, result: '', error: '' },
  ]);
  assert.equal(message.uninstalls, ['cafe']);
  assert.equal(message.bundlesInUse, { bundles: ['ä.zip', 'b.zip'] });
  assert.equal(message.bundleVerdicts, [
    { bundle: 'ä.zip', digest: 'beef', refused: 'nö' },
    { bundle: 'b.zip', digest: 'beef', refused: '' },
  ]);
  assert.equal(message.looksAtFiles, [{ id: 5n, names: ['ä.py', 'b.lua'] }]);
});

codec('everything the generated code writes for a gateway is read', () => {
  const heard: unknown[] = [];
  const bytes = FromGateway.encode(
    FromGateway.fromPartial({
      hello: { version: 1, gatewayId: 'gateway-ü' },
      installs: [{ digest: 'cafe', set: JSON.stringify(set) }],
      runs: [{ number: 3, digest: 'cafe', hooks: [0, 2, 300] }],
      calls: [
        {
          id: 7n,
          run: 3,
          timeoutMs: 20,
          request: Buffer.from('head'),
          bodyBytes: 100_000n,
          traceparent: '00-aa-bb-01',
          originalUrl: Buffer.from('/old'),
        },
      ],
      cancels: [9n, 10n],
      hostReplies: [
        { id: 1n, result: '[1]' },
        { id: 2n, error: 'nö' },
      ],
      uninstalls: ['cafe'],
      bundlesInUse: { bundles: ['ä.zip'] },
      bundleVerdicts: [{ bundle: 'ä.zip', digest: 'beef', refused: 'nö' }, { bundle: 'b.zip' }],
      looksAtFiles: [{ id: 5n, names: ['ä.py', 'b.lua'] }],
    }),
  ).finish();
  readFromGateway(Buffer.from(bytes), {
    hello: (...parts) => heard.push(parts),
    install: (...parts) => heard.push(parts),
    defineRun: (...parts) => heard.push(parts),
    call: ({ id, run, timeoutMs, request, bodyBytes, traceparent, originalUrl, session }) =>
      heard.push({ id, run, timeoutMs, request: String(request), bodyBytes, traceparent, originalUrl, session }),
    cancel: (id) => heard.push(id),
    hostReply: (...parts) => heard.push(parts),
    uninstall: (digest) => heard.push(digest),
    bundlesInUse: (bundles) => heard.push(bundles),
    bundleVerdict: (verdict) => heard.push(verdict),
    lookAtFiles: (...parts) => heard.push(parts),
  });
  const { id, run, traceparent } = { id: 7, run: 3, traceparent: '00-aa-bb-01' };
  const call = { id, run, timeoutMs: 20, request: 'head', bodyBytes: 100_000, traceparent, originalUrl: '/old' };
  assert.equal(heard, [
    [1, 'gateway-ü'],
    ['cafe', set],
    [3, 'cafe', [0, 2, 300]],
    { ...call, session: undefined },
    9,
    10,
    [1, { result: [1] }],
    [2, { error: 'nö' }],
    'cafe',
    ['ä.zip'],
    { bundle: 'ä.zip', digest: 'beef', refused: 'nö' },
    { bundle: 'b.zip', digest: '' },
    [5, ['ä.py', 'b.lua']],
  ]);
});

const answer: HookAnswer = {
  request: {
    body: Buffer.alloc(0),
    deleteHeaders: ['X-A', 'X-B'],
    setHeaders: [['X-Name', 'Zo\xeb']],
    deleteParams: ['\xff'],
    addParams: [['q', '\xfe']],
    url: '/new',
    method: 'PUT',
  },
  response: { status: 201, headers: [], body: Buffer.from('new') },
  reply: { status: 418, headers: [['X-Tea', '1']], body: Buffer.from('short'), template: true },
  session: Buffer.from('session'),
  metadata: [['token', 'abc']],
};

codec('an answer with everything in it comes back as it was', () => {
  const writer = new WireWriter();
  const timing = { queueUs: 1, wireUs: 2, runUs: 300 };
  const failure = new PluginFailure('HOOK_TIMED_OUT', 'tíme is over');
  const sent: HookOutcome[] = [
    { answer, timing },
    { answer: {}, timing },
    { failure, timing },
  ];
  writeAnswer(writer, 12, sent, () => assert.unreachable('all bodies are small'));
  const bytes = writer.take();
  readFromCoprocess(bytes, {
    ...deaf,
    answer(id, outcomes, awaited) {
      assert.is(id, 12);
      assert.is(awaited, undefined);
      assert.equal(outcomes[0]?.answer, answer);
      assert.equal(outcomes[1], { answer: {}, timing });
      assert.is(outcomes[2]?.failure?.reason, 'HOOK_TIMED_OUT');
      assert.is(outcomes[2]?.failure?.message, 'tíme is over');
    },
  });
  const [theirs] = plain(FromCoprocess.decode(bytes)).answers;
  assert.is(theirs?.outcomes.length, 3);
  assert.is(theirs?.outcomes[0]?.response?.headersReplaced, true);
  assert.equal(theirs?.outcomes[0]?.request?.deleteParams, [Buffer.from([0xff])]);
  assert.equal(theirs?.outcomes[2]?.failure, { reason: 'HOOK_TIMED_OUT', message: 'tíme is over' });
});

codec('bodies over 64 KiB travel beside the answer, each under its part', () => {
  const large = Buffer.alloc(64 * 1024 + 1, 'x');
  const sent: [number, number][] = [];
  const writer = new WireWriter();
  const timing = { queueUs: 0, wireUs: 0, runUs: 0 };
  const reply = { status: 200, headers: [], body: large, template: false };
  const outcomes: HookOutcome[] = [
    { answer: { request: { body: Buffer.alloc(64 * 1024) } }, timing },
    { answer: { request: { body: large }, response: { body: large }, reply }, timing },
  ];
  writeAnswer(writer, 1, outcomes, (part, body) => sent.push([part, body.length]));
  assert.equal(
    sent,
    [3, 4, 5].map((part) => [part, large.length]),
  );
  readFromCoprocess(writer.take(), {
    ...deaf,
    answer(_id, read, awaited) {
      assert.is(read[0]?.answer?.request?.body?.length, 64 * 1024);
      for (const { put } of awaited ?? []) put(large);
      assert.is(read[1]?.answer?.request?.body, large);
      assert.is(read[1]?.answer?.response?.body, large);
      assert.is(read[1]?.answer?.reply?.body, large);
    },
  });
});

codec('the rest of what a coprocess says is what the generated code reads, and is read', () => {
  const writer = new WireWriter();
  const report = { digest: 'cafe', hooks: [], refused: 'nö' };
  const welcome = { version: 1, coprocessId: 'ü', drivers: ['fake', 'lua'], token: Buffer.from('token') };
  writeWelcome(writer, welcome);
  writeInstalled(writer, report);
  writeHostRequest(writer, 4, 'storage.get', { key: 'ü' });
  writeDraining(writer);
  const offer = { digest: 'beef', customMiddleware: { driver: 'ü' } };
  const news = [{ bundle: 'ä.zip', offer, settled: true }, { bundle: 'ä.zip', problem: 'nö' }, { bundle: 'b.zip' }];
  for (const one of news) writeBundleNews(writer, one);
  const stamps = { files: ['one', ''], beside: 'all' };
  writeFileStamps(writer, 5, stamps);
  const bytes = writer.take();
  const theirs = plain(FromCoprocess.decode(bytes));
  assert.equal(theirs.welcome, welcome);
  assert.equal(theirs.installed, [{ digest: 'cafe', report: JSON.stringify(report) }]);
  assert.equal(theirs.hostRequests, [{ id: 4n, service: 'storage.get', arguments: '{"key":"ü"}' }]);
  assert.is(theirs.draining, true);
  assert.equal(theirs.bundleNews, [
    { bundle: 'ä.zip', offer: JSON.stringify(offer), settled: true, problem: '' },
    { bundle: 'ä.zip', offer: '', settled: false, problem: 'nö' },
    { bundle: 'b.zip', offer: '', settled: false, problem: '' },
  ]);
  assert.equal(theirs.fileStamps, [{ id: 5n, ...stamps }]);
  const heard: unknown[] = [];
  readFromCoprocess(bytes, {
    ...deaf,
    welcome: (value) => heard.push(value),
    installed: (value) => heard.push(value),
    hostRequest: (...parts) => heard.push(parts),
    draining: () => heard.push('draining'),
    bundleNews: (one) => heard.push(one),
    fileStamps: (...parts) => heard.push(parts),
  });
  assert.equal(heard, [welcome, report, [4, 'storage.get', { key: 'ü' }], 'draining', ...news, [5, stamps]]);
});

/** A decoded message without the lists of its unknown fields, which must be empty. */
function plain<T>(message: T): T {
  if (Array.isArray(message)) message.forEach(plain);
  else if (typeof message === 'object' && message !== null && !(message instanceof Uint8Array)) {
    const { _unknownFields: unknown } = message as { _unknownFields?: object };
    assert.equal(unknown ?? {}, {});
    delete (message as { _unknownFields?: object })._unknownFields;
    for (const value of Object.values(message)) plain(value);
  }
  return message;
}

const deaf = {
  welcome() {},
  installed() {},
  answer() {},
  hostRequest() {},
  draining() {},
  bundleNews() {},
  fileStamps() {},
};

codec.run();
