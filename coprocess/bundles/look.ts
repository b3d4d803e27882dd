import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { askForBundle, type Seen } from './fetch.ts';
import type { Intake } from './intake.ts';
import { listedFolder } from './list.ts';
import { reasonOf } from './problem.ts';
import type { Shelf } from './shelf.ts';
import type { StoredBundle } from './store.ts';

/** What looking for a new revision needs of the store. */
interface Workshop {
  readonly intake: Intake;
  current(shelf: Shelf, attempts?: number): Promise<StoredBundle>;
  read(shelf: Shelf, root: string): Promise<StoredBundle>;
  clear(shelf: Shelf): Promise<void>;
  remove(folder: string): Promise<void>;
}

/**
 * Ask a bundle's server once whether it has something else now. What it has is fetched, verified and unpacked aside, and becomes the shelf's
 * candidate. What is wrong with it is noted on the shelf, and it is not asked for again until the server has yet another.
 * @returns the candidate, when there is a new one; or the first revision of all, which counts at once.
 */
export async function look(shelf: Shelf, store: Workshop): Promise<StoredBundle | undefined> {
  let aside: string | undefined;
  try {
    const isFirst = !(await isThere(shelf.pathOf(await shelf.current())));
    const current = isFirst ? undefined : await store.current(shelf, 1);
    // Nothing is there of what was seen, but that it was refused.
    if (isFirst && shelf.refused === undefined) shelf.seen = {};
    await mkdir(shelf.pathOf('.'), { recursive: true, mode: 0o700 });
    aside = await mkdtemp(shelf.pathOf(`.${shelf.id}-`));
    const fetched = await ask(shelf, store, aside);
    shelf.unreachable = undefined;
    return fetched && (await take(shelf, store, aside, fetched, current));
  } catch (error) {
    if (!store.intake.signal.aborted) shelf.unreachable = reasonOf(error);
    return undefined;
  } finally {
    if (aside !== undefined) await rm(aside, { recursive: true, force: true });
  }
}

interface Fetched {
  readonly seen: Readonly<Record<string, Seen>>;
  /** Archives that are other ones than before, by name. */
  readonly archives: ReadonlyMap<string, string>;
}

/** Undefined when the server has what it had. */
async function ask(shelf: Shelf, store: Workshop, aside: string): Promise<Fetched | undefined> {
  const seen: Record<string, Seen> = { ...shelf.seen };
  const archives = new Map<string, string>();
  const askFor = async (name: string, known: Seen | undefined): Promise<void> => {
    const archive = join(aside, `${archives.size}-${basename(listedFolder(name))}.zip`);
    const got = await askForBundle(name, archive, store.intake.source(), store.intake.signal, known);
    if (got === undefined) return;
    seen[name] = got;
    if (known === undefined || got.sha256 !== shelf.seen[name]?.sha256) archives.set(name, archive);
  };
  for (const name of shelf.names) await askFor(name, shelf.seen[name]);
  // What stands in the last good revision of a list need not be what was refused with it.
  const isOld = shelf.refused !== undefined || shelf.candidate !== undefined;
  if (archives.size > 0 && isOld) {
    for (const name of shelf.names) if (!archives.has(name)) await askFor(name, undefined);
  }
  if (archives.size > 0) return { seen, archives };
  shelf.seen = seen;
  return undefined;
}

/** Make a revision of what was fetched, and of what is as it was. */
async function take(
  shelf: Shelf,
  store: Workshop,
  aside: string,
  { seen, archives }: Fetched,
  current: StoredBundle | undefined,
): Promise<StoredBundle | undefined> {
  const unpacked = join(aside, 'revision');
  let found: StoredBundle;
  let isPlaced = false;
  const folder = current === undefined ? shelf.id : `${shelf.id}-${randomBytes(6).toString('hex')}`;
  try {
    if (shelf.isList) await mkdir(unpacked, { mode: 0o700 });
    for (const name of shelf.names) {
      const own = shelf.isList ? listedFolder(name) : '';
      const archive = archives.get(name);
      if (archive !== undefined) await store.intake.unpack(archive, join(unpacked, own));
      else if (current !== undefined) await cp(join(current.folder, own), join(unpacked, own), { recursive: true });
    }
    await rename(unpacked, shelf.pathOf(folder));
    isPlaced = true;
    found = await store.read(shelf, shelf.pathOf(folder));
  } catch (error) {
    if (isPlaced) await store.remove(shelf.pathOf(folder));
    if (isOfThisMachine(error)) throw error;
    shelf.seen = seen;
    shelf.refuse(reasonOf(error));
    dropCandidate(shelf);
    if (current === undefined) return undefined;
    await shelf.save(basename(current.folder));
    await store.clear(shelf);
    return undefined;
  }
  shelf.seen = seen;
  if (current === undefined) {
    shelf.refused = undefined;
    await store.intake.noteReleases(shelf, found.folder);
    await shelf.save(folder);
    return found;
  }
  dropCandidate(shelf);
  if (found.digest === current.digest) {
    await store.remove(found.folder);
    shelf.refused = undefined;
    await shelf.save(basename(current.folder));
    await store.clear(shelf);
    return undefined;
  }
  // Guests of the same content share files: those that are in use already.
  const same = shelf.others.find((one) => one.digest === found.digest);
  if (same !== undefined) {
    await store.remove(found.folder);
    found = await store.read(shelf, shelf.pathOf(same.folder));
    shelf.others = shelf.others.filter((one) => one !== same);
  }
  const { digest, customMiddleware } = found;
  shelf.candidate = { folder: basename(found.folder), digest, customMiddleware, isRefused: false };
  await store.clear(shelf);
  return found;
}

/** There is another now. Its folder stays for as long as it is in use. */
function dropCandidate(shelf: Shelf): void {
  const { candidate } = shelf;
  if (candidate === undefined) return;
  shelf.candidate = undefined;
  shelf.others = [...shelf.others, { folder: candidate.folder, digest: candidate.digest }];
}

const ownTroubles = new Set([
  'ENOTEMPTY',
  'EEXIST',
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'EIO',
  'ENOMEM',
  'EROFS',
  'EACCES',
]);

/** No fault of the bundle: another try may be all it takes. */
function isOfThisMachine(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (ownTroubles.has((at as NodeJS.ErrnoException).code ?? '')) return true;
  }
  return false;
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
