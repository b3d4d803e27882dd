import { createHash, type KeyObject } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { BundleNews, BundleUser } from '../../contract/bundle-news.ts';
import { digestOf, filesIn, stampOf } from './content.ts';
import type { FetchOptions } from './fetch.ts';
import { Intake, isFile } from './intake.ts';
import { readPublicKeys } from './keys.ts';
import { type ListedBundle, listedFolder, mergedMiddleware } from './list.ts';
import { look } from './look.ts';
import type { Manifest } from './manifest.ts';
import { Polls } from './polls.ts';
import { BundleError } from './problem.ts';
import { Shelf } from './shelf.ts';
import { manifestIn } from './verify.ts';

export interface BundleOptions extends Omit<FetchOptions, 'baseUrl' | 'attempts'> {
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
  /** How often the server is asked for another archive, in milliseconds; 0: never. @default 0 */
  readonly pollMs?: number;
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
   * A bundle, from disk or else from its server: its last good revision, or the one of a digest where that can be had. `text` is a name, or
   * several with commas between them.
   * @throws {BundleError} that says why it cannot be had. Nothing is left behind then.
   */
  open(text: string, digest?: string): Promise<StoredBundle>;
  /** A bundle's folder is in use: it stays until it was released as often as it was held. */
  hold(folder: string): void;
  release(folder: string): void;
  /** Be told of new revisions of the bundles that one uses. Without polling there are none. */
  watch(tell: (news: BundleNews) => void): BundleUser;
  /** Give up downloads, poll no more. */
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
  readonly options: BundleOptions;
  readonly intake: Intake;
  private readonly opening = new Map<string, Promise<StoredBundle>>();
  private readonly finding = new Map<string, Promise<StoredBundle>>();
  private readonly looking = new Map<string, Promise<StoredBundle | undefined>>();
  /** What was verified before and is the same still needs no second look. */
  private readonly known = new Map<string, Known>();
  private readonly shelves = new Map<string, Promise<Shelf>>();
  /** By folder. */
  private readonly holds = new Map<string, number>();
  private readonly polls: Polls | undefined;

  constructor(options: BundleOptions, keys: readonly KeyObject[]) {
    this.options = options;
    this.intake = new Intake(options, keys);
    const { pollMs = 0, unused = false, download } = options;
    if (pollMs > 0 && download && !unused) this.polls = new Polls(this, pollMs, options.log);
  }

  open(text: string, digest?: string): Promise<StoredBundle> {
    return shared(this.opening, `${digest ?? ''} ${text}`, () => this.find(text, digest));
  }

  hold(folder: string): void {
    this.holds.set(folder, (this.holds.get(folder) ?? 0) + 1);
  }

  release(folder: string): void {
    const left = (this.holds.get(folder) ?? 1) - 1;
    if (left > 0) {
      this.holds.set(folder, left);
      return;
    }
    this.holds.delete(folder);
    // What is in use when the process ends may be asked for when it is back.
    if (this.intake.signal.aborted) return;
    void this.clearAround(folder).catch((error: unknown) => {
      this.options.log('warn', `an old revision of a bundle was not removed: ${String(error)}`);
    });
  }

  watch(tell: (news: BundleNews) => void): BundleUser {
    return this.polls?.watch(tell) ?? { use() {}, judge() {}, close() {} };
  }

  close(): void {
    this.intake.close();
    this.polls?.close();
  }

  shelf(text: string): Promise<Shelf> {
    let shelf = this.shelves.get(text);
    if (shelf === undefined) {
      const { folder, publicKey, maxBytes } = this.options;
      const settings = createHash('sha256').update(`${maxBytes} ${publicKey}`).digest('hex');
      shelf = Shelf.open(text, folder, settings);
      this.shelves.set(text, shelf);
    }
    return shelf;
  }

  private async find(text: string, digest: string | undefined): Promise<StoredBundle> {
    const shelf = await this.shelf(text);
    const current = await this.current(shelf);
    if (digest === undefined || current.digest === digest) return current;
    const there = await this.revision(shelf, digest);
    if (there !== undefined || this.polls === undefined) return there ?? current;
    // Another coprocess was faster to see that there is a new one, perhaps.
    await this.look(shelf).catch(() => {});
    const found = await this.revision(shelf, digest);
    if (found === undefined) this.polls.missed(text, current);
    return found ?? current;
  }

  /** A revision that does not count yet, or does not any more. */
  private async revision(shelf: Shelf, digest: string): Promise<StoredBundle | undefined> {
    const { candidate, others } = shelf;
    const found = [...(candidate ? [candidate] : []), ...others].find((one) => one.digest === digest);
    if (found === undefined) return undefined;
    return this.read(shelf, shelf.pathOf(found.folder)).catch(() => undefined);
  }

  /** The last good revision, or else the first one from its server. @param attempts to fetch it */
  current(shelf: Shelf, attempts?: number): Promise<StoredBundle> {
    return shared(this.finding, shelf.text, async () => {
      if (shelf.names.length === 0) throw new BundleError('it has no name');
      if (this.options.unused) throw new BundleError('a management node loads no bundles');
      const root = shelf.pathOf(await shelf.current());
      return this.read(shelf, root, (name, folder) => this.findOne(shelf, name, folder, attempts));
    });
  }

