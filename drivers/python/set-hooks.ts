import type { HookAnswer } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import { PluginFailure } from '../../contract/failure.ts';
import type { HookReport, HookSpec, PluginSet } from '../../contract/plugin-set.ts';
import type { Host, LoadedHooks } from '../driver.ts';
import { type CallNeeds, toGuestCall } from '../guest/hook-call.ts';
import { readAnswer } from './answer.ts';
import type { SharedGuest } from './shared-guest.ts';

/** The hooks of one plugin set, in a guest that they may share with others. */
export class SetHooks implements LoadedHooks {
  reports: readonly HookReport[] = [];
  private readonly shared: SharedGuest;
  private readonly host: Host;
  private needs: CallNeeds = { requestBody: true, responseBody: true, session: 'json' };
  private readonly release: () => Promise<void>;
  /** By index: the hook as the guest knows it. */
  private readonly entries: (HookSpec | undefined)[] = [];

  constructor(shared: SharedGuest, host: Host, release: () => Promise<void>) {
    this.shared = shared;
    this.host = host;
    this.release = release;
    shared.attach(host);
  }

  /** @throws {PluginFailure} when the guest does not start. */
  async load(set: PluginSet, hooks: readonly HookSpec[], missing: 'refuse' | 'failCalls'): Promise<void> {
    const { session, problems } = await this.shared.probe(hooks);
    // The contract shows hooks everything.
    this.needs = { requestBody: true, responseBody: true, session };
    this.reports = hooks.map((hook, i): HookReport => {
      const reason = problems[i] ?? undefined;
      if (reason !== undefined && missing === 'refuse') return { ready: false, reason };
      if (reason !== undefined) {
        this.host.log(
          'warn',
          `python hook "${hook.name}" of ${set.apiId} cannot run, its requests will fail: ${reason}`,
        );
      }
      this.entries[hook.index] = { ...hook, index: this.shared.add(set, hook) };
      return { ready: true, body: 'buffered', requestBody: hook.type === 'response' };
    });
  }

  async run(hook: HookSpec, call: HookCall): Promise<HookAnswer> {
    const entry = this.entries[hook.index];
    if (entry === undefined) throw new PluginFailure('HOOK_UNKNOWN', `hook "${hook.name}" is not loaded`);
    if (call.request.notUtf8 || call.response?.notUtf8) {
      throw new PluginFailure(
        'CALL_UNSENDABLE',
        'a header, the path or the query is not UTF-8, which Python hooks get as text',
      );
    }
    return readAnswer(hook, call, await this.shared.guest.call(toGuestCall(entry, call, this.needs)));
  }

  async close(): Promise<void> {
    const numbers = this.entries.flatMap((entry) => (entry === undefined ? [] : [entry.index]));
    this.shared.detach(this.host, numbers);
    await this.release();
  }
}
