import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cancellation } from '../../../contract/cancellation.ts';
import { UpstreamError, type UpstreamErrorReason } from '../../../gateway/upstream/index.ts';
import { withFront } from './front.ts';
import { get, http2Request, withHttpUpstream, withTcpUpstream } from './peers.ts';

const failures = suite('upstreams that fail, and clients that leave');

function assertReason(result: unknown, reason: UpstreamErrorReason): void {
  assert.ok(result instanceof UpstreamError, String(result));
  assert.is(result.reason, reason, result.message);
}

/** A port that nobody listens on. */
async function deadOrigin(): Promise<string> {
  let origin = '';
  await withTcpUpstream(
    () => {},
    async (upstream) => {
      origin = upstream.origin;
    },
  );
  return origin;
}

failures('an upstream that refuses is unreachable', async () => {
  const origin = await deadOrigin();
  for (const scheme of ['http', 'https', 'h2c']) {
    await withFront(origin.replace('http', scheme), {}, async ({ port, results }) => {
      assert.is((await get(port)).status, 500);
      assertReason(results[0], 'UNREACHABLE');
    });
  }
});

failures('a host that has no address is told apart', async () => {
  for (const scheme of ['http', 'https', 'h2c']) {
    await withFront(`${scheme}://does-not-exist.invalid:80`, {}, async ({ port, results }) => {
      assert.is((await get(port)).status, 500);
      assertReason(results[0], 'NO_SUCH_HOST');
    });
  }
});

failures('no head in time is a timeout, to the tenth of a second', async () => {
  await withTcpUpstream(
    () => {},
    async ({ origin }) => {
      for (const scheme of ['http', 'h2c']) {
        await withFront(origin.replace('http', scheme), { to: { timeoutMs: 150 } }, async ({ port, results }) => {
          const startedMs = performance.now();
          assert.is((await get(port)).status, 500);
          const tookMs = performance.now() - startedMs;
          assertReason(results[0], 'TIMED_OUT');
          assert.ok(tookMs > 140 && tookMs < 400, String(tookMs));
        });
      }
    },
  );
});

failures('requests that wait for a connection time out too, and do not take it down later', async () => {
  const sockets: Socket[] = [];
  await withTcpUpstream(
    (socket) => sockets.push(socket),
    async ({ origin }) => {
      const options = { upstream: { connections: 1 }, to: { timeoutMs: 150 } };
      await withFront(origin, options, async ({ port, results }) => {
        const answers = await Promise.all([get(port), get(port), get(port)]);
        assert.equal(
          answers.map(({ status }) => status),
          [500, 500, 500],
        );
        for (const result of results) assertReason(result, 'TIMED_OUT');
      });
    },
  );
});

failures('a body that stops coming is given up', async () => {
  await withTcpUpstream(
    (socket) => socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')),
    async ({ origin }) => {
      await withFront(origin, { upstream: { idleBodyTimeoutMs: 200 } }, async ({ port }) => {
        const { body } = await get(port);
        assert.is(body, 'half');
      });
    },
  );
});

failures('an upstream that closes without a word is a failure', async () => {
  await withTcpUpstream(
    (socket) => socket.on('data', () => socket.destroy()),
    async ({ origin }) => {
      await withFront(origin, {}, async ({ port, results }) => {
        assert.is((await get(port, '/', [], 'POST')).status, 500);
        assert.is((await get(port)).status, 500);
        for (const result of results) assertReason(result, 'FAILED');
      });
    },
  );
});

const halves: Record<string, string> = {
  'with a length': 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf',
  'in chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
  'with a broken chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n',
};
for (const [name, half] of Object.entries(halves)) {
  failures(`half a response ${name} never looks whole`, async () => {
    await withTcpUpstream(
      (socket) =>
        socket.on('data', () => {
          socket.write(half);
          // Late enough for the front to have passed on what came.
          setTimeout(() => socket.destroy(), 30);
        }),
      async ({ origin }) => {
        await withFront(origin, {}, async ({ port, http2Port }) => {
          const h1 = await get(port);
          assert.ok(h1.status === 500 || !h1.body.endsWith('\r\n0\r\n\r\n'), h1.head + h1.body);
          const h2 = await http2Request(http2Port, { ':path': '/' });
          if (String(h2.headers[':status']) !== '500') {
            assert.is(h2.body, 'half');
            assert.is(h2.failed, true);
            assert.is(h2.rstCode, constants.NGHTTP2_INTERNAL_ERROR);
          }
        });
      },
    );
  });
}

failures('an HTTP/1.0 client sees a reset when its response breaks off', async () => {
  await withTcpUpstream(
    (socket) =>
      socket.on('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
        setTimeout(() => socket.destroy(), 30);
      }),
    async ({ origin }) => {
      await withFront(origin, {}, async ({ port }) => {
        const socket = connect(port, '127.0.0.1');
        socket.resume();
        socket.write('GET / HTTP/1.0\r\n\r\n');
        const [error] = await once(socket, 'error').catch((thrown: unknown) => [thrown]);
        assert.is((error as NodeJS.ErrnoException).code, 'ECONNRESET');
      });
    },
  );
});

