import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withGateway, withUpstream } from './with-gateway.ts';

const protocols = suite('protocols');

/** One HTTP/2 request. */
async function overHttp2(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: string,
): Promise<{ status: number; headers: http2.IncomingHttpHeaders; body: string }> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  let text = '';
  for await (const chunk of stream) text += chunk;
  return { status: Number(head[':status']), headers: head, body: text };
}

function once(emitter: NodeJS.EventEmitter, event: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    emitter.once(event, (...args) => resolve(args));
    emitter.once('error', reject);
  });
}

protocols('one plain port takes HTTP/1.1 and HTTP/2 with prior knowledge', async () => {
  await withUpstream((upstream) =>
    withGateway({ apis: { orders: { proxy: { target_url: upstream.url } } } }, async ({ url }) => {
      const plain = await fetch(`${url}/orders/1`);
      assert.is(plain.status, 200);
      const session = http2.connect(url);
      const answer = await overHttp2(session, { ':path': '/orders/2', ':method': 'POST', cookie: 'a=1' }, 'body');
      session.close();
      assert.is(answer.status, 200);
      assert.equal(
        upstream.requests.map(({ method, url, body }) => [method, url, body]),
        [
          ['GET', '/1', ''],
          ['POST', '/2', 'body'],
        ],
      );
    }),
  );
});

protocols('cookies that an HTTP/2 client splits are one line again', async () => {
  await withUpstream((upstream) =>
    withGateway({ apis: { orders: { proxy: { target_url: upstream.url } } } }, async ({ url }) => {
      const session = http2.connect(url);
      await overHttp2(session, { ':path': '/orders/2', cookie: ['a=1', 'b=2'] });
      session.close();
      assert.is(upstream.requests[0]?.headers.cookie, 'a=1; b=2');
    }),
  );
});

protocols('a preface that comes byte by byte is still HTTP/2', async () => {
  await withGateway({ apis: {} }, async ({ address }) => {
    const [host, port] = address.split(':');
    const socket = net.connect(Number(port), host);
    await once(socket, 'connect');
    for (const byte of Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    const [first] = (await once(socket, 'data')) as [Buffer];
    assert.is(first[3], 4, 'the first frame of a server is SETTINGS');
    socket.destroy();
  });
});

protocols('TLS: HTTPS and HTTP/2 by ALPN on one port', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ],
    { stdio: 'ignore' },
  );
  const configuration = { listeners: [{ address: '127.0.0.1:0', tls: { cert, key } }] };
  await withUpstream((upstream) =>
    withGateway({ apis: { orders: { proxy: { target_url: upstream.url } } }, configuration }, async ({ address }) => {
      const session = http2.connect(`https://${address}`, { ca: readFileSync(cert) });
      const answer = await overHttp2(session, { ':path': '/orders/2' });
      assert.is(session.alpnProtocol, 'h2');
      session.close();
      assert.is(answer.status, 200);
      const https = await import('node:https');
      const status = await new Promise((resolve, reject) => {
        https
          .get(`https://${address}/orders/3`, { ca: readFileSync(cert), agent: false }, (response) => {
            response.resume();
            resolve(response.statusCode);
          })
          .on('error', reject);
      });
      assert.is(status, 200);
      assert.is(upstream.requests.length, 2);
    }),
  );
  rmSync(folder, { recursive: true });
});

