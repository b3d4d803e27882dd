import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BundleOptions, type BundleStore, createBundleStore } from '../../../coprocess/bundles/index.ts';
import { type BundleSpec, bundleBytes } from '../../conformance/peers/bundle.ts';

export interface StoreTest {
  readonly bundles?: Readonly<Record<string, BundleSpec>>;
  readonly options?: Partial<BundleOptions>;
  /** Answers in place of the file server; false: the file server answers. */
  readonly answer?: (request: http.IncomingMessage, response: http.ServerResponse, asked: number) => boolean;
}

export interface TestStore {
  readonly store: BundleStore;
  readonly folder: string;
  readonly baseUrl: string;
  /** Paths that the server was asked for. */
  readonly asked: string[];
  /** Another store over the same folder, as of another process. */
  readonly reopen: (options?: Partial<BundleOptions>) => BundleStore;
  readonly publish: (name: string, bundle: BundleSpec) => Promise<void>;
}

/** A manifest for Python, and one file. */
export const plain: BundleSpec = {
  manifest: { file_list: ['a.py'], custom_middleware: { driver: 'python', pre: [{ name: 'a' }] } },
  files: { 'a.py': 'print(1)' },
};

/** Where a bundle is unpacked. */
export function folderOf(folder: string, name: string): string {
  return join(folder, createHash('md5').update(name).digest('hex'));
}

export async function withStore(test: StoreTest, use: (store: TestStore) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'interpose-bundles-'));
  const files = new Map<string, Buffer>();
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? '');
    if (test.answer?.(request, response, asked.length) === true) return;
    const file = files.get((request.url ?? '').split('?', 1)[0] as string);
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const publish = async (name: string, bundle: BundleSpec): Promise<void> => {
    files.set(`/${name}`, await bundleBytes(bundle));
  };
  for (const [name, bundle] of Object.entries(test.bundles ?? {})) await publish(name, bundle);
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const folder = join(root, 'bundles');
  const reopen = (options: Partial<BundleOptions> = {}): BundleStore =>
    createBundleStore({
      download: true,
      baseUrl,
      insecureSkipVerify: false,
      folder,
      publicKey: undefined,
      skipVerifyExisting: false,
      maxBytes: 1_000_000,
      timeoutMs: 2000,
      firstRetryMs: 1,
      log: () => {},
      ...test.options,
      ...options,
    });
  const store = reopen();
  try {
    await use({ store, folder, baseUrl, asked, reopen, publish });
  } finally {
    store.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(root, { recursive: true });
  }
}
