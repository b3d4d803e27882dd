import { performance } from 'node:perf_hooks';
import type { HookAnswer, HookOutcome, HookTiming } from '../contract/answer.ts';
import type { BundleNews, BundleUser } from '../contract/bundle-news.ts';
import type { HookCall } from '../contract/call.ts';
import { PluginFailure } from '../contract/failure.ts';
import type { PluginFileStamps } from '../contract/plugin-files.ts';
import {
  type BundleReport,
  type HookReport,
  type HookSpec,
  isLoaded,
  type PluginSet,
  type SetReport,
} from '../contract/plugin-set.ts';
import { type ContractOptions, defaultContractOptions } from '../contract/request-state.ts';
import { failedRun, type RunHook, runHooks } from '../contract/run-hooks.ts';
import type { Driver, Host, LoadedHooks } from '../drivers/driver.ts';
import { PluginFiles } from './plugin-files.ts';

export interface CoprocessOptions {
  readonly drivers: readonly Driver[];
  /** What drivers may ask; `forSet` gives the hooks of one set a host of their own. */
  readonly host: Host & { forSet?(digest: string): Host };
  readonly contract?: ContractOptions;
  /** Where names of plugin files are looked up. @default none */
  readonly pluginsFolders?: readonly string[];
  /** Where bundles come from; without it sets with a bundle are refused. */
  readonly bundles?: Bundles;
}

/** Fetches, verifies and unpacks bundles; those that are there already it checks. */
export interface Bundles {
  /**
   * The last good revision of a bundle, or the one of a digest where it can be had.
   * @throws {Error} that says why the bundle cannot be had.
   */
  open(name: string, digest?: string): Promise<OpenBundle>;
  /** A folder is in use: it stays until it was released as often as it was held. */
  hold(folder: string): void;
  release(folder: string): void;
  /** Be told of new revisions of the bundles that one uses. */
  watch(tell: (news: BundleNews) => void): BundleUser;
  /** Give up what is being fetched. */
  close(): void;
}

/** A bundle on disk, and what its manifest says. */
export interface OpenBundle extends BundleReport {
  readonly folder: string;
}

/** The plugin sets that are installed, and the drivers that run them. Knows no HTTP and no link. */
export interface Coprocess {
  readonly drivers: readonly string[];
  /**
   * Load a set, once: a second install of the same digest shares the first, by count. A set that is refused is not installed, and
   * is loaded anew when it is asked for again. Never rejects.
   */
  install(set: PluginSet): Promise<SetReport>;
  /** Let go of one install; the last one closes the set when its calls have ended. */
  uninstall(digest: string): void;
  /**
   * Run consecutive hooks of an installed set: see `Dispatcher.dispatch` in gateway/dispatch. Answers at once when the drivers do.
   * Never rejects.
   */
  run(
    digest: string,
    hooks: readonly number[],
    call: HookCall,
  ): Promise<readonly HookOutcome[]> | readonly HookOutcome[];
  /** How plugin files stand, by the names that hooks have for them. Never rejects. */
  lookAtFiles(names: readonly string[]): Promise<PluginFileStamps>;
  /** Be told of new revisions of the bundles that one uses: see {@link Bundles}. */
  watchBundles(tell: (news: BundleNews) => void): BundleUser;
  close(): Promise<void>;
}

interface InstalledSet {
  readonly hooks: readonly HookSpec[];
  readonly report: SetReport;
  readonly runHook: RunHook;
  calls: number;
  installs: number;
  readonly close: () => Promise<void>;
}

