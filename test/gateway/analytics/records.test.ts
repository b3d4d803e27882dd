import { once } from 'node:events';
import { connect } from 'node:http2';
import { createConnection } from 'node:net';

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withUpstream } from '../with-gateway.ts';
import { type Read, secret, withRecords } from './with-records.ts';

const records = suite('analytics records');

/** The record without what differs from run to run, and those fields. */
function steady(record: Read): [fixed: object, moving: Record<string, never>] {
  const moving: Record<string, unknown> = {};
  const fixed: Record<string, unknown> = {};
  const changing = ['Day', 'Month', 'Year', 'Hour', 'TimeStamp', 'ExpireAt', 'RequestTime', 'Latency', 'Host'];
  for (const [name, value] of Object.entries(record)) (changing.includes(name) ? moving : fixed)[name] = value;
  return [fixed, moving as Record<string, never>];
}

const extended = (paths: object): object => ({
  not_versioned: true,
  versions: { Default: { name: 'Default', use_extended_paths: true, extended_paths: paths } },
});

records('a request that succeeds has a record with all fields that tyk-pump knows', async () => {
  await withUpstream(async ({ url, port }) => {
    await withRecords({ apis: { shop: { proxy: { target_url: `${url}base` } } } }, async ({ gateway, next }) => {
      const before = Date.now();
      const headers = { 'User-Agent': 'the test', 'Content-Type': 'text/plain' };
      await fetch(`${gateway.url}/shop/a%20b/c?key=1`, { method: 'POST', headers, body: 'four' });
      const [fixed, moving] = steady(await next());
      assert.equal(fixed, {
        Method: 'POST',
        Path: '/a b/c',
        RawPath: '/a b/c',
        ContentLength: 4,
        UserAgent: 'the test',
        ResponseCode: 200,
        APIKey: '',
        APIVersion: 'Non Versioned',
        APIName: 'shop',
        APIID: 'shop',
        OrgID: 'default',
        OauthID: '',
        RawRequest: '',
        RawResponse: '',
        IPAddress: '127.0.0.1',
        Geo: {
          Country: { ISOCode: '' },
          City: { GeoNameID: 0, Names: null },
          Location: { Latitude: 0, Longitude: 0, TimeZone: '' },
        },
        Network: { OpenConnections: 0, ClosedConnection: 0, BytesIn: 0, BytesOut: 0 },
        Tags: ['org-default', 'api-shop'],
        Alias: '',
        TrackPath: false,
        ApiSchema: '',
        OriginalPath: '/shop/a b/c',
        ListenPath: '/shop/',
        GraphQLStats: {
          Variables: '',
          RootFields: null,
          Types: null,
          Errors: null,
          OperationType: 0,
          HasErrors: false,
          IsGraphQL: false,
        },
        CollectionName: '',
      });
      const { TimeStamp, ExpireAt, Latency, RequestTime, Host, Year, Month } = moving as unknown as {
        TimeStamp: [number, number];
        ExpireAt: [number, number];
        Latency: { Total: number; Upstream: number; Gateway: number };
        RequestTime: number;
        Host: string;
        Year: number;
        Month: number;
      };
      const timeMs = TimeStamp[0] * 1000 + TimeStamp[1] / 1e6;
      assert.ok(timeMs >= before && timeMs <= Date.now(), `the time is ${timeMs}`);
      assert.equal([Year, Month], [new Date(timeMs).getFullYear(), new Date(timeMs).getMonth() + 1]);
      assert.is(new Date(ExpireAt[0] * 1000).getUTCFullYear(), new Date(timeMs).getUTCFullYear() + 100);
      assert.is(Host, `127.0.0.1:${port}`);
      assert.is(RequestTime, Latency.Total);
      assert.ok(Latency.Upstream <= Latency.Total && Latency.Gateway <= Latency.Total);
    });
  });
});

records(
  'a refused key, an upstream that fails and an answer of a hook have records, without time upstream',
  async () => {
    const plugins = {
      'hooks.ts': `
      import { pre, reply } from 'interpose/plugin';
      export const stop = pre(() => reply(418, 'a teapot'));
    `,
    };
    const apis = {
      locked: {
        use_keyless: false,
        auth: { auth_header_name: 'Authorization' },
        proxy: { target_url: 'http://127.0.0.1:1/' },
      },
      broken: { proxy: { target_url: 'http://127.0.0.1:1/' } },
      stopped: {
        custom_middleware: { driver: 'typescript', pre: [{ name: 'stop', path: 'hooks.ts' }] },
        proxy: { target_url: 'http://127.0.0.1:1/' },
      },
    };
    await withRecords({ apis, plugins }, async ({ gateway, next }) => {
      for (const name of ['locked', 'broken', 'stopped']) await fetch(`${gateway.url}/${name}/x`);
      const seen: unknown[] = [];
      for (let i = 0; i < 3; i++) {
        const { APIID, ResponseCode, Path, Host, Latency } = await next();
        seen.push([APIID, ResponseCode, Path, Host, (Latency as { Upstream: number }).Upstream]);
      }
      assert.equal(seen, [
        ['locked', 401, '/x', '127.0.0.1:1', 0],
        ['broken', 500, '/x', '127.0.0.1:1', 0],
        ['stopped', 418, '/x', '127.0.0.1:1', 0],
      ]);
    });
  },
);