protocols('gRPC passes through, with metadata, trailers and streams both ways', async () => {
  const same = (bytes: Buffer): Buffer => bytes;
  const service = {
    chat: {
      path: '/test.Chat/Chat',
      requestStream: true,
      responseStream: true,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  } as const;
  const server = new grpc.Server();
  server.addService(service, {
    chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (message: Buffer) => call.write(Buffer.from(message.toString().toUpperCase())));
      call.on('end', () => {
        const trailers = new grpc.Metadata();
        trailers.set('x-seen', String(call.metadata.get('x-sent')[0]));
        call.emit('error', { code: grpc.status.ABORTED, details: 'enough', metadata: trailers });
      });
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const api = {
    proxy: { target_url: `h2c://127.0.0.1:${port}/`, listen_path: '/test.Chat/', strip_listen_path: false },
  };
  await withGateway({ apis: { chat: api } }, async ({ address }) => {
    const client = new grpc.Client(address, grpc.credentials.createInsecure());
    const metadata = new grpc.Metadata();
    metadata.set('x-sent', 'yes');
    const call = client.makeBidiStreamRequest('/test.Chat/Chat', same, same, metadata);
    call.write(Buffer.from('one'));
    const [first] = (await once(call, 'data')) as [Buffer];
    assert.is(first.toString(), 'ONE');
    call.write(Buffer.from('two'));
    const [second] = (await once(call, 'data')) as [Buffer];
    assert.is(second.toString(), 'TWO');
    const status = new Promise<grpc.StatusObject>((resolve) => call.on('status', resolve));
    call.on('error', () => {});
    call.end();
    const ended = await status;
    assert.is(ended.code, grpc.status.ABORTED);
    assert.is(ended.details, 'enough');
    assert.equal(ended.metadata.get('x-seen'), ['yes']);
    client.close();
  });
  server.forceShutdown();
});

protocols('a body streams: the first bytes reach the upstream before the last are sent', async () => {
  let first: (() => void) | undefined;
  const arrived = new Promise<void>((resolve) => (first = resolve));
  await withUpstream(
    (upstream) =>
      withGateway({ apis: { orders: { proxy: { target_url: upstream.url } } } }, async ({ address }) => {
        const [host, port] = address.split(':');
        const socket = net.connect(Number(port), host);
        socket.write('POST /orders/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
        await arrived;
        socket.write('4\r\nlast\r\n0\r\n\r\n');
        const [answer] = (await once(socket, 'data')) as [Buffer];
        assert.match(answer.toString(), /^HTTP\/1\.1 200/);
        socket.destroy();
      }),
    (request, response) => {
      request.once('data', () => first?.());
      request.on('end', () => response.end('whole'));
      request.resume();
    },
  );
});

protocols('a path that no API answers is 404, one that is not clean is redirected', async () => {
  await withGateway(
    { apis: { orders: { proxy: { target_url: 'http://127.0.0.1:1/' } } } },
    async ({ url, address }) => {
      assert.is((await fetch(`${url}/nothing`)).status, 404);
      assert.is((await fetch(`${url}/orders`)).status, 404);
      const [host, port] = address.split(':');
      const socket = net.connect(Number(port), host);
      socket.write('GET /orders//a/../b?x=1 HTTP/1.1\r\nHost: a\r\n\r\n');
      const [answer] = (await once(socket, 'data')) as [Buffer];
      assert.match(answer.toString(), /^HTTP\/1\.1 301[\s\S]*Location: \/orders\/b\?x=1\r\n/);
      socket.destroy();
    },
  );
});

protocols(
  "an upstream that cannot be reached is 500 with the contract's text, and the next request is fine",
  async () => {
    await withGateway({ apis: { orders: { proxy: { target_url: 'http://127.0.0.1:1/' } } } }, async ({ url }) => {
      for (let i = 0; i < 2; i++) {
        const answer = await fetch(`${url}/orders/x`);
        assert.is(answer.status, 500);
        assert.equal(await answer.json(), { error: 'There was a problem proxying the request' });
      }
    });
  },
);

protocols('health and readiness answer on the control address, and are no API', async () => {
  await withGateway({ apis: {} }, async ({ url, control }) => {
    assert.is((await fetch(`${control}/health`)).status, 200);
    assert.is((await fetch(`${control}/ready`)).status, 200);
    assert.is((await fetch(`${url}/health`)).status, 404);
    assert.match(await (await fetch(`${control}/metrics`)).text(), /interpose_/);
    assert.is((await fetch(`${control}/tyk/apis`)).status, 403);
  });
});

protocols.run();
