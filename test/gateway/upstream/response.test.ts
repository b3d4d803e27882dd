import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ResponseState } from '../../../contract/response-state.ts';
import { type ResponseHead, type ResponseSteps, UpstreamError } from '../../../gateway/upstream/index.ts';
import { type FrontOptions, withFront } from './front.ts';
import {
  type Answer,
  exchange,
  get,
  type Http2Answer,
  http2Request,
  valuesOf,
  withAnswer,
  withHttpUpstream,
} from './peers.ts';

const responses = suite('responses of an HTTP/1.1 upstream');

/** The same answer of an upstream, as clients of both protocols get it. */
async function both(
  answer: string | Buffer,
  options: FrontOptions & { method?: string; lines?: readonly string[] },
  check: (http1: Answer, http2: Http2Answer) => void,
): Promise<void> {
  await withAnswer(answer, async ({ origin }) => {
    await withFront(origin, options, async ({ port, http2Port }) => {
      const { method = 'GET', lines = [] } = options;
      const fields = Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]));
      check(
        await get(port, '/', lines, method),
        await http2Request(http2Port, { ':method': method, ':path': '/', ...fields }),
      );
    });
  });
}

responses('status, headers and body arrive, names in the case of the protocol', async () => {
  await both(
    'HTTP/1.1 201 Made\r\nx-request-ID: 7\r\netag: "e"\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nok',
    {},
    (h1, h2) => {
      assert.is(h1.status, 201);
      assert.match(h1.head, /^X-Request-Id: 7\r$/m);
      assert.match(h1.head, /^Etag: "e"\r$/m);
      assert.match(h1.head, /^Content-Length: 2\r$/m);
      assert.is(h1.body, 'ok');
      assert.is(h2.headers[':status'], 201);
      assert.ok(h2.rawHeaders.includes('x-request-id'));
      assert.is(h2.body, 'ok');
    },
  );
});

responses('repeated headers stay apart, Set-Cookie above all', async () => {
  const answer =
    'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 0\r\n\r\n';
  await both(answer, {}, (h1, h2) => {
    assert.is(h1.head.match(/^Set-Cookie: [ab]=[12]\r$/gm)?.length, 2);
    assert.is(h1.head.match(/^X-A: /gm)?.length, 2);
    assert.equal(valuesOf(h2.rawHeaders, 'set-cookie'), ['a=1', 'b=2']);
    assert.equal(valuesOf(h2.rawHeaders, 'x-a'), ['1', '2']);
  });
});

responses('a header that is repeated though it should not be does not break HTTP/2', async () => {
  const answer =
    'HTTP/1.1 200 OK\r\nX-Content-Type-Options: nosniff\r\nX-Content-Type-Options: nosniff\r\nContent-Length: 2\r\n\r\nok';
  await both(answer, {}, (h1, h2) => {
    assert.is(h1.body, 'ok');
    assert.is(h2.headers[':status'], 200);
    assert.is(h2.headers['x-content-type-options'], 'nosniff');
    assert.is(h2.body, 'ok');
  });
});

responses('hop-by-hop headers end at the gateway, and hooks see them', async () => {
  const answer =
    'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\n' +
    'Upgrade: h2c\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok';
  const names: string[] = [];
  const head = ({ headers }: ResponseHead) => {
    for (let i = 0; i < headers.size; i += 1) names.push(headers.nameAt(i));
  };
  await both(answer, { steps: { head } }, (h1, h2) => {
    assert.not.match(h1.head, /X-Private|timeout=9|Proxy-Authenticate|Upgrade/);
    assert.match(h1.head, /X-Kept: 1/);
    for (const name of ['connection', 'x-private', 'keep-alive', 'upgrade']) assert.is(h2.headers[name], undefined);
    for (const name of ['Connection', 'X-Private', 'Keep-Alive', 'Upgrade']) assert.ok(names.includes(name), name);
  });
});

responses('HEAD keeps the length that a GET would have', async () => {
  await both('HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n', { method: 'HEAD' }, (h1, h2) => {
    assert.match(h1.head, /^Content-Length: 1234\r$/m);
    assert.is(h1.body, '');
    assert.is(h2.headers['content-length'], '1234');
    assert.is(h2.failed, false);
  });
});

responses('a GET that a hook made a HEAD ends, though the upstream told a length', async () => {
  await both('HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n', { to: { method: 'HEAD' } }, (h1, h2) => {
    assert.match(h1.head, /^Content-Length: 0\r$/m);
    assert.is(h2.failed, false);
  });
});