records('no record: untracked APIs and endpoints, ignored addresses, what a script answers as it is', async () => {
  const plugins = {
    'answer.js': `
      var answer = new TykJS.TykMiddleware.NewMiddleware({});
      answer.NewProcessRequest(function (request, session) {
        var code = request.URL === '/script/error' ? 400 : 200;
        request.ReturnOverrides = { ResponseCode: code, ResponseBody: 'by the script' };
        return answer.ReturnData(request, {});
      });
    `,
  };
  await withUpstream(async ({ url }) => {
    const proxy = { target_url: url };
    const apis = {
      untracked: { do_not_track: true, proxy },
      endpoints: { version_data: extended({ do_not_track_endpoints: [{ path: '/quiet', method: 'GET' }] }), proxy },
      script: {
        custom_middleware: { driver: 'otto', pre: [{ name: 'answer', path: 'answer.js' }] },
        proxy,
      },
    };
    const configuration = { routing: { forwardedFor: 'first' as const } };
    const analytics = { ignoredIps: ['10.0.0.1'] };
    await withRecords({ apis, plugins, configuration, analytics }, async ({ gateway, next }) => {
      const ask = async (path: string, headers = {}): Promise<number> =>
        (await fetch(gateway.url + path, { headers })).status;
      assert.is(await ask('/untracked/a'), 200);
      assert.is(await ask('/endpoints/quiet'), 200);
      assert.is(await ask('/endpoints/b', { 'X-Real-Ip': '10.0.0.1' }), 200);
      assert.is(await ask('/script/c'), 200);
      assert.is(await ask('/script/error'), 400);
      assert.is(await ask('/endpoints/d', { 'X-Real-Ip': '10.0.0.2' }), 200);
      const first = await next();
      assert.equal([first.APIID, first.ResponseCode], ['script', 400]);
      const second = await next();
      assert.equal([second.Path, second.IPAddress], ['/d', '10.0.0.2']);
    });
  });
});

records('a tracked endpoint is told by its pattern; other endpoints by their path', async () => {
  await withUpstream(async ({ url }) => {
    const tracked = [{ path: '/items/{id}', method: 'GET' }];
    const apis = { api: { version_data: extended({ track_endpoints: tracked }), proxy: { target_url: url } } };
    await withRecords({ apis }, async ({ gateway, next }) => {
      for (const path of ['items/7', 'others/7']) await fetch(`${gateway.url}/api/${path}`);
      const seen = [await next(), await next()].map(({ Path, RawPath, TrackPath }) => [Path, RawPath, TrackPath]);
      assert.equal(seen, [
        ['/items/{id}', '/items/7', true],
        ['/others/7', '/others/7', false],
      ]);
    });
  });
});

records('the record names the caller by its hash, with alias, and tags in the contract’s order', async () => {
  await withUpstream(async ({ url }) => {
    const api = {
      use_keyless: false,
      auth: { auth_header_name: 'Authorization' },
      tags: ['edge'],
      tag_headers: ['X-Team', 'x-absent'],
      expire_analytics_after: 60,
      proxy: { target_url: url },
    };
    const configuration = { keys: { hash: true } };
    await withRecords({ apis: { api }, configuration }, async ({ gateway, next }) => {
      const key = {
        org_id: 'default',
        alias: 'ann',
        tags: ['gold'],
        meta_data: { tyk_developer_id: 'd1' },
        access_rights: { api: { api_id: 'api', versions: ['Default'] } },
      };
      const made = await fetch(`${gateway.control}/tyk/keys/mine`, {
        method: 'POST',
        headers: secret,
        body: JSON.stringify(key),
      });
      const { key_hash } = (await made.json()) as { key_hash: string };
      const headers = { Authorization: 'mine', 'X-Team': 'blue' };
      assert.is((await fetch(`${gateway.url}/api/a`, { headers })).status, 200);
      assert.is((await fetch(`${gateway.url}/api/a`)).status, 401);
      const known = await next();
      assert.match(key_hash, /^[0-9a-f]{8}$/);
      assert.equal([known.APIKey, known.Alias], [key_hash, 'ann']);
      assert.equal(known.Tags, ['dev-d1', 'gold', 'x-team-blue', 'edge', `key-${key_hash}`, 'org-default', 'api-api']);
      const [time, expires] = [known.TimeStamp, known.ExpireAt] as [number[], number[]];
      assert.is((expires[0] ?? 0) - (time[0] ?? 0), 60);
      const nobody = await next();
      assert.equal([nobody.APIKey, nobody.Tags], ['00000000', ['edge', 'key-00000000', 'org-default', 'api-api']]);
    });
  });
});

