import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UpstreamError } from '../../../gateway/upstream/index.ts';
import { type FrontOptions, withFront } from './front.ts';
import { exchange, get, http2Request, type SeenRequest, valuesOf, withHttpUpstream } from './peers.ts';

const requests = suite('requests to an HTTP/1.1 upstream');

/** Send raw bytes through a front; returns what the upstream saw. */
async function seen(text: string, options: FrontOptions = {}): Promise<SeenRequest> {
  let got: SeenRequest | undefined;
  await withHttpUpstream(
    (_, response) => response.end('ok'),
    async (upstream) => {
      await withFront(upstream.origin, options, async ({ port }) => {
        const answer = await exchange(port, text);
        assert.match(answer, /^(?:HTTP\/1.1 100 Continue\r\n\r\n)?HTTP\/1.1 200 /);
      });
      [got] = upstream.requests;
    },
  );
  return got as SeenRequest;
}

const close = 'Connection: close\r\n';

requests('repeated headers stay lines of their own, with names as given', async () => {
  const { rawHeaders } = await seen(
    `GET /a?b=c HTTP/1.1\r\nHost: x\r\n${close}X-Multi: 1\r\nX-Multi: 2\r\nX-Multi: 3\r\n\r\n`,
  );
  assert.equal(valuesOf(rawHeaders, 'x-multi'), ['1', '2', '3']);
  assert.ok(rawHeaders.includes('X-Multi'));
});

requests('hop-by-hop headers and those that Connection names end at the gateway', async () => {
  const { headers } = await seen(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=3\r\nProxy-Authorization: a\r\n' +
      'Proxy-Connection: keep-alive\r\nTE: gzip, trailers\r\nTrailer: a\r\nX-Kept: 1\r\n\r\n',
  );
  for (const name of ['x-secret', 'keep-alive', 'proxy-authorization', 'proxy-connection', 'trailer']) {
    assert.is(headers[name], undefined, name);
  }
  assert.is(headers.te, 'trailers');
  assert.is(headers['x-kept'], '1');
  assert.is(headers.connection, 'keep-alive');
});

requests('the host of the request decides, whatever the client says', async () => {
  const { headers } = await seen(`GET / HTTP/1.1\r\nHost: client\r\n${close}\r\n`, {
    to: { host: 'target.example:81' },
  });
  assert.is(headers.host, 'target.example:81');
});

requests('an absolute-form target reaches the upstream as a path, and names no other host', async () => {
  const { url, headers } = await seen(`GET http://evil/abs?x HTTP/1.1\r\nHost: client\r\n${close}\r\n`);
  assert.is(url, '/abs?x');
  assert.is(headers.host, 'client');
});

requests('Expect is answered here, and not sent on', async () => {
  const { headers, body } = await seen(
    `POST / HTTP/1.1\r\nHost: x\r\n${close}Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi`,
  );
  assert.is(headers.expect, undefined);
  assert.is(body, 'hi');
});

requests('no User-Agent and no Forwarded header is made up', async () => {
  const { headers } = await seen(`GET / HTTP/1.1\r\nHost: x\r\n${close}\r\n`);
  assert.is(headers['user-agent'], undefined);
  assert.is(headers.forwarded, undefined);
});

requests('a given body is sent with its length, by GET too', async () => {
  const got = await seen(`GET / HTTP/1.1\r\nHost: x\r\n${close}\r\n`, { to: { body: Buffer.from('edited') } });
  assert.is(got.headers['content-length'], '6');
  assert.is(got.body, 'edited');
});

requests('an empty given body is Content-Length 0 with POST, and nothing with GET', async () => {
  const post = await seen(`POST / HTTP/1.1\r\nHost: x\r\n${close}Content-Length: 0\r\n\r\n`, {
    to: { body: Buffer.alloc(0) },
  });
  assert.is(post.headers['content-length'], '0');
  const plain = await seen(`GET / HTTP/1.1\r\nHost: x\r\n${close}\r\n`, { to: { body: Buffer.alloc(0) } });
  assert.is(plain.headers['content-length'], undefined);
  assert.is(plain.headers['transfer-encoding'], undefined);
});

requests('a Content-Length that a hook wrote does not count', async () => {
  const got = await seen(`POST / HTTP/1.1\r\nHost: x\r\n${close}Content-Length: 3\r\n\r\nabc`, {
    to: { headers: ['Content-Length', '1', 'X-A', '1'] },
  });
  assert.is(got.headers['content-length'], '3');
  assert.is(got.body, 'abc');
});