responses('a HEAD that a hook made a GET gets no body', async () => {
  await both('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', { method: 'HEAD', to: { method: 'GET' } }, (h1, h2) => {
    assert.match(h1.head, /^Content-Length: 2\r$/m);
    assert.is(h1.body, '');
    assert.is(h2.body, '');
    assert.is(h2.failed, false);
  });
});

for (const status of [204, 304]) {
  responses(`${status} has no body and no length`, async () => {
    await both(`HTTP/1.1 ${status} X\r\nContent-Type: a/b\r\nX-A: 1\r\n\r\n`, {}, (h1, h2) => {
      assert.is(h1.status, status);
      assert.not.match(h1.head, /Content-Length|Transfer-Encoding/);
      assert.is(/Content-Type/.test(h1.head), status === 204);
      assert.is(h1.body, '');
      assert.is(h2.headers[':status'], status);
      assert.is(h2.headers['x-a'], '1');
    });
  });
}

responses('205 passes', async () => {
  await both('HTTP/1.1 205 Reset\r\nContent-Length: 2\r\n\r\nok', {}, (h1, h2) => {
    assert.is(h1.status, 205);
    assert.is(h2.headers[':status'], 205);
    assert.is(h2.failed, false);
  });
});

responses('a small chunked response goes out with a length', async () => {
  await both('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n2\r\n!!\r\n0\r\n\r\n', {}, (h1, h2) => {
    assert.match(h1.body, /ok[\s\S]*!!/);
    assert.is(h2.body, 'ok!!');
  });
});

responses('trailers arrive', async () => {
  const answer =
    'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\nConnection: x\r\nX-Two: a\r\nX-Two: b\r\n\r\n';
  await both(answer, { lines: ['TE: trailers'] }, (h1, h2) => {
    assert.match(h1.head, /^Trailer: X-Sum\r$/m);
    assert.match(h1.head, /^Transfer-Encoding: chunked$/m);
    assert.match(h1.body, /^2\r\nok\r\n0\r\nX-Sum: 42\r\nX-Two: a, b\r\n\r\n$/);
    assert.is(h2.body, 'ok');
    assert.is(h2.trailers?.['x-sum'], '42');
    assert.is(h2.trailers?.connection, undefined);
  });
});

responses('an HTTP/1.0 client gets the plain bytes', async () => {
  await withAnswer(
    'HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: 1\r\n\r\n',
    async ({ origin }) => {
      await withFront(origin, {}, async ({ port }) => {
        const text = await exchange(port, 'GET / HTTP/1.0\r\n\r\n');
        assert.match(text, /\r\n\r\nok$/);
        assert.not.match(text, /Transfer-Encoding/);
      });
    },
  );
});

responses('a response without a Content-Type is looked at', async () => {
  await both('HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>hi</html>', {}, (h1, h2) => {
    assert.match(h1.head, /^Content-Type: text\/html; charset=utf-8\r$/m);
    assert.is(h2.headers['content-type'], 'text/html; charset=utf-8');
  });
  await both('HTTP/1.1 200 OK\r\nContent-Type: \r\nContent-Length: 2\r\n\r\nok', {}, (h1) => {
    assert.match(h1.head, /^Content-Type: ?\r$/m);
  });
});

responses('hints ahead of the response are passed on', async () => {
  await withHttpUpstream(
    (_, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.end('ok');
    },
    async (upstream) => {
      await withFront(upstream.origin, {}, async ({ port, http2Port }) => {
        const { head, body } = await get(port);
        assert.match(head, /^HTTP\/1.1 103 /);
        assert.match(body, /^HTTP\/1.1 200 [\s\S]*ok$/);
        assert.is((await http2Request(http2Port, { ':path': '/' })).body, 'ok');
      });
    },
  );
});

