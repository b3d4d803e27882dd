import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { HookCall } from '../../contract/call.ts';
import { PluginFailure } from '../../contract/failure.ts';
import type { PluginSet } from '../../contract/plugin-set.ts';
import { createCoprocess, GatewayHost, serveCoprocess } from '../../coprocess/index.ts';
import { HookType } from '../../proto/gen/coprocess_common.ts';
import { Event, EventReply, Object as WireObject } from '../../proto/gen/coprocess_object.ts';
import { SessionState } from '../../proto/gen/coprocess_session_state.ts';
import { type FakeHook, fakeDriver, fakeSet, hang, stamp } from '../gateway/dispatch/fake-driver.ts';

const dispatcherService = suite('coprocess.Dispatcher, called by a foreign gateway');

interface ForeignGateway {
  dispatch(object: Buffer, options?: { metadata?: Metadata; deadline?: number }): Promise<Buffer>;
  event(payload: string): Promise<unknown>;
}

async function withServed(
  hooks: Record<string, FakeHook>,
  sets: readonly PluginSet[],
  use: (gateway: ForeignGateway) => Promise<void>,
): Promise<void> {
  const host = new GatewayHost(() => {});
  const coprocess = createCoprocess({ drivers: [fakeDriver(hooks)], host });
  for (const set of sets) await coprocess.install(set);
  const server = await serveCoprocess({ coprocess, host, address: '127.0.0.1:0', served: sets });
  const client = new Client(server.address, credentials.createInsecure(), { 'grpc.max_receive_message_length': -1 });
  const unary = (path: string, message: Buffer, metadata = new Metadata(), deadline = 5000): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + deadline };
      const done = (error: ServiceError | null, reply?: Buffer): void =>
        error ? reject(error) : resolve(reply as Buffer);
      client.makeUnaryRequest(path, asIs, asIs, message, metadata, options, done);
    });
  try {
    await use({
      dispatch: (object, { metadata, deadline } = {}) =>
        unary('/coprocess.Dispatcher/Dispatch', object, metadata, deadline),
      event: async (payload) =>
        EventReply.decode(
          await unary('/coprocess.Dispatcher/DispatchEvent', Buffer.from(Event.encode({ payload }).finish())),
        ),
    });
  } finally {
    client.close();
    await server.close();
    await coprocess.close();
  }
}

const asIs = (bytes: Buffer): Buffer => bytes;

function object(parts: Parameters<typeof WireObject.fromPartial>[0] = {}): Buffer {
  const request = {
    headers: { Host: 'shop.test', Accept: '*/*' },
    url: '/orders?id=7',
    method: 'POST',
    body: 'text',
    rawBody: Buffer.from('text'),
    returnOverrides: { responseCode: -1 },
  };
  const spec = { APIID: 'orders', OrgID: 'acme' };
  const whole = { hookType: HookType.Pre, hookName: 'stamp', request, spec, ...parts };
  return Buffer.from(WireObject.encode(WireObject.fromPartial(whole)).finish());
}

async function refused(call: Promise<Buffer>): Promise<{ code: string; details: string }> {
  try {
    await call;
  } catch (error) {
    const { code, details } = error as ServiceError;
    return { code: status[code], details };
  }
  throw new Error('the call was answered');
}

