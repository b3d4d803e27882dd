import { createHash, type KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { digestOf, filesIn, stampOf } from './content.ts';
import { type FetchOptions, fetchBundle } from './fetch.ts';
import { readPublicKeys } from './keys.ts';
import { bundleNames, type ListedBundle, listedFolder, mergedMiddleware } from './list.ts';
import type { Manifest } from './manifest.ts';
import { BundleError } from './problem.ts';
import { Releases } from './releases.ts';
import { unpack } from './unpack.ts';
import { manifestIn, type Trust, verifyBundle } from './verify.ts';

export interface BundleOptions extends Omit<FetchOptions, 'baseUrl'> {
  /** Fetch bundles; those that are unpacked already load in any case. */
  readonly download: boolean;
  readonly baseUrl: string | undefined;
  /** Holds one folder per bundle, named by the MD5 of the bundle's name. Made when it is first needed. */
  readonly folder: string;
  /** PEM text of the keys, one of which bundles must be signed with. */
  readonly publicKey: string | undefined;
  /** Take bundles that are unpacked already as they are. */
  readonly skipVerifyExisting: boolean;
  /** This process is there to manage others: it loads no bundle at all. @default false */
  readonly unused?: boolean;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}

/** A bundle on disk, verified. */
export interface StoredBundle {
  readonly folder: string;
  /** Hex SHA-256 over manifest and files. */
  readonly digest: string;
  readonly customMiddleware: Readonly<Record<string, unknown>>;
}

/** Bundles by name: fetched once, unpacked once, shared by all who ask. */
export interface BundleStore {
  /**
   * A bundle, from disk or else from its server. `text` is a name, or several with commas between them.
   * @throws {BundleError} that says why it cannot be had. Nothing is left behind then.
   */
  open(text: string): Promise<StoredBundle>;
  /** Give up downloads. */
  close(): void;
}

/** @throws {BundleError} when the public key cannot be used. */
export function createBundleStore(options: BundleOptions): BundleStore {
  return new Store(options, options.publicKey === undefined ? [] : readPublicKeys(options.publicKey));
}

interface Known {
  readonly stamp: string;
  readonly bundle: StoredBundle;
}

class Store implements BundleStore {
  private readonly options: BundleOptions;
  private readonly keys: readonly KeyObject[];
  private readonly releases: Releases;
  private readonly opening = new Map<string, Promise<StoredBundle>>();
  /** What was verified before and is the same still needs no second look. */
  private readonly known = new Map<string, Known>();
  private readonly closed = new AbortController();

  constructor(options: BundleOptions, keys: readonly KeyObject[]) {
    this.options = options;
    this.keys = keys;
    this.releases = new Releases(options.folder);
  }

  open(text: string): Promise<StoredBundle> {
    let opening = this.opening.get(text);
    if (opening === undefined) {
      opening = this.find(text).finally(() => this.opening.delete(text));
      this.opening.set(text, opening);
    }
    return opening;
  }

  close(): void {
    this.closed.abort();
  }

  private async find(text: string): Promise<StoredBundle> {
    const names = bundleNames(text);
    const folder = join(this.options.folder, createHash('md5').update(text).digest('hex'));
    if (names.length === 0) throw new BundleError('it has no name');
    if (this.options.unused) throw new BundleError('a management node loads no bundles');
    if (names.length === 1 && names[0] === text) return this.findOne(text, folder);
    const listed: (ListedBundle & { digest: string })[] = [];
    for (const name of names) {
      const own = listedFolder(name);
      const other = listed.find((bundle) => bundle.folder === own && bundle.name !== name);
      if (other !== undefined) throw new BundleError(`${other.name} and ${name} would share the folder "${own}"`);
      const { customMiddleware, digest } = await this.findOne(name, join(folder, own));
      listed.push({ name, folder: own, customMiddleware, digest });
    }
    const digest = createHash('sha256')
      .update(listed.map((bundle) => bundle.digest).join())
      .digest('hex');
    return { folder, digest, customMiddleware: mergedMiddleware(listed) };
  }

  private async findOne(name: string, folder: string): Promise<StoredBundle> {
    if (await isFile(join(folder, 'manifest.json'))) return this.existing(folder);
    await this.fetch(name, folder);
    return this.remember(folder, await manifestIn(folder));
  }

  private async existing(folder: string): Promise<StoredBundle> {
    const known = this.known.get(folder);
    if (known !== undefined && known.stamp === (await stampOf(folder, await filesIn(folder)))) return known.bundle;
    const manifest = await manifestIn(folder);
    const { skipVerifyExisting } = this.options;
    if (!skipVerifyExisting) await verifyBundle(folder, manifest, this.keys);
    return this.remember(folder, manifest);
  }

  private async remember(folder: string, { customMiddleware }: Manifest): Promise<StoredBundle> {
    const files = await filesIn(folder);
    const stamp = await stampOf(folder, files);
    const bundle = { folder, digest: await digestOf(folder, files), customMiddleware };
    this.known.set(folder, { stamp, bundle });
    return bundle;
  }

  /** Fetch, unpack and verify aside, then put it in its place at once: what is half there never counts. */
  private async fetch(name: string, folder: string): Promise<void> {
    const { options } = this;
    if (!options.download) throw new BundleError('Bundle downloader is disabled');
    if (options.baseUrl === undefined || options.baseUrl === '') {
      throw new BundleError('No bundle base URL set (bundles.baseUrl)');
    }
    const parent = join(folder, '..');
    await mkdir(parent, { recursive: true, mode: 0o700 });
    const aside = await mkdtemp(join(parent, `.${basename(folder)}-`));
    try {
      const archive = join(aside, 'archive.zip');
      const unpacked = join(aside, 'unpacked');
      await fetchBundle(name, archive, { ...options, baseUrl: options.baseUrl }, this.closed.signal);
      await mkdir(unpacked, { mode: 0o700 });
      await unpack(archive, unpacked, { maxBytes: options.maxBytes });
      const trust = await verifyBundle(unpacked, await manifestIn(unpacked), this.keys);
      if (trust.kind === 'whole') await this.releases.check(trust.signature);
      await this.putInPlace(unpacked, folder, aside);
      if (trust.kind === 'whole') await this.releases.note(trust.signature);
      this.tell(name, trust);
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }

  private tell(name: string, { kind }: Trust): void {
    const { log } = this.options;
    log('info', `bundle "${name}" was fetched and verified`);
    if (kind !== 'files') return;
    log(
      'warn',
      `the signature of bundle "${name}" covers its listed files only: its hooks, driver and other files are as its server gave them`,
    );
  }

  private async putInPlace(unpacked: string, folder: string, aside: string): Promise<void> {
    // A folder without a manifest is what an interrupted download of another gateway left.
    await rename(folder, join(aside, 'stale')).catch(() => {});
    try {
      await rename(unpacked, folder);
    } catch (error) {
      // Another process was faster.
      if (!(await isFile(join(folder, 'manifest.json')))) throw error;
    }
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
