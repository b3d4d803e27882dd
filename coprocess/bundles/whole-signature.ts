import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { filesIn } from './content.ts';
import { keyId } from './keys.ts';
import { isObject, type Manifest } from './manifest.ts';
import { BundleError } from './problem.ts';

/** One file of a bundle, as its signature knows it. */
export interface SignedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** What a signature over the whole bundle says of it. */
export interface WholeSignature {
  readonly name: string;
  /** Grows with each release: a bundle of this name that is older than one that was seen is refused. */
  readonly release: number;
  readonly files: readonly SignedFile[];
  readonly signatures: readonly { readonly key: string; readonly value: string }[];
}

/** The member of a manifest that holds it. Other gateways ignore it. */
const member = 'interpose';

/** Sign a manifest that has its final content. Returns it with the signature beside everything else. */
export function signWhole(
  manifest: Readonly<Record<string, unknown>>,
  said: Omit<WholeSignature, 'signatures'>,
  key: KeyObject,
): Record<string, unknown> {
  const bytes = signedBytes({ ...manifest, [member]: said });
  const value = sign(key.asymmetricKeyType === 'rsa' ? 'sha256' : null, bytes, key).toString('base64');
  return { ...manifest, [member]: { ...said, signatures: [{ key: keyId(key), value }] } };
}

/** The signature over the whole of a manifest's bundle; undefined when it has none. @throws {BundleError} when it is none of ours. */
export function wholeSignatureOf({ json }: Manifest): WholeSignature | undefined {
  const said = json[member];
  if (said === undefined) return undefined;
  const { name, release, files, signatures } = isObject(said) ? said : {};
  const whole =
    typeof name === 'string' &&
    Number.isSafeInteger(release) &&
    Array.isArray(files) &&
    files.every(isSignedFile) &&
    Array.isArray(signatures) &&
    signatures.every((one) => isObject(one) && typeof one.key === 'string' && typeof one.value === 'string');
  if (!whole) throw new BundleError(`"${member}" in its manifest.json is no signature that we know`);
  return said as unknown as WholeSignature;
}

function isSignedFile(file: unknown): boolean {
  return (
    isObject(file) &&
    typeof file.path === 'string' &&
    typeof file.sha256 === 'string' &&
    Number.isSafeInteger(file.bytes)
  );
}

/**
 * Check that one of the keys signed this manifest, and that the folder holds the files that it names, and no others.
 * @throws {BundleError}
 */
export async function verifyWhole(
  folder: string,
  manifest: Manifest,
  signature: WholeSignature,
  keys: readonly KeyObject[],
): Promise<void> {
  const { signatures, ...said } = signature;
  const bytes = signedBytes({ ...manifest.json, [member]: said });
  const good = signatures.some(({ value }) =>
    keys.some((key) =>
      verify(key.asymmetricKeyType === 'rsa' ? 'sha256' : null, bytes, key, Buffer.from(value, 'base64')),
    ),
  );
  if (!good) throw new BundleError('its signature over the whole bundle is by none of the configured keys');
  const found = await signedFiles(folder);
  const unlike = found.find((file) => !signature.files.some((one) => canonical(one) === canonical(file)));
  if (unlike !== undefined) throw new BundleError(`${JSON.stringify(unlike.path)} is not as it was signed`);
  const lost = signature.files.find(({ path }) => !found.some((file) => file.path === path));
  if (lost !== undefined) throw new BundleError(`${JSON.stringify(lost.path)} was signed, and is not there`);
}

/** All files of a folder but the manifest, as a signature names them. */
export async function signedFiles(folder: string, paths?: readonly string[]): Promise<SignedFile[]> {
  const files: SignedFile[] = [];
  for (const path of paths ?? (await filesIn(folder)).filter((file) => file !== 'manifest.json')) {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of createReadStream(join(folder, path))) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
    files.push({ path, bytes, sha256: hash.digest('hex') });
  }
  return files;
}

function signedBytes(manifest: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(canonical(manifest));
}

/** JSON with sorted keys and no spaces: the same bytes for the same content. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? 'null';
  const keys = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort((a, b) => (a < b ? -1 : 1));
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join()}}`;
}
