import type { BundleNews, BundleUser, BundleVerdict } from '../../contract/bundle-news.ts';
import type { BundleReport } from '../../contract/plugin-set.ts';
import { reasonOf } from './problem.ts';
import type { Shelf } from './shelf.ts';
import type { StoredBundle } from './store.ts';

/** The bundles that are polled, as the store has them. */
interface Shelves {
  shelf(text: string): Promise<Shelf>;
  current(shelf: Shelf): Promise<StoredBundle>;
  look(shelf: Shelf): Promise<StoredBundle | undefined>;
  adopt(shelf: Shelf, digest: string): Promise<void>;
  refuse(shelf: Shelf, digest: string, problem: string): Promise<void>;
}

/** A bundle that somebody uses. */
interface Polled {
  readonly text: string;
  timer: NodeJS.Timeout | undefined;
  /** What the users know. */
  problem: string | undefined;
  trial: Trial | undefined;
}

/** A revision that is offered to those who use the bundle. */
interface Trial {
  readonly report: BundleReport;
  readonly waiting: Set<User>;
  readonly accepted: Set<User>;
}

interface User {
  readonly tell: (news: BundleNews) => void;
  readonly bundles: Set<string>;
}

/**
 * Asks for bundles in use, each by itself and now and then, and puts to the vote what is new: it counts when all users have taken it. When
 * one refuses it, those who had taken it are told to return to the last good one.
 */
export class Polls {
  private readonly shelves: Shelves;
  private readonly pollMs: number;
  private readonly log: (level: 'info' | 'warn', message: string) => void;
  private readonly polled = new Map<string, Polled>();
  private readonly users = new Set<User>();
  private closed = false;

  constructor(shelves: Shelves, pollMs: number, log: Polls['log']) {
    this.shelves = shelves;
    this.pollMs = pollMs;
    this.log = log;
  }

  watch(tell: (news: BundleNews) => void): BundleUser {
    const user: User = { tell, bundles: new Set() };
    this.users.add(user);
    return {
      use: (bundles) => this.use(user, new Set(bundles)),
      judge: (verdict) => void this.judge(user, verdict).catch((error) => this.failed(verdict.bundle, error)),
      close: () => {
        this.use(user, new Set());
        this.users.delete(user);
      },
    };
  }

  /** Somebody asked for a revision that cannot be had. */
  missed(text: string, { digest, customMiddleware }: StoredBundle): void {
    this.tellAll(text, { bundle: text, settled: true, offer: { digest, customMiddleware } });
  }

  close(): void {
    this.closed = true;
    for (const { timer } of this.polled.values()) clearTimeout(timer);
    this.polled.clear();
  }

  private use(user: User, bundles: ReadonlySet<string>): void {
    if (this.closed) return;
    for (const text of user.bundles.difference(bundles)) {
      user.bundles.delete(text);
      this.left(user, text);
    }
    for (const text of bundles.difference(user.bundles)) {
      user.bundles.add(text);
      const known = this.polled.get(text);
      const polled = known ?? { text, timer: undefined, problem: undefined, trial: undefined };
      if (known === undefined) {
        this.polled.set(text, polled);
        void this.begin(polled);
      }
      if (polled.problem !== undefined) user.tell({ bundle: text, problem: polled.problem });
      if (polled.trial !== undefined) this.offer(polled.trial, text, user);
    }
  }

  private left(user: User, text: string): void {
    const polled = this.polled.get(text);
    if (polled === undefined) return;
    const { trial } = polled;
    if (trial !== undefined) {
      trial.waiting.delete(user);
      void this.settle(polled, trial).catch((error) => this.failed(text, error));
    }
    if ([...this.users].some((one) => one.bundles.has(text))) return;
    clearTimeout(polled.timer);
    this.polled.delete(text);
  }

  /** What was refused before this process began is known still. */
  private async begin(polled: Polled): Promise<void> {
    const shelf = await this.shelves.shelf(polled.text);
    await shelf.sweep();
    const { candidate } = shelf;
    // Nobody was there to try it.
    if (candidate?.isRefused === false) this.open(polled, candidate);
    this.note(polled, shelf);
    this.pollLater(polled);
  }

