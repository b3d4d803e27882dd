import type { HookOutcome } from '../../contract/answer.ts';
import type { BundleNews, BundleUser } from '../../contract/bundle-news.ts';
import type { HookCall } from '../../contract/call.ts';
import { CallTable } from '../../contract/call-table.ts';
import { Cancellation } from '../../contract/cancellation.ts';
import { DeadlineTimer } from '../../contract/deadline-timer.ts';
import { PluginFailure } from '../../contract/failure.ts';
import type { PluginFileStamps } from '../../contract/plugin-files.ts';
import type { BundleReport, PluginSet, SetReport } from '../../contract/plugin-set.ts';
import { failedRun } from '../../contract/run-hooks.ts';
import { type Dispatcher, driverGraceMs, type HookRun } from './dispatcher.ts';

/** What the dispatcher needs of a coprocess in this process. */
export interface LocalCoprocess {
  install(set: PluginSet): Promise<SetReport>;
  uninstall(digest: string): void;
  lookAtFiles(names: readonly string[]): Promise<PluginFileStamps>;
  run(
    digest: string,
    hooks: readonly number[],
    call: HookCall,
  ): Promise<readonly HookOutcome[]> | readonly HookOutcome[];
  watchBundles(tell: (news: BundleNews) => void): BundleUser;
}

/**
 * The Dispatcher port as function calls into a coprocess in this process. The coprocess stays its owner's: `close()` ends what is open
 * here, not the coprocess.
 */
export function createInProcessDispatcher(coprocess: LocalCoprocess): Dispatcher {
  const open = new CallTable<OpenCall>();
  let lastId = 0;
  const deadlines = new DeadlineTimer(
    (nowMs) => {
      let earliestMs = Number.POSITIVE_INFINITY;
      for (const call of open.values()) {
        if (call.deadlineMs <= nowMs) call.end('HOOK_TIMED_OUT', 'the hooks had not answered at their deadline');
        else if (call.deadlineMs < earliestMs) earliestMs = call.deadlineMs;
      }
      return earliestMs;
    },
    { graceMs: driverGraceMs, held: true },
  );

  const problems = new Map<string, string>();
  let offered: (bundle: string, revision: BundleReport) => void = () => {};
  const user = coprocess.watchBundles(({ bundle, offer, problem }) => {
    if (offer !== undefined) offered(bundle, offer);
    else if (problem !== undefined) problems.set(bundle, problem);
    else problems.delete(bundle);
  });

  return {
    bundles: {
      use(bundles) {
        for (const bundle of problems.keys()) if (!bundles.has(bundle)) problems.delete(bundle);
        user.use(bundles);
      },
      onOffer(listener) {
        offered = listener;
      },
      judge: (verdict) => user.judge(verdict),
      problems: () => problems,
    },
    available: true,
    install: (set) => coprocess.install(set),
    uninstall: (digest) => coprocess.uninstall(digest),
    lookAtFiles: (names) => coprocess.lookAtFiles(names),

    dispatch(run, call) {
      if (call.cancellation.cancelled) return failedRun(run.hooks.length, clientGone());
      // The hooks' own: they are told of the deadline as well, after which the request may go on.
      const cancellation = new Cancellation();
      const { request, response, session, sessionJson, metadata, deadlineMs, trace } = call;
      const outcomes = coprocess.run(run.digest, run.hooks, {
        request,
        response,
        session,
        sessionJson,
        metadata,
        deadlineMs,
        cancellation,
        trace,
      });
      if (!(outcomes instanceof Promise)) return outcomes;
      if (call.cancellation.cancelled) {
        cancellation.cancel();
        return failedRun(run.hooks.length, clientGone());
      }
      deadlines.watch(deadlineMs);
      return new OpenCall(open, ++lastId, run, call, cancellation).until(outcomes);
    },

    async close() {
      user.close();
      deadlines.stop();
      for (const call of open.values()) call.end('DRIVER_UNAVAILABLE', 'the gateway is closing');
    },
  };
}

/** A call that did not answer at once. */
class OpenCall {
  readonly deadlineMs: number;
  private readonly open: CallTable<OpenCall>;
  private readonly id: number;
  private readonly run: HookRun;
  private readonly cancellation: Cancellation;
  private readonly stopListening: () => void;
  private resolve!: (outcomes: readonly HookOutcome[]) => void;

  constructor(open: CallTable<OpenCall>, id: number, run: HookRun, call: HookCall, cancellation: Cancellation) {
    this.open = open;
    this.id = id;
    this.run = run;
    this.deadlineMs = call.deadlineMs;
    this.cancellation = cancellation;
    open.set(id, this);
    this.stopListening = call.cancellation.onCancel(() => this.end('CANCELLED', 'the client went away'));
  }

  until(outcomes: Promise<readonly HookOutcome[]>): Promise<readonly HookOutcome[]> {
    return new Promise((resolve) => {
      this.resolve = resolve;
      void outcomes.then((value) => {
        if (this.open.take(this.id) === undefined) return;
        this.stopListening();
        resolve(value);
      });
    });
  }

  end(reason: 'HOOK_TIMED_OUT' | 'CANCELLED' | 'DRIVER_UNAVAILABLE', message: string): void {
    if (this.open.take(this.id) === undefined) return;
    this.stopListening();
    this.resolve(failedRun(this.run.hooks.length, new PluginFailure(reason, message)));
    this.cancellation.cancel();
  }
}

function clientGone(): PluginFailure {
  return new PluginFailure('CANCELLED', 'the client went away');
}