failures('a stale connection costs a GET nothing, and a POST is not sent twice', async () => {
  const seen: string[] = [];
  await withTcpUpstream(
    (socket, connection) =>
      socket.on('data', (chunk) => {
        const method = String(chunk).slice(0, 4).trim();
        seen.push(`${connection} ${method}`);
        // The first connection answers once, then goes away in answer to the next request.
        if (connection === 1 && seen.length > 1) socket.destroy();
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      }),
    async ({ origin }) => {
      await withFront(origin, {}, async ({ port }) => {
        assert.is((await get(port)).status, 200);
        assert.is((await get(port)).status, 200);
      });
    },
  );
  assert.equal(seen, ['1 GET', '1 GET', '2 GET']);
  let posts = 0;
  await withTcpUpstream(
    (socket) =>
      socket.on('data', () => {
        posts += 1;
        socket.destroy();
      }),
    async ({ origin }) => {
      await withFront(origin, {}, async ({ port }) => {
        assert.is((await get(port, '/', [], 'POST')).status, 500);
        assert.is(posts, 1);
        assert.is((await get(port)).status, 500);
        assert.is(posts, 3);
      });
    },
  );
});

failures('clients that leave do not keep connections to the upstream', async () => {
  const big = Buffer.alloc(200_000, 'x');
  await withHttpUpstream(
    (request, response) => {
      if (request.url === '/never') return;
      response.end(request.url === '/big' ? big : 'ok');
    },
    async (upstream) => {
      await withFront(upstream.origin, { upstream: { connections: 4 } }, async ({ port }) => {
        for (let round = 0; round < 10; round += 1) {
          const sockets = ['/never', '/big', '/big', '/never', '/big', '/ok', '/big', '/never'].map((path) => {
            const socket = connect(port, '127.0.0.1');
            socket.on('error', () => {});
            // Nothing is read, so that what is written to it gets stuck.
            socket.pause();
            socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
            return socket;
          });
          await new Promise((later) => setTimeout(later, round % 3 === 0 ? 20 : 1));
          for (const socket of sockets) socket.destroy();
          await Promise.all(sockets.map(async (socket) => socket.closed || (await once(socket, 'close'))));
          assert.is((await get(port, '/ok')).body, 'ok');
        }
        const answers = await Promise.all(Array.from({ length: 20 }, () => get(port, '/big')));
        assert.ok(answers.every(({ body }) => body.length === big.length));
      });
    },
  );
});

failures('an HTTP/2 client that cancels ends the request upstream', async () => {
  let closed: Promise<unknown> | undefined;
  await withTcpUpstream(
    (socket) => {
      socket.resume();
      closed = new Promise((resolve) => socket.on('close', resolve));
    },
    async ({ origin }) => {
      await withFront(origin, {}, async ({ http2Port, nextResult }) => {
        const session = connectHttp2(`http://127.0.0.1:${http2Port}`);
        const stream = session.request({ ':path': '/' });
        stream.on('error', () => {});
        while (closed === undefined) await new Promise((later) => setTimeout(later, 5));
        const result = nextResult();
        stream.close(constants.NGHTTP2_CANCEL);
        assert.equal(((await result) as { status: number }).status, 0);
        await closed;
        session.close();
      });
    },
  );
});

failures('a client that leaves in the middle of its upload ends the request upstream', async () => {
  let closed: Promise<unknown> | undefined;
  await withTcpUpstream(
    (socket) => {
      socket.resume();
      socket.on('error', () => {});
      closed = new Promise((resolve) => socket.on('close', resolve));
    },
    async ({ origin }) => {
      await withFront(origin, {}, async ({ port, nextResult }) => {
        const socket = connect(port, '127.0.0.1');
        socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
        while (closed === undefined) await new Promise((later) => setTimeout(later, 5));
        const result = nextResult();
        socket.destroy();
        assert.is(((await result) as { status: number }).status, 0);
        await closed;
      });
    },
  );
});

failures('a request that is cancelled ends, and the caller hears of it', async () => {
  const cancellation = new Cancellation();
  await withTcpUpstream(
    () => setTimeout(() => cancellation.cancel(), 20),
    async ({ origin }) => {
      await withFront(origin, { to: { cancellation } }, async ({ port, results }) => {
        assert.is((await get(port)).status, 500);
        assertReason(results[0], 'FAILED');
      });
    },
  );
});

failures('close lets a request under way finish, and cuts one that does not', async () => {
  await withHttpUpstream(
    (request, response) => {
      if (request.url !== '/never') setTimeout(() => response.end('ok'), 60);
    },
    async (upstream) => {
      await withFront(upstream.origin, {}, async ({ port, upstream: ours }) => {
        const slow = get(port, '/slow');
        const never = get(port, '/never');
        while (upstream.requests.length < 2) await new Promise((later) => setTimeout(later, 5));
        await ours.close();
        assert.is((await slow).body, 'ok');
        assert.is((await never).status, 500);
        assert.is((await get(port, '/late')).status, 500);
      });
    },
  );
});

failures.run();