  private pollLater(polled: Polled): void {
    if (this.closed || this.polled.get(polled.text) !== polled) return;
    const waitMs = this.pollMs * (0.8 + Math.random() * 0.4);
    polled.timer = setTimeout(() => void this.poll(polled), waitMs).unref();
  }

  private async poll(polled: Polled): Promise<void> {
    try {
      const shelf = await this.shelves.shelf(polled.text);
      await this.shelves.look(shelf);
    } catch (error) {
      this.failed(polled.text, error);
    }
    this.pollLater(polled);
  }

  /** A look has ended, whoever asked for it. */
  looked(shelf: Shelf, found: StoredBundle | undefined): void {
    const polled = this.polled.get(shelf.text);
    if (polled === undefined) return;
    const { trial } = polled;
    const isGone = trial !== undefined && shelf.candidate?.digest !== trial.report.digest;
    if (isGone && found === undefined) polled.trial = undefined;
    if (found !== undefined) this.open(polled, found);
    this.note(polled, shelf);
  }

  private open(polled: Polled, { digest, customMiddleware }: BundleReport): void {
    const trial: Trial = { report: { digest, customMiddleware }, waiting: new Set(), accepted: new Set() };
    polled.trial = trial;
    for (const user of this.users) if (user.bundles.has(polled.text)) this.offer(trial, polled.text, user);
  }

  private offer(trial: Trial, bundle: string, user: User): void {
    trial.waiting.add(user);
    user.tell({ bundle, offer: trial.report });
  }

  private async judge(user: User, { bundle, digest, refused }: BundleVerdict): Promise<void> {
    const polled = this.polled.get(bundle);
    if (polled === undefined || this.closed) return;
    const { trial } = polled;
    if (trial?.report.digest !== digest) {
      // What was refused here for want of it elsewhere is there now, or another coprocess's is judged.
      const shelf = await this.shelves.shelf(bundle);
      if (refused === undefined && shelf.candidate?.digest === digest) await this.adopt(polled, shelf, digest);
      return;
    }
    if (refused === undefined) {
      trial.waiting.delete(user);
      trial.accepted.add(user);
      await this.settle(polled, trial);
      return;
    }
    polled.trial = undefined;
    const shelf = await this.shelves.shelf(bundle);
    await this.shelves.refuse(shelf, digest, refused);
    this.note(polled, shelf);
    const current = await this.shelves.current(shelf);
    const offer = { digest: current.digest, customMiddleware: current.customMiddleware };
    for (const taken of trial.accepted) taken.tell({ bundle, offer });
  }

  /** All who use it have taken it. */
  private async settle(polled: Polled, trial: Trial): Promise<void> {
    if (polled.trial !== trial || trial.waiting.size > 0 || trial.accepted.size === 0) return;
    polled.trial = undefined;
    await this.adopt(polled, await this.shelves.shelf(polled.text), trial.report.digest);
    // Some may have loaded the old one anew meanwhile.
    this.tellAll(polled.text, { bundle: polled.text, offer: trial.report });
  }

  private async adopt(polled: Polled, shelf: Shelf, digest: string): Promise<void> {
    await this.shelves.adopt(shelf, digest);
    this.note(polled, shelf);
    this.log('info', `bundle "${polled.text}" was replaced by a newer revision`);
  }

  /** Tell what is wrong, or is so no more: once, not at every poll. */
  private note(polled: Polled, { problem }: Shelf): void {
    if (problem === polled.problem) return;
    polled.problem = problem;
    const bundle = polled.text;
    if (problem === undefined) this.log('info', `bundle "${bundle}": there is nothing wrong with its server any more`);
    else this.log('warn', `bundle "${bundle}" stays as it is: ${problem}`);
    this.tellAll(bundle, { bundle, ...(problem !== undefined && { problem }) });
  }

  private failed(bundle: string, error: unknown): void {
    if (!this.closed) this.log('warn', `bundle "${bundle}" stays as it is: ${reasonOf(error)}`);
  }

  private tellAll(text: string, news: BundleNews): void {
    for (const user of this.users) if (user.bundles.has(text)) user.tell(news);
  }
}
