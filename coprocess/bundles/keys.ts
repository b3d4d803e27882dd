import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { BundleError, reasonOf } from './problem.ts';

const pemBlock = /-----BEGIN ([A-Z ]*PUBLIC KEY)-----[\s\S]+?-----END \1-----/g;

/**
 * The keys of a PEM text, RSA or Ed25519: several while one takes over from another, and then one signature by any of them is enough.
 * @throws {BundleError} for a text that holds none, or other ones.
 */
export function readPublicKeys(pem: string): readonly KeyObject[] {
  const blocks = pem.match(pemBlock) ?? [pem];
  return blocks.map((block) => {
    let key: KeyObject;
    try {
      key = createPublicKey(block);
    } catch (error) {
      throw new BundleError(`the public key for bundles cannot be read: ${reasonOf(error)}`);
    }
    const type = key.asymmetricKeyType;
    if (type === 'rsa' || type === 'ed25519') return key;
    throw new BundleError(`the public key for bundles is of type ${type}; bundles are signed with RSA or Ed25519`);
  });
}

/** A short name for a key, from its content. */
export function keyId(key: KeyObject): string {
  const spki = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(spki.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
}
