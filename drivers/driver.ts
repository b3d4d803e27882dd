import type { HookAnswer } from '../contract/answer.ts';
import type { HookCall } from '../contract/call.ts';
import type { HookReport, HookSpec, PluginSet } from '../contract/plugin-set.ts';

/**
 * What a language must offer to be hosted. The coprocess hands a driver the hooks of a plugin set that name it, and calls
 * them one at a time per request; concurrency over requests is the driver's own affair.
 */
export interface Driver {
  /** As it stands in definitions: `grpc`, `typescript`, `python`, ... */
  readonly names: readonly string[];
  /**
   * Load hooks. A hook that cannot be loaded is reported, not thrown: the set is refused, with every reason at once.
   * A server or guest that cannot be reached now is not a load failure. `bundleFolder` is where the files of the set's bundle are;
   * a set without a bundle has none.
   */
  load(set: PluginSet, hooks: readonly HookSpec[], host: Host, bundleFolder?: string): Promise<LoadedHooks>;
  close(): Promise<void>;
}

/** The hooks of one plugin set in one driver. */
export interface LoadedHooks {
  /** One report per hook, in the order of `load`. */
  readonly reports: readonly HookReport[];
  /**
   * Run a hook. May answer at once or later.
   * @throws {PluginFailure} or rejects with one; anything else thrown counts as `HOOK_THREW`.
   */
  run(hook: HookSpec, call: HookCall): HookAnswer | Promise<HookAnswer>;
  /** Called once, after the last call has ended. */
  close(): Promise<void>;
}

/** What the coprocess offers to drivers. */
export interface Host {
  /** Ask the gateway for a service: `storage.get`, `keys.get`, `events.trigger`, ... Rejects when there is no gateway to ask. */
  request(service: string, args: unknown): Promise<unknown>;
  readonly log: HostLog;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type HostLog = (level: LogLevel, message: string, fields?: Record<string, unknown>) => void;