for (const method of ['GET', 'OPTIONS', 'DELETE', 'POST', 'PUT', 'PATCH', 'REPORT']) {
  requests(`${method} brings its body along, with a length or in chunks`, async () => {
    const sized = await seen(`${method} / HTTP/1.1\r\nHost: x\r\n${close}Content-Length: 4\r\n\r\nbody`);
    assert.is(sized.body, 'body');
    assert.is(sized.headers['content-length'], '4');
    const chunked = await seen(
      `${method} / HTTP/1.1\r\nHost: x\r\n${close}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n2\r\n!!\r\n0\r\n\r\n`,
    );
    assert.is(chunked.body, 'body!!');
    assert.is(chunked.headers['transfer-encoding'], 'chunked');
  });
}

requests('HEAD with a body brings it along', async () => {
  const { body, method } = await seen(`HEAD / HTTP/1.1\r\nHost: x\r\n${close}Content-Length: 4\r\n\r\nbody`);
  assert.is(method, 'HEAD');
  assert.is(body, 'body');
});

requests('an HTTP/2 client may send a body by any method, with or without a length', async () => {
  await withHttpUpstream(
    (_, response, body) => response.end(body),
    async (upstream) => {
      await withFront(upstream.origin, {}, async ({ http2Port }) => {
        for (const method of ['GET', 'DELETE', 'OPTIONS', 'POST']) {
          const bare = await http2Request(http2Port, { ':method': method, ':path': '/' }, 'no length');
          assert.is(bare.body, 'no length', method);
          const sized = await http2Request(http2Port, { ':method': method, ':path': '/', 'content-length': 3 }, 'abc');
          assert.is(sized.body, 'abc', method);
        }
      });
      assert.is(upstream.requests.length, 8);
      assert.is(upstream.requests[1]?.headers['content-length'], '3');
    },
  );
});

requests('what cannot be sent is refused before anything is', async () => {
  const bad: FrontOptions['to'][] = [
    { headers: ['X-A', 'a\r\nX-Injected: 1'] },
    { headers: ['X-A', 'a\nb'] },
    { headers: ['X-A', 'a\0b'] },
    { headers: ['X-A', '\u{10a}'] },
    { headers: ['Bad Name', 'a'] },
    { headers: ['Bad:Name', 'a'] },
    { headers: ['', 'a'] },
    { headers: ['Näme', 'a'] },
    { host: 'x\r\nX-Injected: 1' },
    { target: '/a b' },
    { target: '/a\r\nX-Injected: 1' },
    { target: 'relative' },
    { method: 'GET / HTTP/1.1\r\nX: ' },
    { method: '' },
    { method: 'CONNECT' },
    { origin: 'ftp://127.0.0.1:1' },
  ];
  await withHttpUpstream(
    (_, response) => response.end(),
    async (upstream) => {
      for (const to of bad) {
        await withFront(upstream.origin, to === undefined ? {} : { to }, async ({ port, results }) => {
          assert.is((await get(port)).status, 500, JSON.stringify(to));
          const [result] = results;
          assert.ok(result instanceof UpstreamError && result.reason === 'FAILED', JSON.stringify(to));
        });
      }
      assert.is(upstream.connections, 0);
    },
  );
});

requests('values with tabs and bytes beyond ASCII pass', async () => {
  const { headers } = await seen(`GET / HTTP/1.1\r\nHost: x\r\n${close}X-A: a\tb\xe9\r\n\r\n`);
  assert.is(headers['x-a'], 'a\tb\xe9');
});

requests('a body that comes in pieces goes on in pieces', async () => {
  const pieces: string[] = [];
  await withHttpUpstream(
    (_, response) => response.end('ok'),
    async (upstream) => {
      await withFront(upstream.origin, {}, async ({ port, nextResult }) => {
        const socket = connect(port, '127.0.0.1');
        socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
        const done = nextResult();
        for (const piece of ['one', 'two', 'six']) {
          pieces.push(piece);
          socket.write(`3\r\n${piece}\r\n`);
          await new Promise((turn) => setImmediate(turn));
        }
        socket.write('0\r\n\r\n');
        assert.is(((await done) as { status: number }).status, 200);
        socket.destroy();
      });
      assert.is(upstream.requests[0]?.body, pieces.join(''));
    },
  );
});

requests('a large upload arrives byte for byte', async () => {
  const body = Buffer.alloc(3_000_001, 'abcdefg');
  await withHttpUpstream(
    (_, response, text) => response.end(createHash('sha1').update(text, 'latin1').digest('hex')),
    async (upstream) => {
      await withFront(upstream.origin, {}, async ({ port, http2Port }) => {
        const hash = createHash('sha1').update(body).digest('hex');
        const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body });
        assert.is(await answer.text(), hash);
        assert.is((await http2Request(http2Port, { ':method': 'POST', ':path': '/' }, body)).body, hash);
      });
    },
  );
});

requests.run();
