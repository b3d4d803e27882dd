import { createHash, createPublicKey, createVerify, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Manifest, maxManifestBytes, readManifest } from './manifest.ts';
import { checkedPath } from './paths.ts';
import { BundleError, reasonOf } from './problem.ts';

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

/** What counts as a key that signs bundles. @throws {BundleError} for a PEM text that is no RSA public key. */
export function readPublicKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw new BundleError(`the public key for bundles cannot be read: ${reasonOf(error)}`);
  }
  if (key.asymmetricKeyType !== 'rsa') {
    throw new BundleError(
      `the public key for bundles is of type ${key.asymmetricKeyType}; bundles are signed with RSA`,
    );
  }
  return key;
}

/**
 * Check the files of a bundle against its manifest (spec/platform-contract §3.5): their MD5 always, the signature where there is a key.
 * @throws {BundleError}
 */
export async function verifyFiles(folder: string, manifest: Manifest, key: KeyObject | undefined): Promise<void> {
  const checksum = createHash('md5');
  const signed = key === undefined ? undefined : createVerify('sha256');
  for (const name of manifest.fileList) {
    const path = join(folder, ...checkedPath(name));
    try {
      for await (const chunk of createReadStream(path)) {
        checksum.update(chunk as Buffer);
        signed?.update(chunk as Buffer);
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
  if (key === undefined || signed === undefined) return;
  if (manifest.signature === '') throw new BundleError("Bundle isn't signed, and a public key is configured");
  const signature = Buffer.from(manifest.signature, 'base64');
  if (signature.toString('base64') !== manifest.signature) throw new BundleError('its signature is not base64');
  if (!signed.verify(key, signature))
    throw new BundleError('its signature is not one of the configured key over its files');
}
