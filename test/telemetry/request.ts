import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Send a real request to a real server and look at it there. */
export async function withRequest(
  options: { readonly method?: string; readonly path?: string; readonly headers?: Record<string, string> },
  use: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
): Promise<void> {
  let failure: unknown;
  const server = createServer(async (request, response) => {
    try {
      await use(request, response);
    } catch (error) {
      failure = error;
    }
    if (!response.writableEnded) response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    await new Promise<void>((resolve, reject) => {
      const { method = 'GET', path = '/orders/1', headers = {} } = options;
      send({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
        response.resume().on('end', resolve);
      })
        .on('error', reject)
        .end();
    });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  if (failure !== undefined) throw failure;
}
