import type { HookOutcome } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import type { PluginFileStamps } from '../../contract/plugin-files.ts';
import type { PluginSet, SetReport } from '../../contract/plugin-set.ts';
import type { HookRun } from './dispatcher.ts';

/** What calls can be sent over: a stream attached to a coprocess, or a plain plugin server. */
export interface Route {
  /** Load a set, once. Resolves with undefined when the route ends before the report. */
  install(set: PluginSet): Promise<SetReport | undefined>;
  uninstall(digest: string): void;
  /** How plugin files stand there; undefined when nobody says so. */
  lookAtFiles(names: readonly string[]): Promise<PluginFileStamps | undefined>;
  /** Send a call of a set that is installed here. Never rejects. */
  send(run: HookRun, call: HookCall): Promise<readonly HookOutcome[]> | readonly HookOutcome[];
  /** No more calls are taken now. */
  readonly full: boolean;
  /** Whether another route is to be preferred for the next call: what this one was asked is not answered. */
  avoid(): boolean;
  /** Take no more calls, and end when those that are open have ended. */
  leave(): void;
  /** End now; what is open fails. */
  end(error?: Error): void;
}
