import { createHash, createPrivateKey, createSign, type KeyObject } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { field, isObject, readManifest } from './manifest.ts';
import { checkedPath } from './paths.ts';
import { BundleError, reasonOf } from './problem.ts';
import { signedFiles, signWhole } from './whole-signature.ts';

export interface BuildOptions {
  /** Where the files of `file_list` are looked up. */
  readonly folder: string;
  readonly manifestFile: string;
  readonly output: string;
  /** PEM text of an RSA or Ed25519 private key; undefined: the bundle is not signed. */
  readonly key: string | undefined;
  /** Name and number that a signature over the whole bundle gives it. */
  readonly name: string;
  readonly release: number;
  /** Told as files are packed. */
  readonly onFile?: (path: string, bytes: number) => void;
}

/** All files of a bundle get this time, so that the same input gives the same bytes. */
const noTime = new Date(1980, 0, 1);
const entryOptions = { mtime: noTime, forceDosTimestamp: true } as const;

/**
 * Build a bundle that both gateways load: checksum and RSA signature over its listed files as in the original, and beside them a signature
 * over all of it. @returns its size in bytes. @throws {BundleError} for a manifest or a key that will not do.
 */
export async function buildBundle(options: BuildOptions): Promise<number> {
  const manifest = await filledManifest(options);
  const zip = new ZipFile();
  const folders = new Set<string>();
  for (const path of manifest.file_list as readonly string[]) {
    const parts = checkedPath(path).slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++) {
      const folder = `${parts.slice(0, depth).join('/')}/`;
      // The original makes no folder that has no entry of its own.
      if (!folders.has(folder)) zip.addEmptyDirectory(folder, { ...entryOptions, mode: 0o040755 });
      folders.add(folder);
    }
    zip.addBuffer(await readFile(join(options.folder, path)), path, { ...entryOptions, mode: 0o100644 });
    options.onFile?.(path, (await stat(join(options.folder, path))).size);
  }
  zip.addBuffer(Buffer.from(JSON.stringify(manifest)), 'manifest.json', { ...entryOptions, mode: 0o100644 });
  zip.end();
  const aside = `${options.output}.${process.pid}.part`;
  try {
    await pipeline(zip.outputStream, createWriteStream(aside, { mode: 0o755 }));
    await rename(aside, options.output);
  } finally {
    await rm(aside, { force: true });
  }
  return (await stat(options.output)).size;
}

async function filledManifest(options: BuildOptions): Promise<Record<string, unknown>> {
  const { fileList, customMiddleware, json } = readManifest(await manifestText(options.manifestFile));
  for (const file of fileList) {
    checkedPath(file);
    const found = await stat(join(options.folder, file)).catch(() => undefined);
    if (found?.isFile() !== true) throw new BundleError(`Referencing a nonexistent file: ${file}`);
  }
  if (!hasHooks(customMiddleware)) throw new BundleError('No hooks defined');
  if ((field(customMiddleware, 'driver') ?? '') === '') throw new BundleError('No driver specified');
  const key = options.key === undefined ? undefined : readPrivateKey(options.key);
  const { checksum, signature } = await sumsOf(options.folder, fileList, key);
  const known = ['file_list', 'custom_middleware', 'checksum', 'signature', 'interpose'];
  const others = Object.entries(json).filter(([name]) => !known.includes(name.toLowerCase()));
  const manifest = {
    file_list: fileList,
    custom_middleware: withAllKeys(customMiddleware),
    checksum,
    signature,
    ...Object.fromEntries(others),
  };
  if (key === undefined) return manifest;
  const { name, release } = options;
  return signWhole(manifest, { name, release, files: await signedFiles(options.folder, fileList) }, key);
}

async function manifestText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new BundleError(`Couldn't load manifest file: ${reasonOf(error)}`);
  }
}

function readPrivateKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'ed25519') return key;
    throw new Error(`it is of type ${key.asymmetricKeyType}, and must be RSA or Ed25519`);
  } catch (error) {
    throw new BundleError(`the private key cannot be used: ${reasonOf(error)}`);
  }
}

/** Checksum, and for an RSA key the signature, over the listed files in their order. */
async function sumsOf(
  folder: string,
  files: readonly string[],
  key: KeyObject | undefined,
): Promise<{ checksum: string; signature: string }> {
  const sum = createHash('md5');
  const signature = createSign('sha256');
  for (const file of files) {
    for await (const chunk of createReadStream(join(folder, file))) {
      sum.update(chunk as Buffer);
      signature.update(chunk as Buffer);
    }
  }
  const signs = key?.asymmetricKeyType === 'rsa';
  return { checksum: sum.digest('hex'), signature: signs ? signature.sign(key, 'base64') : '' };
}

const lists = ['pre', 'post', 'post_key_auth', 'response'];

function hasHooks(middleware: Readonly<Record<string, unknown>>): boolean {
  if (lists.some((list) => ((field(middleware, list) ?? []) as unknown[]).length > 0)) return true;
  return ['auth_check', 'traffic_logs'].some((name) => {
    const hook = field(middleware, name);
    return isObject(hook) && (field(hook, 'name') ?? '') !== '';
  });
}

/** As the original writes it: every key that it knows is there. What it does not know stays. */
function withAllKeys(middleware: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const emptyHook = { disabled: false, name: '', path: '', require_session: false, raw_body_only: false };
  return {
    pre: null,
    post: null,
    post_key_auth: null,
    auth_check: emptyHook,
    response: null,
    driver: '',
    id_extractor: { disabled: false, extract_from: '', extract_with: '', extractor_config: null },
    ...Object.fromEntries(Object.entries(middleware).map(([key, value]) => [key.toLowerCase(), value])),
  };
}