const packed = gzipSync('hello hello hello');
const gzipAnswer = Buffer.concat([
  Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`,
  ),
  packed,
]);

responses('gzip that the client did not ask for is unpacked', async () => {
  await both(gzipAnswer, {}, (h1, h2) => {
    assert.not.match(h1.head, /Content-Encoding/);
    assert.match(h1.body, /hello hello hello/);
    assert.is(h2.headers['content-encoding'], undefined);
    assert.is(h2.body, 'hello hello hello');
  });
});

responses('gzip that the client asked for stays packed', async () => {
  for (const lines of [['Accept-Encoding: gzip'], ['Accept-Encoding: identity'], ['Range: bytes=0-9']]) {
    await both(gzipAnswer, { lines }, (h1, h2) => {
      assert.match(h1.head, /^Content-Encoding: gzip\r$/m);
      assert.is(h1.body, packed.toString('latin1'));
      assert.is(h2.headers['content-encoding'], 'gzip');
    });
  }
});

responses('gzip is asked for only when the client asks for nothing', async () => {
  await withHttpUpstream(
    (request, response) => response.end(String(request.headers['accept-encoding'])),
    async (upstream) => {
      await withFront(upstream.origin, {}, async ({ port }) => {
        assert.is((await get(port)).body, 'gzip');
        assert.is((await get(port, '/', ['Accept-Encoding: br'])).body, 'br');
        assert.is((await get(port, '/', ['Range: bytes=1-2'])).body, 'undefined');
      });
    },
  );
});

responses('gzip that is cut off or broken is a failure, not a whole response', async () => {
  const cut = packed.subarray(0, 12);
  const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${cut.length}\r\n\r\n`;
  for (const bytes of [cut, Buffer.alloc(cut.length, 'x')]) {
    await both(Buffer.concat([Buffer.from(head), bytes]), {}, (h1, h2) => {
      assert.ok(h1.status === 500 || !h1.body.endsWith('0\r\n\r\n'), h1.head + h1.body);
      assert.ok(String(h2.headers[':status']) === '500' || h2.failed);
    });
  }
});

/** A step that sees the whole response. */
function whole(change: (response: ResponseState) => void): Partial<ResponseSteps> {
  return {
    whole: async (response) => {
      await new Promise((turn) => setImmediate(turn));
      change(response);
      return response;
    },
  };
}

const chunked = 'HTTP/1.1 200 OK\r\nX-Up: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n2\r\n!!\r\n0\r\n\r\n';

responses('a whole step makes the response, length included', async () => {
  const steps = whole((response) => {
    assert.is(String(response.body), 'ok!!');
    assert.is(response.headers.get('Transfer-Encoding'), 'chunked');
    response.body = Buffer.from('changed');
    response.status = 202;
    response.headers.set('Content-Length', '99');
    response.headers.add('Set-Cookie', 'a=1');
    response.headers.add('Set-Cookie', 'b=2');
  });
  await both(chunked, { steps }, (h1, h2) => {
    assert.is(h1.status, 202);
    assert.match(h1.head, /^Content-Length: 7\r$/m);
    assert.not.match(h1.head, /Transfer-Encoding/);
    assert.equal(h1.head.match(/^Content-Type: .*$/gm), ['Content-Type: text/plain; charset=utf-8']);
    assert.is(h1.body, 'changed');
    assert.is(h2.headers['content-length'], '7');
    assert.equal(valuesOf(h2.rawHeaders, 'set-cookie'), ['a=1', 'b=2']);
    assert.is(h2.body, 'changed');
  });
});

responses('a whole step sees gzip unpacked unless the client asked for it', async () => {
  const bodies: string[] = [];
  const steps = whole(({ body }) => bodies.push(body.toString('latin1')));
  await both(gzipAnswer, { steps }, () => {});
  await both(gzipAnswer, { steps, lines: ['Accept-Encoding: gzip'] }, () => {});
  assert.is(bodies[0], 'hello hello hello');
  assert.is(bodies[2], packed.toString('latin1'));
});

responses('HEAD with a whole step has the length of the body that the step made', async () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n';
  await both(head, { method: 'HEAD', steps: whole(() => {}) }, (h1, h2) => {
    assert.match(h1.head, /^Content-Length: 0\r$/m);
    assert.is(h2.headers['content-length'], '0');
  });
  const steps = whole((response) => {
    response.body = Buffer.from('{"made":1}');
  });
  await both(head, { method: 'HEAD', steps }, (h1, h2) => {
    assert.match(h1.head, /^Content-Length: 10\r$/m);
    assert.is(h1.body, '');
    assert.is(h2.headers['content-length'], '10');
  });
});

for (const status of [204, 304]) {
  responses(`a whole step that makes it ${status} drops body and length`, async () => {
    const steps = whole((response) => {
      response.status = status;
      response.headers.set('Content-Type', 'a/b');
    });
    await both(chunked, { steps }, (h1, h2) => {
      assert.is(h1.status, status);
      assert.is(h1.body, '');
      assert.not.match(h1.head, /Content-Length/);
      assert.is(/Content-Type/.test(h1.head), status === 204);
      assert.is(h2.headers[':status'], status);
      assert.is(h2.failed, false);
    });
  });
}

responses('a whole step that empties the headers sends none but the necessary', async () => {
  const steps = whole((response) => {
    for (const name of ['X-Up', 'Transfer-Encoding']) response.headers.delete(name);
  });
  await both(chunked, { steps }, (h1) => assert.not.match(h1.head, /X-Up/));
});

