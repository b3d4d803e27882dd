/**
 * An upstream for measuring: answers every request on a connection with the same bytes, as cheaply as it can, so that what is
 * measured is what stands in front of it. Prints its port. Understands content-length bodies, and no others.
 *
 *   node --conditions=source bench/upstream.ts [--port 0] [--body-bytes 27]
 */
import { createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, 'body-bytes': { type: 'string', default: '27' } },
});

const body = Buffer.alloc(Number(values['body-bytes']), '{"hello":"world","n":1}    ');
const answer = Buffer.concat([
  Buffer.from(
    'HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/json\r\n' +
      `Cache-Control: no-store\r\nX-Request-Id: 4bf92f3577b34da6\r\nContent-Length: ${body.length}\r\n\r\n`,
  ),
  body,
]);

function serve(socket: Socket): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = endOfRequest(rest); end > 0; end = endOfRequest(rest)) {
      rest = rest.subarray(end);
      socket.write(answer);
    }
  });
}

/** Where the first request ends; 0 when it is not all there. */
function endOfRequest(bytes: Buffer): number {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return 0;
  const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, end));
  const total = end + 4 + (length === null ? 0 : Number(length[1]));
  return total <= bytes.length ? total : 0;
}

const server = createServer(serve);
server.listen(Number(values.port), '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(address.port);
});
process.on('SIGTERM', () => process.exit(0));
