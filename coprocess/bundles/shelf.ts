import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Seen } from './fetch.ts';
import { bundleNames } from './list.ts';
import { type BundleRecord, type Refused, type Revision, readRecord, writeRecord } from './record.ts';

/** A revision that is there, and does not count yet. */
export interface Candidate extends Revision {
  readonly customMiddleware: Readonly<Record<string, unknown>>;
  /** It was tried in vain; it stays until there is another, for coprocesses that must agree on it. */
  isRefused: boolean;
}

/**
 * The revisions of one bundle on disk, and which of them counts. The first one lies in `{MD5 of the name}`, later ones beside it; a record
 * of them appears with the first poll.
 */
export class Shelf {
  readonly text: string;
  readonly names: readonly string[];
  /** MD5 of the name: what all of it on disk begins with. */
  readonly id: string;
  /** What the server last had. */
  seen: Readonly<Record<string, Seen>> = {};
  /** Why what the server last had does not count. */
  refused: Refused | undefined;
  /** Why the server could not be asked. */
  unreachable: string | undefined;
  candidate: Candidate | undefined;
  others: readonly Revision[] = [];
  private readonly root: string;
  private readonly settings: string;
  private recorded: string | undefined;
  private jobs: Promise<unknown> = Promise.resolve();

  private constructor(text: string, root: string, settings: string) {
    this.text = text;
    this.names = bundleNames(text);
    this.id = createHash('md5').update(text).digest('hex');
    this.root = root;
    this.settings = settings;
  }

  /** @param settings stands for all that decides whether a bundle is taken. */
  static async open(text: string, root: string, settings: string): Promise<Shelf> {
    const shelf = new Shelf(text, root, settings);
    const record = await readRecord(shelf.file);
    if (record === undefined) return shelf;
    const { current, others, seen, refused } = record;
    shelf.recorded = current;
    shelf.others = others;
    if (refused !== undefined && refused.settings !== settings) return shelf;
    shelf.seen = seen;
    shelf.refused = refused;
    return shelf;
  }

  /** Whether it is a list of bundles. */
  get isList(): boolean {
    return this.names.length !== 1 || this.names[0] !== this.text;
  }

  get problem(): string | undefined {
    return this.refused?.problem ?? this.unreachable;
  }

  /** Folder of the last good revision, or where the first one is to be put. */
  async current(): Promise<string> {
    if (this.recorded !== undefined && (await isFolder(this.pathOf(this.recorded)))) return this.recorded;
    return this.id;
  }

  pathOf(folder: string): string {
    return join(this.root, folder);
  }

  refuse(problem: string): void {
    this.refused = { problem, settings: this.settings };
  }

  /** Remember how things are now: `current` is the last good one. */
  async save(current: string): Promise<void> {
    const { candidate, seen, refused } = this;
    const others = candidate?.isRefused === true ? [...this.others, revisionOf(candidate)] : this.others;
    const record: BundleRecord = { current, others, seen, ...(refused && { refused }) };
    await writeRecord(this.file, record);
    this.recorded = current;
  }

  /** One job after the other: they change what is on disk. */
  inTurn<Result>(job: () => Promise<Result>): Promise<Result> {
    const done = this.jobs.then(job, job);
    this.jobs = done.catch(() => {});
    return done;
  }

  /** Remove what processes that were killed left behind. */
  async sweep(): Promise<void> {
    const known = new Set([this.id, this.recorded, this.candidate?.folder, ...this.others.map(({ folder }) => folder)]);
    const names = await readdir(this.root).catch(() => []);
    for (const name of names) {
      const isOurs = name.startsWith(`${this.id}-`) || name.startsWith(`.${this.id}-`);
      if (!isOurs || known.has(name)) continue;
      const found = await stat(this.pathOf(name)).catch(() => undefined);
      if (found === undefined || Date.now() - found.mtimeMs < leftBehindMs) continue;
      await rm(this.pathOf(name), { recursive: true, force: true });
    }
  }

  private get file(): string {
    return this.pathOf(`${this.id}.json`);
  }
}

/** Nobody works on a folder for so long. */
const leftBehindMs = 3_600_000;

function revisionOf({ folder, digest }: Revision): Revision {
  return { folder, digest };
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
