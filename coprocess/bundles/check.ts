import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesIn } from './content.ts';
import { keyId, readPublicKeys } from './keys.ts';
import type { Manifest } from './manifest.ts';
import { unpack } from './unpack.ts';
import { manifestIn, type Trust, verifyBundle } from './verify.ts';

/** What a bundle's archive holds. */
export interface BundleContent {
  readonly manifest: Manifest;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
}

/** Room for archives that are looked at by hand. */
const maxBytes = 1024 * 1024 * 1024;

/** Read an archive as a coprocess would. @throws {BundleError} that says why it would be refused. */
export async function inspectBundle(archive: string): Promise<BundleContent> {
  return unpacked(archive, async (folder) => {
    const files = await Promise.all(
      (await filesIn(folder)).map(async (path) => ({ path, bytes: (await stat(join(folder, path))).size })),
    );
    return { manifest: await manifestIn(folder), files };
  });
}

/**
 * Verify an archive as a coprocess would that has these keys (PEM text), or none.
 * @throws {BundleError} that says why it would be refused.
 */
export async function checkBundle(
  archive: string,
  publicKeys: string | undefined,
): Promise<{ trust: Trust; keys: readonly string[] }> {
  const keys = publicKeys === undefined ? [] : readPublicKeys(publicKeys);
  const trust = await unpacked(archive, async (folder) => verifyBundle(folder, await manifestIn(folder), keys));
  return { trust, keys: keys.map(keyId) };
}

async function unpacked<Result>(archive: string, use: (folder: string) => Promise<Result>): Promise<Result> {
  const aside = await mkdtemp(join(tmpdir(), 'interpose-bundle-'));
  try {
    const folder = join(aside, 'unpacked');
    await mkdir(folder);
    await unpack(archive, folder, { maxBytes });
    return await use(folder);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
