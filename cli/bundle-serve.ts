import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { exitCodes, fail } from './exit.ts';

/** `interpose bundle serve` */
export function bundleServeCommand(): Command {
  return new Command('serve')
    .summary('serve bundles of a folder, for development')
    .description(
      'Serve the .zip files of a folder over HTTP, on this machine only unless told otherwise. For development.',
    )
    .argument('[folder]', 'the folder', '.')
    .option('-l, --listen <address>', 'host:port', '127.0.0.1:8090')
    .action((folder: string, { listen }: { listen: string }) => {
      const colon = listen.lastIndexOf(':');
      const port = Number(listen.slice(colon + 1));
      if (colon < 1 || !Number.isInteger(port) || port > 65535) {
        fail(`--listen takes host:port, got "${listen}"`, exitCodes.usage);
      }
      const server = createServer((request, response) => {
        void sendFile(folder, request.url ?? '/', response).catch(() => response.destroy());
      });
      server.on('error', (error) => fail(error, exitCodes.runtime));
      server.listen(port, listen.slice(0, colon).replace(/^\[|\]$/g, ''), () => {
        const address = server.address();
        const own = typeof address === 'object' && address !== null ? `${address.address}:${address.port}` : listen;
        console.log(JSON.stringify({ msg: 'bundles ready', address: own, folder }));
      });
    });
}

async function sendFile(folder: string, url: string, response: import('node:http').ServerResponse): Promise<void> {
  const path = pathOf(url);
  const file = path === undefined ? undefined : join(folder, path);
  const found = file === undefined ? undefined : await stat(file).catch(() => undefined);
  if (file === undefined || found?.isFile() !== true) {
    response.writeHead(404).end('Not Found\n');
    return;
  }
  const etag = `"${found.size}-${Math.round(found.mtimeMs)}"`;
  response.writeHead(200, { 'Content-Type': 'application/zip', 'Content-Length': found.size, ETag: etag });
  await pipeline(createReadStream(file), response);
}

/** A path below the folder; undefined for all that is none, or no bundle. */
function pathOf(url: string): string | undefined {
  try {
    const path = normalize(decodeURIComponent(new URL(url, 'http://bundles').pathname));
    return path.endsWith('.zip') && !path.includes('\0') ? path : undefined;
  } catch {
    return undefined;
  }
}
