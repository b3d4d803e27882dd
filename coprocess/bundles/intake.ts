import type { KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type FetchOptions, fetchBundle, type Seen } from './fetch.ts';
import { listedFolder } from './list.ts';
import type { Manifest } from './manifest.ts';
import { BundleError } from './problem.ts';
import { Releases } from './releases.ts';
import type { Shelf } from './shelf.ts';
import type { BundleOptions } from './store.ts';
import { unpack } from './unpack.ts';
import { manifestIn, type Trust, verifyBundle } from './verify.ts';

/** How archives become folders: fetched, unpacked and verified. What is not taken leaves nothing behind. */
export class Intake {
  private readonly options: BundleOptions;
  private readonly keys: readonly KeyObject[];
  private readonly releases: Releases;
  private readonly closed = new AbortController();

  constructor(options: BundleOptions, keys: readonly KeyObject[]) {
    this.options = options;
    this.keys = keys;
    this.releases = new Releases(options.folder);
  }

  /** Aborts when nothing is to be fetched any more. */
  get signal(): AbortSignal {
    return this.closed.signal;
  }

  close(): void {
    this.closed.abort();
  }

  /** Where bundles are fetched from, and how. @throws {BundleError} when they are not. */
  source(): FetchOptions {
    const { options } = this;
    if (!options.download) throw new BundleError('Bundle downloader is disabled');
    const { baseUrl } = options;
    if (baseUrl === undefined || baseUrl === '') throw new BundleError('No bundle base URL set (bundles.baseUrl)');
    return { ...options, baseUrl };
  }

  /** Fetch, unpack and verify aside, then put it in its place at once: what is half there never counts. @throws {BundleError} */
  async fetch(name: string, folder: string, attempts: number | undefined): Promise<Seen> {
    const parent = dirname(folder);
    const from = this.source();
    await mkdir(parent, { recursive: true, mode: 0o700 });
    const aside = await mkdtemp(join(parent, `.${basename(folder)}-`));
    try {
      const archive = join(aside, 'archive.zip');
      const unpacked = join(aside, 'unpacked');
      const seen = await fetchBundle(name, archive, { ...from, ...(attempts && { attempts }) }, this.closed.signal);
      const trust = await this.unpack(archive, unpacked);
      await this.putInPlace(unpacked, folder, aside);
      if (trust.kind === 'whole') await this.releases.note(trust.signature);
      this.tell(name, trust);
      return seen;
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }

  /** Unpack an archive into a folder that is not there yet, and verify it. @throws {BundleError} when it is not taken. */
  async unpack(archive: string, folder: string): Promise<Trust> {
    await mkdir(folder, { mode: 0o700 });
    await unpack(archive, folder, { maxBytes: this.options.maxBytes });
    const trust = await this.verify(folder, await manifestIn(folder));
    if (trust.kind === 'whole') await this.releases.check(trust.signature);
    return trust;
  }

  /** @throws {BundleError} when what lies in the folder is not what its manifest says, or not signed as it must be. */
  verify(folder: string, manifest: Manifest): Promise<Trust> {
    return verifyBundle(folder, manifest, this.keys);
  }

  /** What is taken for good sets the floor for releases to come. */
  async noteReleases(shelf: Shelf, root: string): Promise<void> {
    for (const name of shelf.names) {
      const folder = shelf.isList ? join(root, listedFolder(name)) : root;
      const trust = await this.verify(folder, await manifestIn(folder));
      if (trust.kind === 'whole') await this.releases.note(trust.signature);
      this.tell(name, trust);
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

/** Whether there is a file; false for all else, what cannot be looked at too. */
export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
