import type { HookOutcome } from '../../contract/answer.ts';
import type { BundleVerdict } from '../../contract/bundle-news.ts';
import type { HookCall } from '../../contract/call.ts';
import type { PluginFileStamps } from '../../contract/plugin-files.ts';
import type { BundleReport, PluginSet, SetReport } from '../../contract/plugin-set.ts';

/**
 * Where hooks run, as the gateway sees it: a coprocess in this process, or one or several at the end of a link. The code above this
 * port is the same for both.
 */
export interface Dispatcher {
  /**
   * Load a plugin set everywhere. Resolves with what the coprocesses report; when several disagree, the set counts as refused.
   * Waits for a coprocess that is not there yet until `signal` aborts.
   */
  install(set: PluginSet, signal?: AbortSignal): Promise<SetReport>;
  /** Let go of a plugin set; calls that still use it end first. */
  uninstall(digest: string): void;
  /**
   * How plugin files stand, as coprocesses see them; undefined when none can say so in time. Waits for a coprocess that is not there yet
   * until `wait` aborts; without it, not at all.
   */
  lookAtFiles(names: readonly string[], wait?: AbortSignal): Promise<PluginFileStamps | undefined>;
  /**
   * Run consecutive hooks of an installed set: each sees the edits of the one before it. Resolves with one outcome for each hook that
   * ran; a failure, or an answer that ends the request, is the last one. Never rejects.
   */
  dispatch(run: HookRun, call: HookCall): Promise<readonly HookOutcome[]> | readonly HookOutcome[];
  /** New revisions of bundles, where coprocesses look for them. */
  readonly bundles: BundleWatch;
  /** Whether calls can be made now; readiness tells. */
  readonly available: boolean;
  close(): Promise<void>;
}

/** New revisions of bundles, as coprocesses find them. */
export interface BundleWatch {
  /** All bundles in use from now on. */
  use(bundles: ReadonlySet<string>): void;
  /** Be told of revisions that are to be tried; each is to be judged. One listener. */
  onOffer(listener: (bundle: string, revision: BundleReport) => void): void;
  judge(verdict: BundleVerdict): void;
  /** Why what the server of a bundle has is not used, or cannot be had. */
  problems(): ReadonlyMap<string, string>;
}

/** A run of consecutive hooks of one plugin set. Made once per API revision and phase, and compared by identity. */
export interface HookRun {
  readonly digest: string;
  /** Indexes into `PluginSet.hooks`. */
  readonly hooks: readonly number[];
}

/**
 * How long after a deadline it is enforced, in milliseconds: the driver's own report of the same timeout, which knows more, may still
 * be on its way. It is also the shortest time between two looks, so that many deadlines close together cost one look.
 */
export const driverGraceMs = 10;