  /** What a revision's folder holds; the bundles of a list each in a folder of their own. */
  async read(
    shelf: Shelf,
    root: string,
    readOne: (name: string, folder: string) => Promise<StoredBundle> = (_, folder) => this.existing(folder),
  ): Promise<StoredBundle> {
    if (!shelf.isList) return readOne(shelf.text, root);
    const listed: (ListedBundle & { digest: string })[] = [];
    for (const name of shelf.names) {
      const own = listedFolder(name);
      const other = listed.find((bundle) => bundle.folder === own && bundle.name !== name);
      if (other !== undefined) throw new BundleError(`${other.name} and ${name} would share the folder "${own}"`);
      const { customMiddleware, digest } = await readOne(name, join(root, own));
      listed.push({ name, folder: own, customMiddleware, digest });
    }
    const digest = createHash('sha256')
      .update(listed.map((bundle) => bundle.digest).join())
      .digest('hex');
    return { folder: root, digest, customMiddleware: mergedMiddleware(listed) };
  }

  private async findOne(shelf: Shelf, name: string, folder: string, attempts?: number): Promise<StoredBundle> {
    if (await isFile(join(folder, 'manifest.json'))) return this.existing(folder);
    const seen = await this.intake.fetch(name, folder, attempts);
    if (this.polls !== undefined) {
      shelf.seen = { ...shelf.seen, [name]: seen };
      shelf.refused = undefined;
      await shelf.save(basename(shelf.isList ? dirname(folder) : folder));
    }
    return this.remember(folder, await manifestIn(folder));
  }

  private async existing(folder: string): Promise<StoredBundle> {
    const known = this.known.get(folder);
    if (known !== undefined && known.stamp === (await stampOf(folder, await filesIn(folder)))) return known.bundle;
    const manifest = await manifestIn(folder);
    const { skipVerifyExisting } = this.options;
    if (!skipVerifyExisting) await this.intake.verify(folder, manifest);
    return this.remember(folder, manifest);
  }

  private async remember(folder: string, { customMiddleware }: Manifest): Promise<StoredBundle> {
    const files = await filesIn(folder);
    const stamp = await stampOf(folder, files);
    const bundle = { folder, digest: await digestOf(folder, files), customMiddleware };
    this.known.set(folder, { stamp, bundle });
    return bundle;
  }

  /** Ask the server whether it has something else; see {@link look}. */
  look(shelf: Shelf): Promise<StoredBundle | undefined> {
    return shared(this.looking, shelf.text, async () => {
      const found = await shelf.inTurn(() => look(shelf, this));
      this.polls?.looked(shelf, found);
      return found;
    });
  }

  /** A revision counts from now on; the one before goes when nobody uses it any more. */
  async adopt(shelf: Shelf, digest: string): Promise<void> {
    await shelf.inTurn(async () => {
      const before = await this.current(shelf);
      if (before.digest === digest) return;
      const { candidate } = shelf;
      const next = [...(candidate ? [candidate] : []), ...shelf.others].find((one) => one.digest === digest);
      if (next === undefined) return;
      await this.intake.noteReleases(shelf, shelf.pathOf(next.folder));
      const last = { folder: basename(before.folder), digest: before.digest };
      shelf.others = [...shelf.others.filter((one) => one !== next), last];
      if (candidate?.digest === digest) shelf.candidate = undefined;
      shelf.refused = undefined;
      await shelf.save(next.folder);
      await this.clear(shelf);
    });
  }

  /** A revision cannot be used. What was good before still is. */
  async refuse(shelf: Shelf, digest: string, problem: string): Promise<void> {
    await shelf.inTurn(async () => {
      const current = await this.current(shelf);
      // There was nothing better before: whoever uses it says what is wrong with it.
      if (current.digest === digest) return;
      shelf.refuse(problem);
      if (shelf.candidate?.digest === digest) shelf.candidate.isRefused = true;
      await shelf.save(basename(current.folder));
    });
  }

  private async clearAround(folder: string): Promise<void> {
    for (const opened of this.shelves.values()) {
      const shelf = await opened;
      if (!shelf.others.some((one) => shelf.pathOf(one.folder) === folder)) continue;
      await shelf.inTurn(() => this.clear(shelf));
    }
  }

  /** Remove revisions that do not count and are not used. */
  async clear(shelf: Shelf): Promise<void> {
    const current = await shelf.current();
    const unused = shelf.others.filter(
      ({ folder }) => folder !== current && folder !== shelf.candidate?.folder && !this.holds.has(shelf.pathOf(folder)),
    );
    if (unused.length === 0) return;
    shelf.others = shelf.others.filter((one) => !unused.includes(one));
    await shelf.save(current);
    for (const one of unused) await this.remove(shelf.pathOf(one.folder));
  }

  async remove(folder: string): Promise<void> {
    for (const path of this.known.keys()) if (path === folder || dirname(path) === folder) this.known.delete(path);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Who asks for what is being worked on gets that. */
function shared<Result>(
  running: Map<string, Promise<Result>>,
  key: string,
  work: () => Promise<Result>,
): Promise<Result> {
  let result = running.get(key);
  if (result === undefined) {
    result = work().finally(() => running.delete(key));
    running.set(key, result);
  }
  return result;
}
