import { once } from 'node:events';
import {
  connect as connectHttp2,
  constants,
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UpstreamError } from '../../../gateway/upstream/index.ts';
import { certificate, privateKey } from './certificate.ts';
import { listen, trackSockets, withFront } from './front.ts';
import { get, http2Request, valuesOf, withTcpUpstream } from './peers.ts';

const http2 = suite('HTTP/2 upstreams');

interface Http2Upstream {
  /** Port of the loopback. */
  readonly port: number;
  /** Sessions made so far, in order. */
  readonly sessions: ServerHttp2Session[];
}

type StreamHandler = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: string[],
  session: number,
) => void;

async function run(
  server: Http2Server,
  handler: StreamHandler,
  use: (upstream: Http2Upstream) => Promise<void>,
): Promise<void> {
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers, _, rawHeaders) => {
    stream.on('error', () => {});
    handler(stream, headers, rawHeaders as unknown as string[], sessions.indexOf(stream.session as ServerHttp2Session));
  });
  const close = trackSockets(server);
  try {
    await use({ port: await listen(server), sessions });
  } finally {
    close();
  }
}

/** An upstream that speaks HTTP/2 without TLS; `origin` has prior knowledge of that. */
function withH2c(
  handler: StreamHandler,
  use: (upstream: Http2Upstream & { origin: string }) => Promise<void>,
): Promise<void> {
  return run(createServer(), handler, (upstream) => use({ ...upstream, origin: `h2c://127.0.0.1:${upstream.port}` }));
}

function echo(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200 });
  stream.pipe(stream);
}

http2('a request arrives as it was meant: names, repeats, host, path, body', async () => {
  let got: string[] = [];
  await withH2c(
    (stream, _, raw) => {
      got = raw;
      echo(stream);
    },
    async ({ origin }) => {
      const headers = [
        'X-Multi',
        '1',
        'X-Multi',
        '2',
        'Authorization',
        'a',
        'Authorization',
        'b',
        'Te',
        'trailers',
        'Connection',
        'X-Gone',
        'X-Gone',
        '1',
      ];
      await withFront(origin, { to: { headers, host: 'wanted.example', target: '/p?q=1' } }, async ({ port }) => {
        const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'PUT', body: 'body' });
        assert.is(await answer.text(), 'body');
      });
    },
  );
  assert.equal(got.slice(0, 8), [
    ':method',
    'PUT',
    ':scheme',
    'http',
    ':authority',
    'wanted.example',
    ':path',
    '/p?q=1',
  ]);
  assert.equal(valuesOf(got, 'x-multi'), ['1', '2']);
  assert.equal(valuesOf(got, 'authorization'), ['a', 'b']);
  assert.equal(valuesOf(got, 'te'), ['trailers']);
  assert.equal(valuesOf(got, 'content-length'), ['4']);
  assert.equal(valuesOf(got, 'x-gone'), []);
  assert.equal(valuesOf(got, 'connection'), []);
});

http2('a given body, an empty one and none are framed like over HTTP/1.1', async () => {
  await withH2c(
    (stream, headers) => {
      stream.respond({
        ':status': 200,
        'x-length': headers['content-length'] ?? 'none',
        'x-ends': String(stream.endAfterHeaders),
      });
      stream.pipe(stream);
    },
    async ({ origin }) => {
      await withFront(origin, { to: { body: Buffer.from('given') } }, async ({ port }) => {
        const { head, body } = await get(port);
        assert.match(head, /X-Length: 5/);
        assert.match(body, /given/);
      });
      await withFront(origin, { to: { body: Buffer.alloc(0) } }, async ({ port }) => {
        assert.match((await get(port, '/', [], 'POST')).head, /X-Length: 0/);
        assert.match((await get(port)).head, /X-Length: none\r\nX-Ends: true/);
      });
    },
  );
});