dispatcherService("the Object comes back whole, with the hook's edits in it", async () => {
  let seen: HookCall | undefined;
  const edit: FakeHook = (call) => {
    seen = call;
    return {
      request: {
        setHeaders: [['X-Name', 'Zo\xc3\xab']],
        deleteHeaders: ['Accept'],
        addParams: [['q', '1']],
        deleteParams: ['id'],
        url: '/new',
        method: 'PUT',
        body: Buffer.from([0xff]),
      },
      metadata: [['token', 'abc']],
    };
  };
  await withServed({ edit }, [fakeSet('a', ['edit'])], async (gateway) => {
    const sent = object({ hookName: 'edit', metadata: { from: 'gateway' }, session: { orgId: 'acme', rate: 2.5 } });
    const reply = WireObject.decode(await gateway.dispatch(sent));
    assert.is(reply.hookName, 'edit');
    assert.equal(reply.request?.headers, { Host: 'shop.test', Accept: '*/*' });
    assert.equal(reply.request?.setHeaders, { 'X-Name': 'Zoë' });
    assert.equal(reply.request?.deleteHeaders, ['Accept']);
    assert.equal(reply.request?.addParams, { q: '1' });
    assert.equal(reply.request?.deleteParams, ['id']);
    assert.is(reply.request?.url, '/new');
    assert.is(reply.request?.method, 'PUT');
    assert.equal(reply.request?.rawBody, Buffer.from([0xff]));
    assert.is(reply.request?.body, '', 'bytes that are no text are not in the text field');
    assert.is(reply.request?.returnOverrides?.responseCode, -1);
    assert.equal(reply.metadata, { from: 'gateway', token: 'abc' });
    assert.is(reply.session?.rate, 2.5);
    assert.equal(reply.spec, { APIID: 'orders', OrgID: 'acme' });
    assert.is(seen?.request.state.method, 'POST');
    assert.is(String(seen?.request.body), 'text');
    assert.is(seen?.request.state.host, 'shop.test');
  });
});

dispatcherService('fields of later versions come back as they were, at every level', async () => {
  await withServed({ stamp }, [fakeSet('a', ['stamp'])], async (gateway) => {
    // Field 100 of ReturnOverrides, 200 of the request, 300 of the Object.
    const overrides = Buffer.from([...tag(100, 2), 1, 7]);
    const request = Buffer.concat([
      Buffer.from([...tag(10, 2), overrides.length]),
      overrides,
      Buffer.from([...tag(200, 0), 9]),
    ]);
    const name = Buffer.from('stamp');
    const sent = Buffer.concat([
      Buffer.from([8, 1, 18, name.length]),
      name,
      Buffer.from([26, request.length]),
      request,
      Buffer.from([...tag(300, 5), 1, 2, 3, 4]),
    ]);
    const reply = WireObject.decode(await gateway.dispatch(sent));
    assert.equal(Object.keys(reply._unknownFields ?? {}), [String((300 << 3) | 5)]);
    assert.equal(Object.keys(reply.request?._unknownFields ?? {}), [String(200 << 3)]);
    assert.equal(Object.keys(reply.request?.returnOverrides?._unknownFields ?? {}), [String((100 << 3) | 2)]);
    assert.equal(reply.request?.setHeaders, { 'X-Stamp': 'fake' });
  });
});

function tag(field: number, type: number): number[] {
  const value = (field << 3) | type;
  return [(value & 0x7f) | 0x80, value >>> 7];
}

dispatcherService('a reply becomes return_overrides: verbatim, or as the message of an error', async () => {
  const teapot: FakeHook = () => ({
    reply: { status: 418, headers: [['X-Tea', 'yes']], body: Buffer.from('short'), template: false },
  });
  const refuse: FakeHook = () => ({ reply: { status: 403, headers: [], body: Buffer.from('no'), template: true } });
  await withServed({ teapot, refuse }, [fakeSet('a', ['teapot', 'refuse'])], async (gateway) => {
    const verbatim = WireObject.decode(await gateway.dispatch(object({ hookName: 'teapot' }))).request?.returnOverrides;
    assert.is(verbatim?.responseCode, 418);
    assert.is(verbatim?.responseBody, 'short');
    assert.is(verbatim?.overrideError, true);
    assert.equal(verbatim?.headers, { 'X-Tea': 'yes' });
    const message = WireObject.decode(await gateway.dispatch(object({ hookName: 'refuse' }))).request?.returnOverrides;
    assert.is(message?.responseCode, 403);
    assert.is(message?.responseError, 'no');
    assert.is(message?.overrideError, false);
  });
});