export function createCoprocess(options: CoprocessOptions): Coprocess {
  const contract = options.contract ?? defaultContractOptions;
  const drivers = new Map<string, Driver>();
  for (const driver of options.drivers) for (const name of driver.names) drivers.set(name, driver);
  const sets = new Map<string, InstalledSet>();
  const loading = new Map<string, Promise<SetReport>>();
  const closing = new Set<Promise<void>>();
  const files = new PluginFiles(options.pluginsFolders ?? []);

  async function load(set: PluginSet): Promise<SetReport> {
    if (set.bundle === undefined) return loadHooks(set, undefined);
    try {
      if (options.bundles === undefined) throw new Error('this coprocess has no place for bundles');
      const bundle = await options.bundles.open(set.bundle, set.bundleDigest);
      if (set.bundleDigest !== undefined && set.bundleDigest !== bundle.digest) {
        throw new Error(
          'it is not the one whose hooks were asked for: it has been replaced, or differs between coprocesses',
        );
      }
      return await loadHooks(set, bundle);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { digest: set.digest, hooks: [], refused: `bundle "${set.bundle}": ${reason}` };
    }
  }

  async function loadHooks(set: PluginSet, bundle: OpenBundle | undefined): Promise<SetReport> {
    const loaded: (LoadedHooks | undefined)[] = set.hooks.map(() => undefined);
    const reports: HookReport[] = set.hooks.map((hook) => ({
      ready: false,
      reason: `the driver "${hook.driver}" is unknown; known are ${[...drivers.keys()].join(', ')}`,
    }));
    const byDriver = Map.groupBy(
      set.hooks.filter((hook) => drivers.has(hook.driver)),
      (hook) => drivers.get(hook.driver) as Driver,
    );
    const opened: LoadedHooks[] = [];
    if (bundle !== undefined) options.bundles?.hold(bundle.folder);
    await Promise.all(
      [...byDriver].map(async ([driver, hooks]) => {
        try {
          const room = await driver.load(set, hooks, options.host.forSet?.(set.digest) ?? options.host, bundle?.folder);
          opened.push(room);
          hooks.forEach((hook, i) => {
            loaded[hook.index] = room;
            reports[hook.index] = room.reports[i] as HookReport;
          });
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          for (const hook of hooks) reports[hook.index] = { ready: false, reason };
        }
      }),
    );
    const report: SetReport = {
      digest: set.digest,
      hooks: reports,
      ...(bundle && { bundle: { digest: bundle.digest, customMiddleware: bundle.customMiddleware } }),
    };
    const close = async (): Promise<void> => {
      try {
        await Promise.all(opened.map((room) => room.close()));
      } finally {
        if (bundle !== undefined) options.bundles?.release(bundle.folder);
      }
    };
    const runHook: RunHook = (hook, call) => runLoaded(loaded[hook.index], hook, call);
    const installed = { hooks: set.hooks, report, runHook, calls: 0, installs: 1, close };
    // A set without hooks asks what its bundle is now: nothing of it needs to be kept.
    if (isLoaded(report) && set.hooks.length > 0) sets.set(set.digest, installed);
    else closeSet(installed);
    return report;
  }

  function closeSet(set: InstalledSet): void {
    const closed = set
      .close()
      .catch((error: unknown) => {
        options.host.log('warn', 'a plugin set did not close cleanly', {
          digest: set.report.digest,
          error: String(error),
        });
      })
      .finally(() => closing.delete(closed));
    closing.add(closed);
  }

  return {
    drivers: [...drivers.keys()],

    async install(set) {
      const known = sets.get(set.digest);
      if (known !== undefined) {
        known.installs++;
        return known.report;
      }
      const pending = loading.get(set.digest);
      if (pending !== undefined) {
        const report = await pending;
        const installed = sets.get(set.digest);
        if (installed !== undefined) installed.installs++;
        return report;
      }
      const load_ = load(set).finally(() => loading.delete(set.digest));
      loading.set(set.digest, load_);
      return load_;
    },

    uninstall(digest) {
      const set = sets.get(digest);
      if (set === undefined || --set.installs > 0) return;
      sets.delete(digest);
      if (set.calls === 0) closeSet(set);
    },

    run(digest, hooks, call) {
      const set = sets.get(digest);
      if (set === undefined) {
        const failure = new PluginFailure('HOOK_UNKNOWN', `the plugin set ${digest} is not installed here`);
        return failedRun(hooks.length, failure);
      }
      const outcomes = runHooks(set.hooks, hooks, call, contract, set.runHook);
      if (!(outcomes instanceof Promise)) return outcomes;
      set.calls++;
      return outcomes.finally(() => {
        if (--set.calls === 0 && set.installs === 0) closeSet(set);
      });
    },

    lookAtFiles: (names) => files.look(names),
    watchBundles: (tell) => options.bundles?.watch(tell) ?? { use() {}, judge() {}, close() {} },

    async close() {
      options.bundles?.close();
      for (const set of sets.values()) closeSet(set);
      sets.clear();
      await Promise.all(closing);
      await Promise.all(options.drivers.map((driver) => driver.close()));
    },
  };
}

function runLoaded(
  loaded: LoadedHooks | undefined,
  hook: HookSpec,
  call: HookCall,
): HookOutcome | Promise<HookOutcome> {
  const began = performance.now();
  try {
    if (loaded === undefined) throw new PluginFailure('HOOK_UNKNOWN', `hook "${hook.name}" is not loaded`);
    if (call.cancellation.cancelled) throw new PluginFailure('CANCELLED', 'the client went away');
    const deadlineMs = Math.min(call.deadlineMs, began + hook.timeoutMs);
    if (deadlineMs <= began) throw new PluginFailure('HOOK_TIMED_OUT', 'the deadline had passed before the hook began');
    const answer = loaded.run(hook, deadlineMs === call.deadlineMs ? call : { ...call, deadlineMs });
    return answer instanceof Promise ? answeredLater(answer, began) : answered(answer, began);
  } catch (error) {
    return threw(error, began);
  }
}

async function answeredLater(answer: Promise<HookAnswer>, began: number): Promise<HookOutcome> {
  try {
    return answered(await answer, began);
  } catch (error) {
    return threw(error, began);
  }
}

function answered(answer: HookAnswer, began: number): HookOutcome {
  return { answer, timing: timingSince(began, answer.timing) };
}

function threw(error: unknown, began: number): HookOutcome {
  return { failure: PluginFailure.from(error), timing: timingSince(began, undefined) };
}

function timingSince(began: number, known: Partial<HookTiming> | undefined): HookTiming {
  const totalUs = Math.round((performance.now() - began) * 1000);
  const queueUs = known?.queueUs ?? 0;
  const wireUs = known?.wireUs ?? 0;
  return { queueUs, wireUs, runUs: known?.runUs ?? Math.max(0, totalUs - queueUs - wireUs) };
}