http2('a gRPC call goes through both ways at once, and ends with its status', async () => {
  await withH2c(
    (stream, headers) => {
      assert.is(headers.te, 'trailers');
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('data', (chunk: Buffer) => stream.write(`echo ${String(chunk)}`));
      stream.on('end', () => stream.end());
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }));
    },
    async ({ origin }) => {
      await withFront(origin, {}, async ({ http2Port }) => {
        const session = connectHttp2(`http://127.0.0.1:${http2Port}`);
        const stream = session.request({
          ':method': 'POST',
          ':path': '/svc/Method',
          'content-type': 'application/grpc',
          te: 'trailers',
        });
        await once(stream, 'response');
        for (const message of ['one', 'two']) {
          stream.write(message);
          assert.is(String((await once(stream, 'data'))[0]), `echo ${message}`);
        }
        const trailers = once(stream, 'trailers');
        stream.end();
        assert.is((await trailers)[0]['grpc-status'], '0');
        assert.is((await trailers)[0]['grpc-message'], 'fine');
        await once(stream, 'close');
        assert.is(stream.rstCode, 0);
        session.close();
      });
    },
  );
});

http2('an answer of trailers only stays one frame', async () => {
  await withH2c(
    (stream) =>
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true }),
    async ({ origin }) => {
      await withFront(origin, {}, async ({ http2Port }) => {
        const answer = await http2Request(http2Port, { ':method': 'POST', ':path': '/', te: 'trailers' }, 'message');
        assert.is(answer.headers['grpc-status'], '12');
        assert.ok((answer.flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0);
        assert.is(answer.trailers, undefined);
      });
    },
  );
});

http2('an answer that ends before the request does tells the client to stop, trailers included', async () => {
  await withH2c(
    (stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => {
        stream.sendTrailers({ 'grpc-status': '8' });
      });
      stream.end('enough');
    },
    async ({ origin }) => {
      await withFront(origin, {}, async ({ http2Port, nextResult }) => {
        const session = connectHttp2(`http://127.0.0.1:${http2Port}`);
        const stream = session.request({ ':method': 'POST', ':path': '/' });
        const result = nextResult();
        const trailers = once(stream, 'trailers');
        stream.resume();
        stream.write('begun');
        assert.is((await trailers)[0]['grpc-status'], '8');
        await once(stream, 'close');
        assert.is(stream.rstCode, 0);
        assert.is(((await result) as { status: number }).status, 200);
        session.close();
      });
    },
  );
});

http2('trailers of the request reach the upstream', async () => {
  await withH2c(
    (stream) => {
      stream.resume();
      stream.on('trailers', (trailers) => {
        stream.respond({ ':status': 200 });
        stream.end(String(trailers['x-sum']));
      });
    },
    async ({ origin }) => {
      await withFront(origin, {}, async ({ http2Port }) => {
        const session = connectHttp2(`http://127.0.0.1:${http2Port}`);
        const stream = session.request({ ':method': 'POST', ':path': '/' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }));
        stream.end('body');
        assert.is(String((await once(stream, 'data'))[0]), '42');
        session.close();
      });
    },
  );
});

http2('trailers of the response reach an HTTP/1.1 client', async () => {
  await withH2c(
    (stream) => {
      stream.respond({ ':status': 200, trailer: 'x-sum' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }));
      stream.end('ok');
    },
    async ({ origin }) => {
      await withFront(origin, {}, async ({ port }) => {
        assert.match((await get(port)).body, /2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n$/);
      });
    },
  );
});

http2('what cannot be sent is refused before anything is', async () => {
  const bad = [
    { headers: ['X-A', 'a\r\nX-Injected: 1'] },
    { headers: ['X-A', '\u{10a}'] },
    { headers: ['Bad Name', 'a'] },
    { headers: [':path', '/other'] },
    { host: 'x\r\ny' },
    { target: '/a b' },
    { target: '/\u{12f}' },
    { method: 'A B' },
  ];
  await withH2c(echo, async ({ origin, sessions }) => {
    for (const to of bad) {
      await withFront(origin, { to }, async ({ port, results }) => {
        assert.is((await get(port)).status, 500);
        assert.ok(results[0] instanceof UpstreamError && results[0].reason === 'FAILED', JSON.stringify(to));
      });
    }
    assert.is(sessions.length, 0);
  });
});