dispatcherService('a response hook sees the response, and gives it back edited', async () => {
  const mask: FakeHook = (call) => ({
    response: {
      status: 206,
      headers: [
        ['Set-Cookie', 'a'],
        ['Set-Cookie', 'b'],
        ['X-Was', String(call.response?.state.status)],
      ],
      body: Buffer.from(String(call.response?.body).toUpperCase()),
    },
  });
  await withServed({ mask }, [fakeSet('a', ['mask'], { type: 'response' })], async (gateway) => {
    const response = {
      statusCode: 200,
      rawBody: Buffer.from('card'),
      body: 'card',
      headers: { 'X-Up': '1' },
      multivalueHeaders: [{ key: 'X-Up', values: ['1'] }],
    };
    const reply = WireObject.decode(
      await gateway.dispatch(object({ hookName: 'mask', hookType: HookType.Response, response })),
    ).response;
    assert.is(reply?.statusCode, 206);
    assert.is(String(reply?.rawBody), 'CARD');
    assert.is(reply?.body, 'CARD');
    assert.equal(reply?.headers, { 'Set-Cookie': 'a', 'X-Was': '200' });
    assert.equal(
      reply?.multivalueHeaders.map(({ key, values }) => [key, values]),
      [
        ['Set-Cookie', ['a', 'b']],
        ['X-Was', ['200']],
      ],
    );
  });
});

dispatcherService("an auth hook's session takes the place of the one that was sent", async () => {
  const session = Buffer.from(SessionState.encode(SessionState.fromPartial({ orgId: 'new' })).finish());
  const grant: FakeHook = () => ({ session });
  await withServed({ grant }, [fakeSet('a', ['grant'], { type: 'auth' })], async (gateway) => {
    const sent = object({ hookName: 'grant', hookType: HookType.CustomKeyCheck, session: { orgId: 'old', rate: 1 } });
    const reply = WireObject.decode(await gateway.dispatch(sent)).session;
    assert.is(reply?.orgId, 'new');
    assert.is(reply?.rate, 0);
  });
});

dispatcherService(
  'the API of the call picks the set; a name that fits none, or two, is refused in plain words',
  async () => {
    const who =
      (name: string): FakeHook =>
      () => ({ metadata: [['who', name]] });
    const sets = [
      { ...fakeSet('a', ['who', 'both']), apiId: 'orders' },
      { ...fakeSet('b', ['other', 'both']), apiId: 'users' },
      { ...fakeSet('c', ['any']), apiId: '' },
    ];
    const hooks = { who: who('who'), other: who('other'), both: who('both'), any: who('any') };
    await withServed(hooks, sets, async (gateway) => {
      const call = (hookName: string, APIID: string): Promise<Buffer> =>
        gateway.dispatch(object({ hookName, spec: { APIID } }));
      assert.equal(WireObject.decode(await call('both', 'users')).metadata, { who: 'both' });
      assert.equal(WireObject.decode(await call('any', 'whatever')).metadata, { who: 'any' });
      assert.equal(WireObject.decode(await call('who', '')).metadata, { who: 'who' });
      assert.equal(await refused(call('nobody', 'orders')), {
        code: 'UNIMPLEMENTED',
        details: 'no hook named "nobody" is served here; served are who, both, other, any',
      });
      assert.equal(await refused(call('who', 'users')), {
        code: 'UNIMPLEMENTED',
        details: 'hook "who" is served for API orders, not for API users',
      });
      assert.equal(await refused(call('both', '')), {
        code: 'UNIMPLEMENTED',
        details: 'hook "both" is ambiguous: it is served for API orders, API users, and the call says no API',
      });
      assert.equal(await refused(gateway.dispatch(object({ hookName: 'who', hookType: HookType.Post }))), {
        code: 'UNIMPLEMENTED',
        details: 'hook "who" is served as pre, and was called as post',
      });
    });
  },
);