responses('a whole step that fails leaves the answer to the caller', async () => {
  const steps = { whole: () => Promise.reject(new UpstreamError('FAILED', 'hook says no')) };
  await both(chunked, { steps }, (h1, h2) => {
    assert.is(h1.status, 500);
    assert.is(h1.body.includes('hook says no'), true);
    assert.is(h2.headers[':status'], 500);
  });
});

for (const status of [0, 42, 101, 1000, 200.5, Number.NaN]) {
  responses(`a step that makes the status ${status} is a failure`, async () => {
    const heads = {
      head: (response: ResponseHead) => {
        response.status = status;
      },
    };
    await both(chunked, { steps: heads }, (h1, h2) => {
      assert.is(h1.status, 500);
      assert.is(h2.headers[':status'], 500);
    });
    const wholes = whole((response) => {
      response.status = status;
    });
    await both(chunked, { steps: wholes }, (h1) => assert.is(h1.status, 500));
  });
}

responses('a head step may take its time, and throw', async () => {
  const slow = {
    head: async (response: ResponseHead) => {
      await new Promise((turn) => setImmediate(turn));
      response.status = 203;
      response.headers.set('X-Late', '1');
    },
  };
  for (const answer of [
    chunked,
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok!!',
  ]) {
    await both(answer, { steps: slow }, (h1, h2) => {
      assert.is(h1.status, 203);
      assert.match(h1.head, /X-Late: 1/);
      assert.is(h2.headers['x-late'], '1');
      assert.is(h2.failed, false);
    });
  }
  await both('HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n', { steps: slow, method: 'HEAD' }, (h1) =>
    assert.is(h1.status, 203),
  );
  const throwing: Partial<ResponseSteps>[] = [
    {
      head: () => {
        throw new Error('no');
      },
    },
    { head: () => Promise.reject(new Error('no')) },
  ];
  for (const steps of throwing) await both(chunked, { steps }, (h1) => assert.is(h1.status, 500));
});

responses('a head step cannot change where the body ends', async () => {
  for (const length of ['1', '99', 'x']) {
    const steps = { head: ({ headers }: ResponseHead) => headers.set('Content-Length', length) };
    await both('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour', { steps }, (h1, h2) => {
      assert.match(h1.head, /^Content-Length: 4\r$/m);
      assert.is(h1.body, 'four');
      assert.is(h2.body, 'four');
      assert.is(h2.failed, false);
    });
    await both(chunked, { steps }, (h1, h2) => {
      assert.not.match(h1.head, /Content-Length: (?:1|99|x)\r?$/m);
      assert.is(h2.body, 'ok!!');
    });
  }
});

responses('a response beyond the limit of a whole step is a failure, and its connection is not kept busy', async () => {
  await withHttpUpstream(
    (_, response) => response.end(Buffer.alloc(100_000)),
    async (upstream) => {
      const steps = { ...whole(() => {}), maxBodyBytes: 50_000 };
      await withFront(upstream.origin, { steps, upstream: { connections: 1 } }, async ({ port, results }) => {
        for (let i = 0; i < 3; i += 1) assert.is((await get(port)).status, 500);
        assert.ok(results.every((result) => result instanceof UpstreamError && result.reason === 'BODY_TOO_LARGE'));
      });
    },
  );
});

responses('a small gzip that unpacks beyond the limit is a failure', async () => {
  const bomb = gzipSync(Buffer.alloc(20_000_000));
  const answer = Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`),
    bomb,
  ]);
  await withAnswer(answer, async ({ origin }) => {
    await withFront(origin, { steps: { ...whole(() => {}), maxBodyBytes: 1_000_000 } }, async ({ port, results }) => {
      assert.is((await get(port)).status, 500);
      assert.is((results[0] as UpstreamError).reason, 'BODY_TOO_LARGE');
    });
  });
});

responses('a HEAD over HTTP/2 comes to its end for the gateway too', async () => {
  await withAnswer('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', async ({ origin }) => {
    await withFront(origin, {}, async ({ http2Port, nextResult }) => {
      const result = nextResult();
      await http2Request(http2Port, { ':method': 'HEAD', ':path': '/' });
      assert.is(((await result) as { status: number }).status, 200);
    });
  });
});

responses('the result tells the status of the upstream and how long its head took', async () => {
  await withAnswer('HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n', async ({ origin }) => {
    const steps = {
      head: (head: ResponseHead) => {
        head.status = 200;
      },
    };
    await withFront(origin, { steps }, async ({ port, results }) => {
      assert.is((await get(port)).status, 200);
      const [result] = results;
      assert.ok(result !== undefined && 'status' in result);
      assert.is(result.status, 418);
      assert.ok(result.headMs > 0 && result.headMs < 5000);
    });
  });
});

responses.run();