for (const code of [constants.NGHTTP2_INTERNAL_ERROR, constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR]) {
  http2(`half a response that the upstream resets with code ${code} never looks whole`, async () => {
    await withH2c(
      (stream) => {
        stream.respond({ ':status': 200, 'content-length': '100' });
        stream.write('half', () => setTimeout(() => stream.close(code), 20));
      },
      async ({ origin }) => {
        await withFront(origin, {}, async ({ port, http2Port }) => {
          const h1 = await get(port);
          assert.is(h1.body, 'half');
          const h2 = await http2Request(http2Port, { ':path': '/' });
          assert.is(h2.failed, true);
          assert.is(h2.rstCode, constants.NGHTTP2_INTERNAL_ERROR);
        });
      },
    );
  });
}

http2('a stream that the upstream resets before its answer is a failure, with any code', async () => {
  const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;
  for (const code of [NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_CANCEL, NGHTTP2_NO_ERROR]) {
    await withH2c(
      (stream) => stream.close(code),
      async ({ origin }) => {
        await withFront(origin, {}, async ({ port, http2Port, results }) => {
          assert.is((await get(port)).status, 500);
          assert.is((results[0] as UpstreamError).reason, 'FAILED');
          assert.is(String((await http2Request(http2Port, { ':path': '/' })).headers[':status']), '500');
        });
      },
    );
  }
});

http2('a request that the upstream refused unseen is sent once more', async () => {
  let refused = 0;
  await withH2c(
    (stream) => {
      refused += 1;
      if (refused === 1) stream.close(constants.NGHTTP2_REFUSED_STREAM);
      else echo(stream);
    },
    async ({ origin }) => {
      await withFront(origin, { to: { body: Buffer.from('again') } }, async ({ port }) => {
        const { status, body } = await get(port, '/', [], 'POST');
        assert.is(status, 200);
        assert.match(body, /again/);
      });
    },
  );
  assert.is(refused, 2);
});

http2('after GOAWAY the streams under way finish, and new ones go to a new session', async () => {
  const held: ServerHttp2Stream[] = [];
  await withH2c(
    (stream, headers, _, session) => {
      stream.respond({ ':status': 200, 'x-session': String(session) });
      if (headers[':path'] === '/held') held.push(stream);
      else stream.end('ok');
    },
    async ({ origin, sessions }) => {
      await withFront(origin, {}, async ({ port }) => {
        const first = get(port, '/held');
        while (held.length === 0) await new Promise((later) => setTimeout(later, 5));
        sessions[0]?.goaway();
        await new Promise((later) => setTimeout(later, 20));
        assert.match((await get(port)).head, /X-Session: 1/);
        held[0]?.end('finished');
        assert.match((await first).body, /finished/);
      });
    },
  );
});

http2('when a session breaks, a GET goes to a new one', async () => {
  await withH2c(
    (stream, _, __, session) => {
      if (session === 0) stream.session?.destroy();
      else echo(stream);
    },
    async ({ origin, sessions }) => {
      await withFront(origin, {}, async ({ port }) => {
        assert.is((await get(port)).status, 200);
        assert.is(sessions.length, 2);
      });
    },
  );
});

http2('streams beyond what a session takes go to further sessions, and then wait', async () => {
  let open = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const answerAll = () => {
    for (const answer of waiting.splice(0)) answer();
  };
  await withH2c(
    (stream) => {
      open += 1;
      most = Math.max(most, open);
      waiting.push(() => {
        open -= 1;
        stream.respond({ ':status': 200 });
        stream.end('ok');
      });
    },
    async ({ origin, sessions }) => {
      await withFront(origin, { upstream: { sessions: 2, streamsPerSession: 5 } }, async ({ port }) => {
        const answers = Array.from({ length: 25 }, () => get(port));
        let done = false;
        const all = Promise.all(answers).then((got) => {
          done = true;
          return got;
        });
        while (!done) {
          await new Promise((later) => setTimeout(later, 20));
          answerAll();
        }
        assert.ok((await all).every(({ status }) => status === 200));
        assert.is(sessions.length, 2);
        assert.is(most, 10);
      });
    },
  );
});