dispatcherService('each failure has its gRPC status', async () => {
  const fail: FakeHook = (call) => {
    const reason = call.request.state.headers.get('X-Reason') as PluginFailure['reason'];
    throw new PluginFailure(reason, 'as told');
  };
  await withServed({ fail }, [fakeSet('a', ['fail'])], async (gateway) => {
    const statuses = {
      HOOK_TIMED_OUT: 'DEADLINE_EXCEEDED',
      HOOK_THREW: 'INTERNAL',
      REPLY_INVALID: 'INTERNAL',
      CALL_UNSENDABLE: 'INVALID_ARGUMENT',
      DRIVER_UNAVAILABLE: 'UNAVAILABLE',
      OVERLOADED: 'RESOURCE_EXHAUSTED',
    };
    for (const [reason, code] of Object.entries(statuses)) {
      const sent = object({ hookName: 'fail', request: { headers: { 'X-Reason': reason }, url: '/', method: 'GET' } });
      assert.equal(await refused(gateway.dispatch(sent)), { code, details: `${reason}: as told` });
    }
  });
});

dispatcherService('what is no Object, and an answer that an Object cannot carry, are refused', async () => {
  const binary: FakeHook = () => ({
    reply: { status: 200, headers: [], body: Buffer.from([0xff]), template: false },
  });
  await withServed({ binary }, [fakeSet('a', ['binary'])], async (gateway) => {
    assert.is((await refused(gateway.dispatch(Buffer.from([0xff])))).code, 'INVALID_ARGUMENT');
    const { code, details } = await refused(gateway.dispatch(object({ hookName: 'binary' })));
    assert.is(code, 'INTERNAL');
    assert.match(details, /body of 1 bytes, which is not UTF-8/);
  });
});

dispatcherService('a hook that hangs ends at its own limit, and is told when the caller goes away', async () => {
  const told = Promise.withResolvers<void>();
  const watched: FakeHook = (call, host, hook) => {
    call.cancellation.onCancel(told.resolve);
    return hang(call, host, hook);
  };
  const sets = [fakeSet('a', ['hang'], { timeoutMs: 50 }), { ...fakeSet('b', ['watched']), apiId: 'orders' }];
  await withServed({ hang, watched }, sets, async (gateway) => {
    assert.equal(await refused(gateway.dispatch(object({ hookName: 'hang' }))), {
      code: 'DEADLINE_EXCEEDED',
      details: 'HOOK_TIMED_OUT: hook "hang" had not answered after 50 ms',
    });
    assert.is(
      (await refused(gateway.dispatch(object({ hookName: 'watched' }), { deadline: 50 }))).code,
      'DEADLINE_EXCEEDED',
    );
    await told.promise;
  });
});

dispatcherService('trace context travels into the hook', async () => {
  const trace: FakeHook = (call) => ({ metadata: [['trace', JSON.stringify(call.trace)]] });
  await withServed({ trace }, [fakeSet('a', ['trace'])], async (gateway) => {
    const metadata = new Metadata();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    metadata.set('traceparent', traceparent);
    metadata.set('tracestate', 'v=1');
    const reply = WireObject.decode(await gateway.dispatch(object({ hookName: 'trace' }), { metadata }));
    assert.is(reply.metadata.trace, JSON.stringify({ traceparent, tracestate: 'v=1' }));
  });
});

dispatcherService('events are taken, and 5 MB are the same bytes both ways', async () => {
  const double: FakeHook = (call) => ({ request: { body: Buffer.concat([call.request.body, call.request.body]) } });
  await withServed({ double }, [fakeSet('a', ['double'])], async (gateway) => {
    await gateway.event('{"EventType":"AuthFailure"}');
    const rawBody = Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => i % 251));
    const sent = object({ hookName: 'double', request: { url: '/', method: 'POST', rawBody } });
    const reply = WireObject.decode(await gateway.dispatch(sent));
    assert.ok(reply.request?.rawBody.equals(Buffer.concat([rawBody, rawBody])));
  });
});

dispatcherService.run();
