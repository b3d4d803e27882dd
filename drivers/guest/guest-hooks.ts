import type { HookAnswer } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import { PluginFailure } from '../../contract/failure.ts';
import type { HookReport, HookSpec, PluginSet } from '../../contract/plugin-set.ts';
import type { LoadedHooks } from '../driver.ts';
import type { Guest } from './guest.ts';
import { toHookAnswer } from './hook-answer.ts';
import { type CallNeeds, toCallNeeds, toGuestCall } from './hook-call.ts';
import type { GuestLoaded } from './loaded.ts';

/** Members of the `load` message: the set that the guest is for, and its hooks with what a driver adds to them. */
export function loadMembers(set: PluginSet, hooks: readonly HookSpec[], add: (hook: HookSpec) => object): object {
  const { digest, apiId, orgId, configData = {} } = set;
  return {
    set: { digest, apiId, orgId, config: configData },
    hooks: hooks.map((hook) => ({
      index: hook.index,
      type: hook.type,
      name: hook.name,
      path: hook.path,
      rawBodyOnly: hook.rawBodyOnly,
      requireSession: hook.requireSession,
      ...add(hook),
    })),
  };
}

/** How many guests the definition asks for. */
export function instancesOf(hooks: readonly HookSpec[]): number {
  return Math.max(1, ...hooks.map((hook) => hook.instances ?? 1));
}

/** Hooks of one plugin set that run in one guest, or in several that look like one. */
export class GuestHooks implements LoadedHooks {
  readonly reports: readonly HookReport[];
  private readonly guest: Guest;
  /** By hook index. */
  private readonly needs: (CallNeeds | undefined)[] = [];

  constructor(guest: Guest, hooks: readonly HookSpec[], loaded: GuestLoaded) {
    this.guest = guest;
    this.reports = hooks.map(
      (_, i) => loaded.reports[i] ?? { ready: false, reason: 'the guest did not report on this hook' },
    );
    for (const [i, hook] of hooks.entries()) {
      const report = this.reports[i];
      if (report?.ready) this.needs[hook.index] = toCallNeeds(hook, report.body, loaded.session);
    }
  }

  async run(hook: HookSpec, call: HookCall): Promise<HookAnswer> {
    const needs = this.needs[hook.index];
    if (needs === undefined) throw new PluginFailure('HOOK_UNKNOWN', `hook "${hook.name}" is not loaded`);
    const { message, parts, timing } = await this.guest.call(toGuestCall(hook, call, needs));
    return toHookAnswer(message, parts, timing);
  }

  close(): Promise<void> {
    return this.guest.close();
  }
}

/** When the guest of a set does not come up, none of its hooks can be ready. */
export function notReady(hooks: readonly HookSpec[], error: unknown): LoadedHooks {
  const reason = error instanceof Error ? error.message : String(error);
  return {
    reports: hooks.map(() => ({ ready: false, reason })),
    run: (hook) => Promise.reject(new PluginFailure('HOOK_UNKNOWN', `hook "${hook.name}" is not loaded`)),
    close: async () => {},
  };
}
