import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withGateway, withUpstream } from '../with-gateway.ts';
import { withFront } from './front.ts';
import { http2Request, withHttpUpstream, withTcpUpstream } from './peers.ts';

const streaming = suite('bodies that stream through');

streaming('each event of a stream reaches the client when it is sent', async () => {
  let send: (text: string) => void = () => {};
  await withHttpUpstream(
    (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      send = (text) => response.write(text);
    },
    async (upstream) => {
      await withFront(upstream.origin, {}, async ({ port, http2Port }) => {
        const socket = connect(port, '127.0.0.1');
        socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
        assert.match(String((await once(socket, 'data'))[0]), /text\/event-stream/);
        const session = connectHttp2(`http://127.0.0.1:${http2Port}`);
        for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
          const startedMs = performance.now();
          send(event);
          assert.ok(String((await once(socket, 'data'))[0]).includes(event));
          assert.ok(performance.now() - startedMs < 50);
        }
        const stream = session.request({ ':path': '/' });
        await once(stream, 'response');
        for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
          send(event);
          assert.is(String((await once(stream, 'data'))[0]), event);
        }
        stream.close();
        session.destroy();
        socket.destroy();
      });
    },
  );
});

streaming('a connection to an upstream keeps nothing of the requests that went over it', async () => {
  const warnings: string[] = [];
  const warned = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', warned);
  // While a hook runs the body comes in, so that it goes on whole.
  const plugin = `import { pre } from 'interpose/plugin';
    export const stamp = pre((request) => { request.headers.set('x-stamp', '1'); });`;
  const middleware = { driver: 'typescript', pre: [{ name: 'stamp', path: 'stamp.ts' }] };
  try {
    await withUpstream(async ({ url }) => {
      const apis = { api: { custom_middleware: middleware, proxy: { target_url: url } } };
      await withGateway({ apis, plugins: { 'stamp.ts': plugin } }, async (gateway) => {
        const client = async (): Promise<void> => {
          for (let i = 0; i < 100; i++) {
            const response = await fetch(`${gateway.url}/api/`, { method: 'POST', body: 'a body' });
            assert.is(((await response.json()) as { body: string }).body, 'a body');
          }
        };
        await Promise.all(Array.from({ length: 4 }, client));
      });
    });
    await new Promise((resolve) => setImmediate(resolve));
    // Node warns of the eleventh listener of one kind.
    assert.equal(warnings, []);
  } finally {
    process.off('warning', warned);
  }
});

const totalBytes = 200_000_000;
const part = randomBytes(65_536);

/** 200 MB, made as they are asked for; counts what has been asked. */
function endless(counted: { bytes: number }): Readable {
  return new Readable({
    read() {
      const left = totalBytes - counted.bytes;
      const chunk = left >= part.length ? part : part.subarray(0, left);
      counted.bytes += chunk.length;
      this.push(left === 0 ? null : chunk);
    },
  });
}

/** What may be on the way while nobody reads: buffers of three sockets, in the kernel and here, and an HTTP/2 window. */
const onTheWayBytes = 30_000_000;

/** Wait until a count stands still. */
async function settled(count: () => number): Promise<void> {
  for (let before = -1; before !== count(); ) {
    before = count();
    await new Promise((later) => setTimeout(later, 100));
  }
}

for (const packed of [false, true]) {
  streaming(
    `a client that does not read holds up the upstream${packed ? ', gzip between them or not' : ''}`,
    async () => {
      const counted = { bytes: 0 };
      await withHttpUpstream(
        (_, response) => {
          counted.bytes = 0;
          if (packed) response.setHeader('content-encoding', 'gzip');
          const body = endless(counted);
          (packed ? body.pipe(createGzip({ level: 1 })) : body).pipe(response);
        },
        async (upstream) => {
          await withFront(upstream.origin, {}, async ({ port, http2Port }) => {
            const socket = connect(port, '127.0.0.1');
            socket.pause();
            socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
            const rssBefore = process.memoryUsage.rss();
            await settled(() => counted.bytes);
            assert.ok(counted.bytes > 0 && counted.bytes < onTheWayBytes, `${counted.bytes} bytes were taken`);
            assert.ok(process.memoryUsage.rss() - rssBefore < 100_000_000);
            let bytes = 0;
            socket.on('data', (chunk) => {
              bytes += chunk.length;
            });
            socket.resume();
            if (!packed) {
              await once(socket, 'close');
              assert.ok(bytes > totalBytes);
            }
            socket.destroy();

            const session = connectHttp2(`http://127.0.0.1:${http2Port}`);
            const stream = session.request({ ':path': '/' });
            stream.pause();
            await once(stream, 'response');
            await settled(() => counted.bytes);
            assert.ok(counted.bytes > 0 && counted.bytes < onTheWayBytes, `${counted.bytes} bytes were taken`);
            stream.close();
            session.destroy();
          });
        },
      );
    },
  );
}

streaming('an upstream that does not read holds up the upload', async () => {
  await withTcpUpstream(
    (socket) => socket.pause(),
    async ({ origin }) => {
      await withFront(origin, {}, async ({ port, http2Port }) => {
        const counted = { bytes: 0 };
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => {});
        socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${totalBytes}\r\n\r\n`);
        endless(counted).pipe(socket);
        await settled(() => counted.bytes);
        assert.ok(counted.bytes > 0 && counted.bytes < onTheWayBytes, `${counted.bytes} bytes were taken`);
        socket.destroy();

        counted.bytes = 0;
        const session = connectHttp2(`http://127.0.0.1:${http2Port}`);
        const stream = session.request({ ':method': 'POST', ':path': '/' });
        stream.on('error', () => {});
        endless(counted).pipe(stream);
        await settled(() => counted.bytes);
        assert.ok(counted.bytes > 0 && counted.bytes < onTheWayBytes, `${counted.bytes} bytes were taken`);
        stream.close();
        session.destroy();
      });
    },
  );
});

const sizes = [0, 1, 8191, 8192, 8193, 65_535, 65_536, 100_000, 4_194_303, 4_194_304, 4_194_305, 16_777_216];

streaming('bodies of all sizes pass byte for byte, both ways, with and without a length', async () => {
  const hashOf = (body: Buffer) => createHash('sha1').update(body).digest('hex');
  await withHttpUpstream(
    (request, response, body) => {
      const bytes = Buffer.from(body, 'latin1');
      response.setHeader('x-hash', hashOf(bytes));
      if (request.url === '/chunked') Readable.from(inParts(bytes)).pipe(response);
      else response.end(bytes);
    },
    async (upstream) => {
      await withFront(upstream.origin, {}, async ({ port, http2Port }) => {
        for (const size of sizes) {
          const body = randomBytes(size);
          const sized = await fetch(`http://127.0.0.1:${port}/sized`, { method: 'POST', body });
          assert.is(sized.headers.get('x-hash'), hashOf(body), `${size} up`);
          assert.is(hashOf(Buffer.from(await sized.arrayBuffer())), hashOf(body), `${size} down`);
          if (size > 5_000_000) continue;
          const headers = { ':method': 'POST', ':path': '/chunked' };
          const chunked = await http2Request(http2Port, headers, body);
          assert.is(chunked.headers['x-hash'], hashOf(body), `${size} up over HTTP/2`);
          assert.is(hashOf(Buffer.from(chunked.body, 'latin1')), hashOf(body), `${size} down over HTTP/2`);
        }
      });
    },
  );
});

function* inParts(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

streaming.run();