http2('a session that answers no ping is given up, and the next request has a new one', async () => {
  let connections = 0;
  await withTcpUpstream(
    (socket) => {
      connections += 1;
      // A server that sends its settings and never another byte.
      socket.resume();
      socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    },
    async ({ origin }) => {
      const options = { upstream: { pingIntervalMs: 50 }, to: { timeoutMs: 2000 } };
      await withFront(origin.replace('http', 'h2c'), options, async ({ port, results }) => {
        const startedMs = performance.now();
        assert.is((await get(port, '/', [], 'POST')).status, 500);
        assert.ok(performance.now() - startedMs < 1000);
        assert.is((results[0] as UpstreamError).reason, 'FAILED');
        await get(port, '/', [], 'POST');
        assert.is(connections, 2);
      });
    },
  );
});

http2('over TLS the upstream chooses the protocol, and its certificate is checked', async () => {
  const tls = { insecureSkipVerify: false, ca: certificate };
  const server = createSecureServer({ cert: certificate, key: privateKey });
  await run(
    server as unknown as Http2Server,
    (stream, headers) => {
      stream.respond({ ':status': 200, 'x-scheme': headers[':scheme'] });
      stream.end('over h2');
    },
    async ({ port: upstreamPort, sessions }) => {
      await withFront(`https://localhost:${upstreamPort}`, { to: { tls } }, async ({ port }) => {
        const answers = await Promise.all([get(port), get(port), get(port)]);
        for (const { head, body } of answers) {
          assert.match(head, /X-Scheme: https/);
          assert.match(body, /over h2/);
        }
        assert.is(sessions.length, 1);
      });
      await withFront(`https://127.0.0.1:${upstreamPort}`, { to: { tls } }, async ({ port }) => {
        assert.is((await get(port)).status, 200);
      });
      for (const to of [{ tls: { insecureSkipVerify: false } }, { tls: { ...tls, maxVersion: 'TLSv1.2' as const } }]) {
        await withFront(`https://localhost:${upstreamPort}`, { to }, async ({ port, results }) => {
          const { status } = await get(port);
          if (to.tls.insecureSkipVerify === false && !('ca' in to.tls)) {
            assert.is(status, 500);
            assert.is((results[0] as UpstreamError).reason, 'UNREACHABLE');
          } else assert.is(status, 200);
        });
      }
    },
  );
});

http2('an upstream that speaks only HTTP/1.1 over TLS is spoken to in that, on the connection that told', async () => {
  let connections = 0;
  const hosts: (string | undefined)[] = [];
  const server = createHttps({ cert: certificate, key: privateKey }, (request, response) => {
    hosts.push(request.headers.host);
    response.end(`HTTP/${request.httpVersion} ${(request.socket as { servername?: string }).servername}`);
  });
  server.on('secureConnection', () => {
    connections += 1;
  });
  const close = trackSockets(server);
  const upstreamPort = await listen(server);
  try {
    const to = { tls: { insecureSkipVerify: false, ca: certificate }, host: 'other.example' };
    await withFront(`https://localhost:${upstreamPort}`, { to }, async ({ port }) => {
      assert.match((await get(port)).body, /HTTP\/1.1 localhost/);
      assert.is(connections, 1);
      const answers = await Promise.all([get(port), get(port), get(port, '/', [], 'POST')]);
      for (const { body } of answers) assert.match(body, /HTTP\/1.1 localhost/);
      assert.equal(new Set(hosts), new Set(['other.example']));
    });
    await withFront(`https://127.0.0.1:${upstreamPort}`, { to }, async ({ port }) => {
      assert.match((await get(port)).body, /HTTP\/1.1 false/);
    });
  } finally {
    close();
  }
});

http2.run();
