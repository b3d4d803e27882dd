import type { HookAnswer } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import { PluginFailure } from '../../contract/failure.ts';
import type { HookReport, HookSpec } from '../../contract/plugin-set.ts';
import type { LoadedHooks } from '../driver.ts';
import { type CallNeeds, toGuestCall } from '../guest/hook-call.ts';
import type { Guest, GuestLoaded } from '../guest/index.ts';
import { readAnswer } from './answer.ts';

/** The hooks of one plugin set, in a guest of their own. */
export class LuaHooks implements LoadedHooks {
  readonly reports: readonly HookReport[];
  private readonly guest: Guest;
  /** By hook index. */
  private readonly needs: (CallNeeds | undefined)[] = [];

  constructor(guest: Guest, hooks: readonly HookSpec[], { reports, session }: GuestLoaded) {
    this.guest = guest;
    this.reports = hooks.map((hook, i): HookReport => {
      const report = reports[i] ?? { ready: false, reason: 'the guest did not report on this hook' };
      if (!report.ready) return report;
      const readsBodies = report.body === 'buffered';
      const ofResponse = hook.type === 'response';
      this.needs[hook.index] = { requestBody: readsBodies, responseBody: readsBodies && ofResponse, session };
      // A response hook's Object holds the request too.
      return ofResponse ? { ...report, requestBody: readsBodies } : report;
    });
  }

  async run(hook: HookSpec, call: HookCall): Promise<HookAnswer> {
    const needs = this.needs[hook.index];
    if (needs === undefined) throw new PluginFailure('HOOK_UNKNOWN', `hook "${hook.name}" is not loaded`);
    return readAnswer(hook.type, call, await this.guest.call(toGuestCall(hook, call, needs)));
  }

  close(): Promise<void> {
    return this.guest.close();
  }
}
