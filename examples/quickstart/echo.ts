import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An upstream that answers every request with what it got, as JSON. */
export interface Echo {
  readonly url: string;
  close(): void;
}

/** Listens on `port` of the loopback address, or on a free one if that is taken. */
export async function startEcho(port: number): Promise<Echo> {
  const server = createServer((request, response) => {
    const { method, url: path, headers } = request;
    request.resume();
    response.setHeader('content-type', 'application/json');
    response.end(`${JSON.stringify({ method, path, headers }, null, 2)}\n`);
  });
  await listen(server, port).catch(() => listen(server, 0));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
