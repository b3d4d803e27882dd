import { createHash, createVerify, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Manifest, maxManifestBytes, readManifest } from './manifest.ts';
import { checkedPath } from './paths.ts';
import { BundleError, reasonOf } from './problem.ts';
import { verifyWhole, type WholeSignature, wholeSignatureOf } from './whole-signature.ts';

/** The manifest of an unpacked bundle. @throws {BundleError} */
export async function manifestIn(folder: string): Promise<Manifest> {
  const path = join(folder, 'manifest.json');
  try {
    const { size } = await stat(path);
    if (size > maxManifestBytes) throw new BundleError(`its manifest.json has ${size} bytes, over ${maxManifestBytes}`);
    return readManifest(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof BundleError) throw error;
    throw new BundleError('it has no manifest.json at its top', { cause: error });
  }
}

/**
 * Why a bundle is trusted: nobody asked for a signature, its listed files are signed (and hooks, driver and other files are not), or all of
 * it is.
 */
export type Trust =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'files' }
  | { readonly kind: 'whole'; readonly signature: WholeSignature };

/**
 * Check an unpacked bundle (spec/platform-contract §3.5): the MD5 of its listed files always; where there are keys, its signature over all
 * of it, or without one the older signature over its listed files.
 * @throws {BundleError}
 */
export async function verifyBundle(folder: string, manifest: Manifest, keys: readonly KeyObject[]): Promise<Trust> {
  const rsaKeys = keys.filter((key) => key.asymmetricKeyType === 'rsa');
  const goodKey = await verifyFiles(folder, manifest, rsaKeys);
  if (keys.length === 0) return { kind: 'unsigned' };
  const signature = wholeSignatureOf(manifest);
  if (signature !== undefined) {
    await verifyWhole(folder, manifest, signature, keys);
    return { kind: 'whole', signature };
  }
  if (manifest.signature === '') throw new BundleError("Bundle isn't signed, and a public key is configured");
  if (rsaKeys.length === 0) {
    throw new BundleError(
      'it is signed in the old way, which leaves its manifest open; Ed25519 keys ask for the new one',
    );
  }
  const bytes = Buffer.from(manifest.signature, 'base64');
  if (bytes.toString('base64') !== manifest.signature) throw new BundleError('its signature is not base64');
  if (!goodKey(bytes)) throw new BundleError('its signature is not one of the configured key over its files');
  return { kind: 'files' };
}

/** Check the MD5 of the listed files. Returns what tells whether a signature over them is by one of the keys. */
async function verifyFiles(
  folder: string,
  manifest: Manifest,
  keys: readonly KeyObject[],
): Promise<(signature: Buffer) => boolean> {
  const checksum = createHash('md5');
  const checks = keys.map((key) => ({ key, over: createVerify('sha256') }));
  for (const name of manifest.fileList) {
    const path = join(folder, ...checkedPath(name));
    try {
      for await (const chunk of createReadStream(path)) {
        checksum.update(chunk as Buffer);
        for (const { over } of checks) over.update(chunk as Buffer);
      }
    } catch (error) {
      throw new BundleError(`its file_list names ${JSON.stringify(name)}, which cannot be read: ${reasonOf(error)}`);
    }
  }
  const found = checksum.digest('hex');
  if (manifest.checksum !== found) {
    const claimed = manifest.checksum === '' ? 'has none' : `says ${JSON.stringify(manifest.checksum.slice(0, 64))}`;
    throw new BundleError(`invalid checksum: the manifest ${claimed}, its files give ${found}`);
  }
  return (signature) => checks.some(({ key, over }) => over.verify(key, signature));
}
