import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An upstream that answers every request with what it got, as JSON; `/status/404` with that status, `/delay/2` after two seconds. */
export interface Echo {
  readonly url: string;
  close(): void;
}

/** Listens on `port` of the loopback address, or on a free one if that is taken. */
export async function startEcho(port: number): Promise<Echo> {
  const server = createServer((request, response) => {
    const { method, url: path = '/' } = request;
    const named = Object.entries(request.headers).map(([name, value]) => [capitalised(name), value]);
    request.resume();
    const [, verb, number] = /^\/(status|delay)\/(\d{1,3})$/.exec(path) ?? [];
    response.statusCode = verb === 'status' && Number(number) >= 200 ? Number(number) : 200;
    response.setHeader('content-type', 'application/json');
    const body = `${JSON.stringify({ method, path, headers: Object.fromEntries(named) }, null, 2)}\n`;
    setTimeout(() => response.end(body), verb === 'delay' ? Math.min(Number(number), 10) * 1000 : 0);
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

/** As they are written in most documents: `User-Agent`. */
function capitalised(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
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