const decoded = (text: unknown): string => Buffer.from(text as string, 'base64').toString();

records('detailed records have the raw request and response, as much of the bodies as is allowed', async () => {
  const plugins = {
    'hooks.ts': `
      import { post } from 'interpose/plugin';
      export const mark = post((request) => { request.headers.set('x-marked', 'yes'); });
    `,
  };
  const reply = (request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse): void => {
    request.resume();
    request.on('end', () => response.writeHead(201, { 'X-From': 'upstream' }).end('0123456789abcdef'));
  };
  await withUpstream(async ({ url }) => {
    const proxy = { target_url: url };
    const hooks = { driver: 'typescript', post: [{ name: 'mark', path: 'hooks.ts' }] };
    const apis = {
      streamed: { enable_detailed_recording: true, proxy },
      hooked: { enable_detailed_recording: true, custom_middleware: hooks, proxy },
      plain: { proxy },
      refused: { enable_detailed_recording: true, use_keyless: false, auth: { auth_header_name: 'A' }, proxy },
    };
    await withRecords({ apis, plugins, analytics: { maxBodyBytes: 8 } }, async ({ gateway, next }) => {
      const send = async (name: string): Promise<[request: string, response: string]> => {
        const answer = await fetch(`${gateway.url}/${name}/p?q=1`, { method: 'POST', body: 'ten bytes!' });
        await answer.arrayBuffer();
        const { RawRequest, RawResponse } = await next();
        return [decoded(RawRequest), decoded(RawResponse)];
      };
      const [request, response] = await send('streamed');
      assert.match(request, /^POST \/p\?q=1 HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n(.+\r\n)+\r\nten byte$/);
      assert.match(response, /^HTTP\/1\.1 201 Created\r\n(.+\r\n)*X-From: upstream\r\n(.+\r\n)*\r\n01234567$/);
      assert.match((await send('hooked'))[0], /\r\nX-Marked: yes\r\n(.+\r\n)*\r\nten byte$/);
      assert.equal(await send('plain'), ['', '']);
      const [, refusal] = await send('refused');
      assert.match(refusal, /^HTTP\/1\.1 401 Unauthorized\r\n(.+\r\n)*\r\n\{\n {4}"e$/);
    });
  }, reply);
});

records('a caller’s session may ask for details; over HTTP/2 they are the same', async () => {
  await withUpstream(async ({ url }) => {
    const api = { use_keyless: false, auth: { auth_header_name: 'Authorization' }, proxy: { target_url: url } };
    await withRecords({ apis: { api } }, async ({ gateway, next }) => {
      const access_rights = { api: { api_id: 'api', versions: ['Default'] } };
      const key = { org_id: 'default', enable_detailed_recording: true, access_rights };
      const made = await fetch(`${gateway.control}/tyk/keys/mine`, {
        method: 'POST',
        headers: secret,
        body: JSON.stringify(key),
      });
      assert.is(made.status, 200);
      const session = connect(gateway.url);
      const stream = session.request({ ':method': 'POST', ':path': '/api/p', authorization: 'mine' });
      stream.end('sent over HTTP/2');
      stream.resume();
      await once(stream, 'end');
      session.close();
      const { RawRequest, RawResponse, ResponseCode } = await next();
      assert.is(ResponseCode, 200);
      assert.match(decoded(RawRequest), /^POST \/p HTTP\/1\.1\r\nHost: .+\r\n(.+\r\n)+\r\nsent over HTTP\/2$/);
      assert.match(decoded(RawResponse), /^HTTP\/1\.1 200 OK\r\n(.+\r\n)+\r\n\{.*"body":"sent over HTTP\/2"\}$/);
    });
  });
});

records('a request whose client goes away is a 499, of the API that it was sent on to', async () => {
  await withUpstream(
    async ({ url }) => {
      const apis = {
        front: {
          do_not_track: true,
          proxy: { target_url: 'http://127.0.0.1:1/' },
          version_data: extended({
            url_rewrites: [{ path: '/go', match_pattern: '/go', method: 'GET', rewrite_to: 'tyk://back/there' }],
          }),
        },
        back: { proxy: { target_url: url } },
      };
      await withRecords({ apis }, async ({ gateway, next }) => {
        const port = Number(gateway.address.split(':')[1]);
        const client = createConnection({ port, host: '127.0.0.1' });
        await once(client, 'connect');
        const asked = once(upstreamAsked, 'abort');
        client.write('GET /front/go HTTP/1.1\r\nHost: h\r\n\r\n');
        await asked;
        client.destroy();
        const { APIID, ResponseCode, OriginalPath, IPAddress } = await next();
        assert.equal([APIID, ResponseCode, OriginalPath, IPAddress], ['back', 499, '/front/go', '127.0.0.1']);
      });
    },
    () => controller.abort(),
  );
});

const controller = new AbortController();
const upstreamAsked = controller.signal;

records.run();
