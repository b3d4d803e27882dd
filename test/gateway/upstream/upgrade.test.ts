import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { certificate, privateKey } from './certificate.ts';
import { type FrontOptions, listen, trackSockets, withFront } from './front.ts';
import { withHttpUpstream, withTcpUpstream } from './peers.ts';

const upgrades = suite('WebSocket upgrades');

type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

async function withUpgrading(onUpgrade: OnUpgrade, use: (origin: string) => Promise<void>, tls = false): Promise<void> {
  const server = tls ? createHttps({ cert: certificate, key: privateKey }) : createServer();
  server.on('upgrade', onUpgrade);
  const close = trackSockets(server);
  try {
    await use(`${tls ? 'https' : 'http'}://127.0.0.1:${await listen(server)}`);
  } finally {
    close();
  }
}

/** Accept as RFC 6455 has it, and send every frame's payload back, unmasked. */
const echo: OnUpgrade = (request, socket, head) => {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n` +
      'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n',
  );
  let bytes = head;
  const answer = () => {
    for (let frame = takeFrame(bytes); frame !== undefined; frame = takeFrame(bytes)) {
      bytes = frame.rest;
      if (frame.opcode === 8) socket.end(textFrame(frame.payload, 0x88));
      else socket.write(textFrame(frame.payload, 0x81));
    }
  };
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    answer();
  });
  socket.on('end', () => socket.end());
  answer();
};

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly rest: Buffer;
}

/** The first frame, of less than 126 bytes, masked or not. */
function takeFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const masked = ((bytes[1] as number) & 0x80) !== 0;
  const start = masked ? 6 : 2;
  const end = start + ((bytes[1] as number) & 0x7f);
  if (bytes.length < end) return undefined;
  const payload = Buffer.from(bytes.subarray(start, end));
  for (let i = 0; masked && i < payload.length; i += 1)
    payload[i] = (payload[i] as number) ^ (bytes[2 + (i % 4)] as number);
  return { opcode: (bytes[0] as number) & 0x0f, payload, rest: bytes.subarray(end) };
}

function textFrame(payload: Buffer, first: number): Buffer {
  return Buffer.concat([Buffer.from([first, payload.length]), payload]);
}

function maskedFrame(text: string, first = 0x81): Buffer {
  const mask = Buffer.from([1, 2, 3, 4]);
  const payload = Buffer.from(text).map((byte, i) => byte ^ (mask[i % 4] as number));
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length]), mask, payload]);
}

const handshake =
  'GET /chat?room=1 HTTP/1.1\r\nHost: client\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat\r\n\r\n';

/** Read until the text has come. */
async function until(socket: Socket, wanted: RegExp): Promise<string> {
  let text = '';
  while (!wanted.test(text)) {
    const [chunk] = await once(socket, 'data');
    text += String(chunk);
  }
  return text;
}

/** Shake hands through a front; returns all that came before the connection was closed. */
async function refusedBy(origin: string, options: FrontOptions = {}): Promise<string> {
  let text = '';
  await withFront(origin, options, async ({ port }) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(handshake);
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    await once(socket, 'close');
  });
  return text;
}

for (const tls of [false, true]) {
  upgrades(`frames go both ways${tls ? ', over TLS to the upstream' : ''}`, async () => {
    await withUpgrading(
      echo,
      async (origin) => {
        await withFront(origin, {}, async ({ port }) => {
          const socket = connect(port, '127.0.0.1');
          socket.write(handshake);
          const head = await until(socket, /\r\n\r\n$/);
          assert.match(head, /^HTTP\/1.1 101 /);
          assert.match(head, /sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i);
          assert.is(head.match(/set-cookie: [ab]=[12]/gi)?.length, 2);
          for (const text of ['hello', 'again']) {
            socket.write(maskedFrame(text));
            assert.match(await until(socket, new RegExp(text)), new RegExp(text));
          }
          socket.write(maskedFrame('bye', 0x88));
          await until(socket, /bye/);
          await once(socket, 'close');
        });
      },
      tls,
    );
  });
}

upgrades('the upstream gets the request as it was meant', async () => {
  let seen: IncomingMessage | undefined;
  await withUpgrading(
    (request, socket, head) => {
      seen = request;
      echo(request, socket, head);
    },
    async (origin) => {
      const to = {
        host: 'wanted.example',
        headers: ['X-Multi', '1', 'X-Multi', '2', 'Sec-WebSocket-Key', 'a', 'Keep-Alive', 'x'],
      };
      await withFront(origin, { to }, async ({ port }) => {
        const socket = connect(port, '127.0.0.1');
        socket.write(handshake);
        await until(socket, /\r\n\r\n$/);
        socket.destroy();
      });
    },
  );
  assert.is(seen?.url, '/chat?room=1');
  assert.is(seen?.headers.host, 'wanted.example');
  assert.is(seen?.headers['x-multi'], '1, 2');
  assert.is(seen?.headers.upgrade, 'websocket');
  assert.is(seen?.headers.connection, 'Upgrade');
  assert.is(seen?.headers['keep-alive'], undefined);
  assert.is(seen?.headers.forwarded, undefined);
  assert.is(seen?.headers['accept-encoding'], undefined);
});

upgrades('what the client sends ahead of the answer is not lost', async () => {
  await withUpgrading(echo, async (origin) => {
    await withFront(origin, {}, async ({ port }) => {
      const socket = connect(port, '127.0.0.1');
      socket.write(Buffer.concat([Buffer.from(handshake), maskedFrame('early')]));
      assert.match(await until(socket, /early/), /101/);
      socket.destroy();
    });
  });
});

upgrades('when the client leaves, the upstream hears of it', async () => {
  let closed: Promise<unknown> | undefined;
  await withUpgrading(
    (request, socket, head) => {
      closed = once(socket, 'close');
      socket.on('error', () => {});
      echo(request, socket, head);
    },
    async (origin) => {
      await withFront(origin, {}, async ({ port }) => {
        const socket = connect(port, '127.0.0.1');
        socket.write(handshake);
        await until(socket, /\r\n\r\n$/);
        socket.resetAndDestroy();
        await closed;
      });
    },
  );
});

upgrades('when the upstream breaks, the client hears of it', async () => {
  await withUpgrading(
    (request, socket, head) => {
      echo(request, socket, head);
      socket.on('data', () => (socket as Socket).resetAndDestroy());
    },
    async (origin) => {
      await withFront(origin, {}, async ({ port }) => {
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => {});
        socket.write(handshake);
        await until(socket, /\r\n\r\n$/);
        const closed = once(socket, 'close').catch(() => {});
        socket.write(maskedFrame('x'));
        socket.resume();
        await closed;
      });
    },
  );
});

upgrades('an upstream that refuses the upgrade is heard', async () => {
  await withHttpUpstream(
    (_, response) => {
      response.writeHead(403, { 'content-type': 'text/plain', 'set-cookie': ['a=1', 'b=2'] });
      response.write('not ');
      response.end('you');
    },
    async ({ origin }) => {
      const text = await refusedBy(origin);
      assert.match(text, /^HTTP\/1.1 403 Forbidden\r\n/);
      assert.match(text, /Content-Type: text\/plain\r\n/);
      assert.is(text.match(/Set-Cookie: [ab]=[12]\r\n/g)?.length, 2);
      assert.match(text, /Connection: close\r\n/);
      assert.not.match(text, /Transfer-Encoding/i);
      assert.match(text, /\r\n\r\nnot you$/);
    },
  );
});

upgrades('an upstream that is not there, or silent, or no HTTP, is answered for', async () => {
  let dead = '';
  await withTcpUpstream(
    () => {},
    async ({ origin }) => {
      dead = origin;
      assert.match(await refusedBy(origin, { to: { timeoutMs: 100 } }), /^HTTP\/1.1 504 [\s\S]*hard timeout/);
    },
  );
  assert.match(await refusedBy(dead), /^HTTP\/1.1 500 [\s\S]*"error": "There was a problem proxying the request"\n}$/);
  assert.match(await refusedBy(dead.replace('http', 'h2c')), /^HTTP\/1.1 500 /);
  assert.match(await refusedBy('http://does-not-exist.invalid'), /^HTTP\/1.1 500 [\s\S]*lookup failed/);
  await withTcpUpstream(
    (socket) => socket.on('data', () => socket.end('nonsense\r\n\r\n')),
    async ({ origin }) => assert.match(await refusedBy(origin), /^HTTP\/1.1 500 /),
  );
});

upgrades('headers that cannot be sent are answered for, and nothing is sent', async () => {
  let connections = 0;
  await withTcpUpstream(
    () => {
      connections += 1;
    },
    async ({ origin }) => {
      for (const headers of [
        ['X-A', 'a\r\nX-Injected: 1'],
        ['Bad Name', '1'],
      ]) {
        assert.match(await refusedBy(origin, { to: { headers } }), /^HTTP\/1.1 500 /);
      }
      assert.match(await refusedBy(origin, { to: { target: '/a b' } }), /^HTTP\/1.1 500 /);
    },
  );
  assert.is(connections, 0);
});

upgrades('closing ends the tunnels', async () => {
  await withUpgrading(echo, async (origin) => {
    await withFront(origin, {}, async ({ port, upstream }) => {
      const socket = connect(port, '127.0.0.1');
      socket.write(handshake);
      await until(socket, /\r\n\r\n$/);
      socket.resume();
      const closed = once(socket, 'close');
      await upstream.close();
      await closed;
    });
  });
});

upgrades.run();
