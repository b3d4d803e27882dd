import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withFront } from './front.ts';
import { exchange, get, http2Request, withAnswer, withHttpUpstream, withTcpUpstream } from './peers.ts';

const smuggling = suite('request smuggling and response splitting');

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';

smuggling('a chunked DELETE is one request upstream, whatever its body holds', async () => {
  await withHttpUpstream(
    (_, response) => response.end('ok'),
    async (upstream) => {
      await withFront(upstream.origin, {}, async ({ port }) => {
        const size = smuggled.length.toString(16);
        await exchange(
          port,
          `DELETE /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\n${smuggled}\r\n0\r\n\r\n`,
        );
        await get(port, '/after');
      });
      assert.equal(
        upstream.requests.map(({ method, url, body }) => [method, url, body]),
        [
          ['DELETE', '/a', smuggled],
          ['GET', '/after', ''],
        ],
      );
    },
  );
});

smuggling('a DELETE with a body and no length over HTTP/2 is one request upstream', async () => {
  await withHttpUpstream(
    (_, response) => response.end('ok'),
    async (upstream) => {
      await withFront(upstream.origin, {}, async ({ http2Port, port }) => {
        const answer = await http2Request(http2Port, { ':method': 'DELETE', ':path': '/a' }, smuggled);
        assert.is(answer.headers[':status'], 200);
        await get(port, '/after');
      });
      assert.equal(
        upstream.requests.map(({ url, body }) => [url, body]),
        [
          ['/a', smuggled],
          ['/after', ''],
        ],
      );
    },
  );
});

const ambiguous: Record<string, string> = {
  'a length and chunks at once': 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'two lengths': 'Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody!',
  'two equal lengths': 'Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody',
  'a list of lengths': 'Content-Length: 4, 4\r\n\r\nbody',
  'a length with a sign': 'Content-Length: +4\r\n\r\nbody',
  'chunks under another coding': 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
  'an unknown coding': 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
  'a space before the colon': 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
  'a bare line feed': 'X-A: 1\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a folded line': 'Transfer-Encoding:\r\n chunked, identity\r\n\r\n0\r\n\r\n',
  'a bad chunk size': 'Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n',
};
for (const [name, rest] of Object.entries(ambiguous)) {
  smuggling(`${name} never becomes a second request upstream`, async () => {
    await withHttpUpstream(
      (_, response) => response.end('ok'),
      async (upstream) => {
        await withFront(upstream.origin, {}, async ({ port }) => {
          const answer = await exchange(port, `POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${rest}${smuggled}`);
          assert.not.match(answer, /^HTTP\/1.1 200 [\s\S]*HTTP\/1.1 200 /);
        });
        assert.ok(!upstream.requests.some(({ url }) => url === '/smuggled'));
      },
    );
  });
}

smuggling('an upstream cannot put a second response into the first', async () => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother';
  await withAnswer(answer, async ({ origin }) => {
    await withFront(origin, {}, async ({ port }) => {
      const socket = connect(port, '127.0.0.1');
      const answers: string[] = [];
      for (let i = 0; i < 2; i += 1) {
        socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
        answers.push(await new Promise((resolve) => socket.once('data', (chunk) => resolve(String(chunk)))));
      }
      socket.destroy();
      for (const text of answers) assert.ok(!text.includes('other'), text);
    });
  });
});

const badAnswers: Record<string, string> = {
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
  'a length and chunks':
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  'no HTTP at all': 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
  'a header name with a space': 'HTTP/1.1 200 OK\r\nBad Name: 1\r\nContent-Length: 2\r\n\r\nok',
  'a zero byte in a value': 'HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 2\r\n\r\nok',
  'an upgrade that nobody asked for': 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
};
for (const [name, answer] of Object.entries(badAnswers)) {
  smuggling(`a response with ${name} is a failure`, async () => {
    await withAnswer(answer, async ({ origin }) => {
      await withFront(origin, {}, async ({ port }) => {
        const got = await get(port, '/', [], 'POST');
        assert.is(got.status, 500);
        assert.match(got.head, /x-reason: FAILED/i);
      });
    });
  });
}

smuggling('headers that hooks make are mended, for HTTP/1.1 and HTTP/2', async () => {
  await withHttpUpstream(
    (_, response) => response.end('ok'),
    async (upstream) => {
      const steps = {
        head: ({ headers }: { headers: { set(name: string, value: string): void } }) => {
          headers.set('X-Split', 'a\r\nX-Injected: 1');
          headers.set('X-Zero', 'a\0b');
          headers.set('Bad Name', '1');
          headers.set('Transfer-Encoding', 'chunked');
          headers.set('Connection', 'X-Gone');
          headers.set('X-Gone', '1');
        },
      };
      await withFront(upstream.origin, { steps }, async ({ port, http2Port }) => {
        const { head, body } = await get(port);
        assert.match(head, /^X-Split: a {2}X-Injected: 1\r$/m);
        assert.match(head, /^X-Zero: ab\r$/m);
        assert.not.match(head, /Bad Name|X-Gone|^X-Injected/m);
        assert.is(body, 'ok');
        const answer = await http2Request(http2Port, { ':path': '/' });
        assert.is(answer.headers['x-split'], 'a  X-Injected: 1');
        assert.is(answer.headers['x-injected'], undefined);
        assert.is(answer.headers['bad name'], undefined);
        assert.is(answer.headers['transfer-encoding'], undefined);
        assert.is(answer.body, 'ok');
      });
    },
  );
});

smuggling('what is left of a body after an early answer does not become a request', async () => {
  const requests: string[] = [];
  await withTcpUpstream(
    (socket, connection) => {
      socket.once('data', () => socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n'));
      socket.on('data', (chunk) => requests.push(`${connection}: ${String(chunk).slice(0, 12)}`));
    },
    async ({ origin }) => {
      await withFront(origin, {}, async ({ port }) => {
        const socket = connect(port, '127.0.0.1');
        socket.write('POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nfirst');
        assert.match(await new Promise((resolve) => socket.once('data', (chunk) => resolve(String(chunk)))), / 413 /);
        socket.write(smuggled.padEnd(95));
        socket.write('GET /next HTTP/1.1\r\nHost: x\r\n\r\n');
        assert.match(await new Promise((resolve) => socket.once('data', (chunk) => resolve(String(chunk)))), / 413 /);
        socket.destroy();
      });
    },
  );
  assert.ok(
    requests.some((text) => text.startsWith('2: GET /next')),
    requests.join(),
  );
  assert.ok(!requests.some((text) => text.includes('smug')), requests.join());
});

smuggling.run();
