import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { resolveConfiguration } from '../../../gateway/configuration/index.ts';
import { runCoprocess, runGateway } from '../../../main.ts';
import { withGateway, withUpstream } from '../with-gateway.ts';

const events = suite('events');
const secret = 'a secret of the tests';

async function control(url: string, what: string, body?: object): Promise<Record<string, string>> {
  const [method = '', path = ''] = what.split(' ');
  const answer = await fetch(url + path, {
    method,
    headers: { 'X-Tyk-Authorization': secret },
    ...(body && { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as Record<string, string>;
}

interface Told {
  readonly message: { readonly Type: string; readonly Meta: Record<string, string>; readonly TimeStamp: string };
  readonly handler_name: string;
  readonly spec: Record<string, string>;
}

interface EventServer {
  readonly target: string;
  /** Resolves with the next event, also when it has come already. */
  readonly next: () => Promise<Told>;
}

const method = (path: string): object => ({
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (bytes: Buffer) => bytes,
  responseDeserialize: (bytes: Buffer) => bytes,
});

/** A plugin server that is told of events, and lets hooks pass. `hold` keeps its replies to events back until it is called. */
async function withEventServer(use: (server: EventServer, release: () => void) => Promise<void>): Promise<void> {
  const arrived: Told[] = [];
  const news = new EventEmitter();
  const held: (() => void)[] = [];
  const server = new Server();
  const service = {
    Dispatch: method('/coprocess.Dispatcher/Dispatch'),
    DispatchEvent: method('/coprocess.Dispatcher/DispatchEvent'),
  };
  const onEvent = (call: { request: Buffer }, done: (error: null, reply: Buffer) => void): void => {
    const json = call.request.subarray(call.request.indexOf('{'));
    arrived.push(JSON.parse(json.toString()) as Told);
    held.push(() => done(null, Buffer.alloc(0)));
    news.emit('event');
  };
  const pass = (call: { request: Buffer }, done: (error: null, reply: Buffer) => void): void =>
    done(null, call.request);
  server.addService(service as never, {
    Dispatch: pass as UntypedHandleCall,
    DispatchEvent: onEvent as UntypedHandleCall,
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  const next = async (): Promise<Told> => {
    while (arrived.length === 0) await once(news, 'event');
    return arrived.shift() as Told;
  };
  try {
    await use({ target: `127.0.0.1:${port}`, next }, () => {
      for (const release of held.splice(0)) release();
    });
  } finally {
    server.forceShutdown();
  }
}

function guarded(url: string): Record<string, unknown> {
  const handlers = ['AuthFailure', 'RatelimitExceeded', 'VersionFailure'].map((event) => [
    event,
    [{ handler_name: 'cp_dynamic_handler', handler_meta: { name: 'watch' } }],
  ]);
  return {
    use_keyless: false,
    custom_middleware: { driver: 'grpc' },
    event_handlers: { events: Object.fromEntries(handlers) },
    version_data: {
      not_versioned: true,
      versions: {
        Default: {
          name: 'Default',
          use_extended_paths: true,
          extended_paths: { black_list: [{ path: '/blocked', method: '' }] },
        },
      },
    },
    proxy: { target_url: url },
  };
}

async function checkEvents(url: string, next: EventServer['next'], release: () => void): Promise<void> {
  const path = `${url}/api/a%20b?q=<1>`;
  const response = await fetch(path, { headers: { Authorization: 'somebody', 'X-Mine': '1' } });
  // The answer is there while nobody has answered the event.
  assert.is(response.status, 403);
  const told = await next();
  assert.is(told.handler_name, 'cp_dynamic_handler');
  assert.equal(told.spec, { APIID: 'api', OrgID: 'default' });
  const { Type, Meta, TimeStamp } = told.message;
  assert.is(Type, 'AuthFailure');
  assert.match(TimeStamp, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000 UTC$/);
  assert.equal(Object.keys(Meta).sort(), ['Key', 'Message', 'Origin', 'OriginatingRequest', 'Path']);
  assert.is(Meta.Message, 'Auth Failure');
  assert.is(Meta.Path, '/api/a b');
  assert.is(Meta.Origin, '127.0.0.1');
  assert.is(Meta.Key, 'somebody');
  const wire = Buffer.from(Meta.OriginatingRequest as string, 'base64').toString();
  assert.match(wire, /^GET \/api\/a%20b\?q=%3C1%3E HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n/);
  assert.match(wire, /\r\nX-Mine: 1\r\n/);

  assert.is((await fetch(`${url}/api/blocked`)).status, 403);
  const { message } = await next();
  assert.is(message.Type, 'VersionFailure');
  assert.is(message.Meta.Reason, 'Requested endpoint is forbidden');
  release();
}

events('a plugin server is told of refused requests, which do not wait for it', async () => {
  await withEventServer(async ({ target, next }, release) => {
    await withUpstream(async ({ url }) => {
      const configuration = { servers: { default: { target } } };
      await withGateway({ apis: { api: guarded(url) }, configuration }, async (gateway) => {
        await checkEvents(gateway.url, next, release);
      });
    });
  });
});

events('over two services as well', async () => {
  await withEventServer(async ({ target, next }, release) => {
    await withUpstream(async ({ url }) => {
      const start = async (configuration: ReturnType<typeof resolveConfiguration>): ReturnType<typeof runGateway> => {
        const socket = `unix:${join(configuration.definitions.folder, '..', 'coprocess.sock')}`;
        const servers = { default: { target } };
        const log = { level: 'fatal' } as const;
        const coprocess = await runCoprocess(resolveConfiguration({ coprocess: { listen: socket }, servers, log }));
        const gateway = await runGateway({
          ...configuration,
          coprocess: { ...configuration.coprocess, targets: [socket] },
        });
        const close = async (): Promise<void> => {
          await gateway.close();
          await coprocess.close();
        };
        return { addresses: gateway.addresses, controlAddress: gateway.controlAddress, close };
      };
      await withGateway(
        { apis: { api: guarded(url) }, configuration: { servers: { default: { target } } }, start },
        (gateway) => checkEvents(gateway.url, next, release),
      );
    });
  });
});

const keyEvents = ['TokenCreated', 'TokenUpdated', 'TokenDeleted'];
const rightTo = (...apis: string[]): object => ({
  org_id: 'default',
  access_rights: Object.fromEntries(apis.map((id) => [id, { api_id: id, versions: ['Default'] }])),
});

events('a plugin server is told of keys that the control API makes, changes and deletes', async () => {
  const watch = [{ handler_name: 'cp_dynamic_handler', handler_meta: { name: 'watch' } }];
  const api = {
    use_keyless: false,
    custom_middleware: { driver: 'grpc' },
    event_handlers: { events: Object.fromEntries(keyEvents.map((event) => [event, watch])) },
    proxy: { target_url: 'http://127.0.0.1:1' },
  };
  await withEventServer(async ({ target, next }) => {
    const configuration = { servers: { default: { target } } };
    await withGateway({ apis: { one: api, two: api }, configuration }, async ({ control: url }) => {
      const tells = async (Type: string, Message: string, Key: string, APIID: string): Promise<void> => {
        const { message, handler_name, spec } = await next();
        assert.equal([handler_name, spec], ['cp_dynamic_handler', { APIID, OrgID: 'default' }]);
        assert.is(message.Type, Type);
        assert.equal(message.Meta, { Message, OriginatingRequest: '', Org: 'default', Key });
      };
      const { key = '' } = await control(url, 'POST /tyk/keys/create', rightTo('one'));
      await tells('TokenCreated', 'Key generated.', key, 'one');
      await control(url, 'POST /tyk/keys/mine', rightTo('two'));
      await tells('TokenCreated', 'Key added.', 'defaultmine', 'two');
      await control(url, 'PUT /tyk/keys/defaultmine', rightTo('one'));
      await tells('TokenUpdated', 'Key modified.', 'defaultmine', 'one');
      // What did not happen is not told, and reads are not.
      await control(url, 'PUT /tyk/keys/nobodys', rightTo('one'));
      await control(url, 'DELETE /tyk/keys/nobodys');
      await control(url, 'GET /tyk/keys/defaultmine');
      await control(url, `DELETE /tyk/keys/${key}`);
      await tells('TokenDeleted', 'Key deleted.', key, 'one');
    });
  });
});

events('a script is told of keys too, with the rights of their policies', async () => {
  const script = `
    var note = new TykJS.TykEventHandlers.NewEventHandler({});
    note.NewHandler(function (event, context) {
      TykStorageSet('told', JSON.stringify([event.Type, event.Meta, context]), 60);
    });`;
  const meta = { name: 'note', path: 'note.js' };
  const api = {
    use_keyless: false,
    event_handlers: { events: { TokenUpdated: [{ handler_name: 'eh_dynamic_handler', handler_meta: meta }] } },
    custom_middleware: { driver: 'javascript', pre: [{ name: 'show', path: 'show.js' }] },
    proxy: { target_url: 'http://127.0.0.1:1' },
  };
  const show = `
    var show = new TykJS.TykMiddleware.NewMiddleware({});
    show.NewProcessRequest(function (request, session) {
      var told = '';
      try { told = TykStorageGet('told') || ''; } catch (error) {}
      request.ReturnOverrides.ResponseCode = told ? 200 : 404;
      request.ReturnOverrides.ResponseBody = told || 'nothing';
      return show.ReturnData(request, {});
    });`;
  const gold = {
    id: 'gold',
    org_id: 'default',
    active: true,
    rate: 1,
    per: 1,
    access_rights: { api: { api_id: 'api', versions: ['Default'] } },
  };
  const test = { apis: { api }, plugins: { 'note.js': script, 'show.js': show } };
  await withGateway(test, async ({ control: url, url: front }) => {
    await control(url, 'POST /tyk/policies', gold);
    await control(url, 'GET /tyk/reload?block=true');
    await control(url, 'POST /tyk/keys/mine', { org_id: 'default', apply_policies: ['gold'] });
    const changed = await control(url, 'PUT /tyk/keys/defaultmine', { org_id: 'default', apply_policies: ['gold'] });
    assert.is(changed.action, 'modified');
    let shown = await fetch(`${front}/api/`);
    while (shown.status === 404) shown = await fetch(`${front}/api/`);
    assert.equal(await shown.json(), [
      'TokenUpdated',
      { Message: 'Key modified.', OriginatingRequest: '', Org: 'default', Key: 'defaultmine' },
      { APIID: 'api', OrgID: 'default' },
    ]);
  });
});

events('a script is told too, and may tell others', async () => {
  await withUpstream(async ({ url }) => {
    const told = new EventEmitter();
    const hook = createServer((request, response) => {
      request.setEncoding('utf8').once('data', (body: string) => told.emit('told', JSON.parse(body)));
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(hook, 'listening');
    const { port } = hook.address() as AddressInfo;
    const script = `
      var tell = new TykJS.TykEventHandlers.NewEventHandler({});
      tell.NewHandler(function (event, context) {
        TykMakeHttpRequest(JSON.stringify({
          Method: 'POST', Domain: 'http://127.0.0.1:${port}', Resource: '/', Body: JSON.stringify({ event: event, context: context }),
        }));
      });`;
    const handler = { handler_name: 'eh_dynamic_handler', handler_meta: { name: 'tell', path: 'tell.js' } };
    const api = {
      use_keyless: false,
      event_handlers: { events: { AuthFailure: [handler] } },
      proxy: { target_url: url },
    };
    const test = {
      apis: { api },
      plugins: { 'tell.js': script },
      configuration: { javascript: { privateAddresses: true } },
    };
    try {
      await withGateway(test, async (gateway) => {
        const arrives = once(told, 'told');
        assert.is((await fetch(`${gateway.url}/api/`, { headers: { Authorization: 'somebody' } })).status, 403);
        const [{ event, context }] = await arrives;
        assert.is(event.Type, 'AuthFailure');
        assert.is(event.Meta.Key, 'somebody');
        assert.equal(context, { APIID: 'api', OrgID: 'default' });
      });
    } finally {
      hook.close();
      hook.closeAllConnections();
    }
  });
});

events.run();
