import { PluginFailure } from '../../contract/failure.ts';
import type { PluginFileStamps } from '../../contract/plugin-files.ts';
import { type BundleReport, isLoaded, type PluginSet, type SetReport } from '../../contract/plugin-set.ts';
import { failedRun } from '../../contract/run-hooks.ts';
import type { Dispatcher } from './dispatcher.ts';
import { type LinkDispatcherOptions, resolveLinkOptions } from './link-options.ts';
import { LinkPeer, type PeerOwner } from './link-peer.ts';
import type { Route } from './route.ts';

/** A plugin set that is installed, or being installed, everywhere. */
interface WantedSet {
  readonly set: PluginSet;
  /** Resolves when the coprocesses that are there have reported. */
  report: Promise<SetReport>;
  /** What they agreed on, as JSON; undefined until then. */
  agreed: string | undefined;
  /** Routes that reported, and what. */
  readonly reports: Map<Route, string>;
  installs: number;
  /** Nobody waited for it any longer while it was still being loaded. */
  unfinished: boolean;
}

/**
 * The Dispatcher port over links to coprocesses. Calls go to each in turn; one that is not there is skipped, and is given every set anew
 * when it is back. The sockets are the dispatcher's own; `close()` frees them, and what is open fails.
 */
export function createLinkDispatcher(options: LinkDispatcherOptions): Dispatcher {
  const settings = resolveLinkOptions(options);
  const sets = new Map<string, WantedSet>();
  /** Sets that are still being loaded, for whoever asks once more; by digest, the timers that let go of them. */
  const unfinished = new Map<string, NodeJS.Timeout>();
  const changes = new Set<() => void>();
  /** Why new revisions of bundles cannot be had, by route and bundle. */
  const problemsOfBundles = new Map<Route, Map<string, string>>();
  let bundles: ReadonlySet<string> = new Set();
  let offered: (bundle: string, revision: BundleReport) => void = () => {};
  let next = 0;

  const owner: PeerOwner = {
    *wanted() {
      for (const { set } of sets.values()) yield set;
    },
    reported(route, report) {
      const wanted = sets.get(report.digest);
      if (wanted === undefined) return true;
      const json = JSON.stringify(report);
      const fits = wanted.agreed === undefined || wanted.agreed === json;
      // The same string, so that comparing it once per call compares no letters.
      wanted.reports.set(route, fits ? (wanted.agreed ?? json) : json);
      owner.changed();
      if (fits) return true;
      settings.log(
        'error',
        'a coprocess loaded a plugin set otherwise than the others; it is not called for this set',
        {
          digest: report.digest,
          report: json,
          others: wanted.agreed,
        },
      );
      return false;
    },
    get bundles() {
      return bundles;
    },
    bundleNews(route, { bundle, offer, settled, problem }) {
      if (offer !== undefined) {
        // That one coprocess has an older one is no reason to go back to it.
        if (settled !== true || !peers.some((peer) => peer.route !== undefined && servesAll(peer.route))) {
          offered(bundle, offer);
        }
        return;
      }
      const known = problemsOfBundles.get(route) ?? new Map<string, string>();
      problemsOfBundles.set(route, known);
      if (problem === undefined) known.delete(bundle);
      else known.set(bundle, problem);
    },
    ended(route) {
      problemsOfBundles.delete(route);
      for (const { reports } of sets.values()) reports.delete(route);
    },
    changed() {
      const isServed = peers.some(({ route, draining }) => route !== undefined && !draining && servesAll(route));
      if (isServed) for (const peer of peers) peer.spare();
      for (const notice of changes) notice();
    },
  };
  const peers = options.targets.map((target) => new LinkPeer(target, settings, owner));

  async function load(wanted: WantedSet, signal: AbortSignal | undefined): Promise<SetReport> {
    const { set } = wanted;
    for (;;) {
      if (!(await until(canInstall, signal))) return refused(set, `no coprocess can be reached: ${problems()}`);
      const routes = peers.flatMap((peer) => peer.installRoutes);
      const loading = Promise.all(routes.map((route) => route.install(set)));
      const all = await Promise.race([loading, aborted(signal)]);
      if (all === undefined) {
        wanted.unfinished = true;
        return refused(set, 'the coprocesses were still loading it when the wait for them ended');
      }
      const reports = all.filter((report) => report !== undefined);
      const [first, ...others] = reports;
      if (first === undefined) continue;
      const report = others.find((other) => !isLoaded(other)) ?? first;
      if (!isLoaded(report)) return report;
      const json = JSON.stringify(first);
      if (others.some((other) => JSON.stringify(other) !== json)) {
        return refused(
          set,
          `the coprocesses disagree: ${reports.map((one) => JSON.stringify(one.hooks)).join(' and ')}`,
        );
      }
      wanted.agreed = json;
      routes.forEach((route, i) => {
        if (all[i] !== undefined) wanted.reports.set(route, json);
      });
      return report;
    }
  }

  /** Resolves with true when the condition holds, with false when the signal aborts before that. */
  function until(condition: () => boolean, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (condition()) done(true);
      };
      const abort = (): void => done(false);
      const done = (holds: boolean): void => {
        changes.delete(look);
        signal?.removeEventListener('abort', abort);
        resolve(holds);
      };
      changes.add(look);
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted === true) abort();
      else look();
    });
  }

  /** Every target was tried, and one at least can install. */
  function canInstall(): boolean {
    return peers.every((peer) => peer.tried) && peers.some((peer) => peer.installRoutes.length > 0);
  }

  /** Everything that was installed is installed on this route too. */
  function servesAll(route: Route): boolean {
    for (const { agreed, reports } of sets.values()) {
      if (agreed !== undefined && reports.get(route) !== agreed) return false;
    }
    return true;
  }

  function problems(): string {
    return peers.map((peer) => `${peer.target}: ${peer.problem}`).join('; ');
  }

  function unseen(): undefined {
    settings.log('warn', 'no coprocess says how plugin files stand: what was saved is loaded by a later reload');
  }

  function drop(digest: string): void {
    sets.delete(digest);
    for (const peer of peers) peer.uninstall(digest);
  }

  /** Another try is to go on where this one ended, and not to begin anew. */
  function leave(digest: string): void {
    sets.delete(digest);
    const timer = setTimeout(() => {
      unfinished.delete(digest);
      drop(digest);
    }, unfinishedMs);
    unfinished.set(digest, timer.unref());
  }

  function choose(wanted: WantedSet): Route | undefined {
    let spare: Route | undefined;
    for (let i = 0; i < peers.length; i++) {
      const at = (next + i) % peers.length;
      const route = peers[at]?.route;
      if (route === undefined || route.full || wanted.reports.get(route) !== wanted.agreed) continue;
      if (route.avoid()) {
        spare ??= route;
        continue;
      }
      next = at + 1;
      return route;
    }
    return spare;
  }

  function unavailable(wanted: WantedSet): PluginFailure {
    const isFull = peers.some(({ route }) => route?.full === true && wanted.reports.has(route));
    return isFull
      ? new PluginFailure(
          'OVERLOADED',
          `${settings.maxQueuedCalls} calls wait for a coprocess already (maxQueuedCalls)`,
        )
      : new PluginFailure('DRIVER_UNAVAILABLE', `no coprocess can be called: ${problems()}`);
  }

  return {
    bundles: {
      use(names) {
        if (names.symmetricDifference(bundles).size === 0) return;
        bundles = names;
        for (const peer of peers) peer.useBundles(names);
      },
      onOffer(listener) {
        offered = listener;
      },
      judge(verdict) {
        for (const peer of peers) peer.judgeBundle(verdict);
      },
      problems() {
        const all = [...problemsOfBundles.values()].flatMap((known) => [...known]);
        return new Map(all.filter(([bundle]) => bundles.has(bundle)));
      },
    },

    get available() {
      return peers.some(({ route }) => route !== undefined && servesAll(route));
    },

    async install(set, signal) {
      const known = sets.get(set.digest);
      if (known !== undefined) {
        known.installs++;
        return known.report;
      }
      const wanted: WantedSet = {
        set,
        report: Promise.resolve(refused(set, '')),
        agreed: undefined,
        reports: new Map(),
        installs: 1,
        unfinished: false,
      };
      clearTimeout(unfinished.get(set.digest));
      unfinished.delete(set.digest);
      sets.set(set.digest, wanted);
      wanted.report = load(wanted, signal).then((report) => {
        if (wanted.unfinished) leave(set.digest);
        else if (!isLoaded(report)) drop(set.digest);
        return report;
      });
      return wanted.report;
    },

    uninstall(digest) {
      const wanted = sets.get(digest);
      if (wanted !== undefined && --wanted.installs === 0) drop(digest);
    },

    async lookAtFiles(names, wait) {
      const isThere = wait === undefined ? canInstall() : await until(canInstall, wait);
      if (!isThere) return unseen();
      // One that hangs is not waited for: what it would load is what the others have, or it is not called.
      const patience = AbortSignal.timeout(lookMs);
      const routes = peers.flatMap((peer) => peer.installRoutes);
      const looks = await Promise.all(
        routes.map((route) => Promise.race([route.lookAtFiles(names), aborted(patience)])),
      );
      return together(looks.filter((look) => look !== undefined)) ?? unseen();
    },

    dispatch(run, call) {
      const hooks = run.hooks.length;
      if (call.cancellation.cancelled) {
        return failedRun(hooks, new PluginFailure('CANCELLED', 'the client went away'));
      }
      const wanted = sets.get(run.digest);
      if (wanted === undefined) {
        return failedRun(hooks, new PluginFailure('HOOK_UNKNOWN', `the plugin set ${run.digest} is not installed`));
      }
      const route = choose(wanted);
      return route === undefined ? failedRun(hooks, unavailable(wanted)) : route.send(run, call);
    },

    async close() {
      for (const timer of unfinished.values()) clearTimeout(timer);
      for (const peer of peers) peer.close();
    },
  };
}

/** What several coprocesses say: the same as one, where all have the same files. */
function together(looks: readonly PluginFileStamps[]): PluginFileStamps | undefined {
  const [first, ...others] = looks;
  if (first === undefined || others.length === 0) return first;
  const all = (stamps: readonly string[]): string => [...new Set(stamps)].sort().join('|');
  const files = first.files.map((stamp, i) => all([stamp, ...others.map((other) => other.files[i] ?? '')]));
  return { files, beside: all(looks.map(({ beside }) => beside)) };
}

/** How long a set goes on being loaded that nobody waits for, in milliseconds: a gateway tries again after a second. */
const unfinishedMs = 30_000;

/** Longest wait for what a coprocess says of its files, in milliseconds. */
const lookMs = 5_000;

function aborted(signal: AbortSignal | undefined): Promise<undefined> {
  return new Promise((resolve) => {
    signal?.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

function refused(set: PluginSet, reason: string): SetReport {
  return { digest: set.digest, hooks: set.hooks.map(() => ({ ready: false, reason })), refused: reason };
}
