import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BundleSpec, bundleBytes } from './bundle.ts';

/** Serves bundles, as an operator's static file server does. */
export interface FileServer {
  readonly port: number;
  publish(name: string, bundle: BundleSpec): Promise<void>;
  close(): Promise<void>;
}

export async function startFileServer(): Promise<FileServer> {
  const files = new Map<string, Buffer>();
  const server = http.createServer((request, response) => {
    const file = files.get((request.url ?? '').slice(1));
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    publish: async (name, bundle) => void files.set(name, await bundleBytes(bundle)),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
