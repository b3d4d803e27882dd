import { setSourceMapsSupport } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { HookAnswer } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import { PluginFailure } from '../../contract/failure.ts';
import type { HookReport, HookSpec, PluginSet } from '../../contract/plugin-set.ts';
import type { Hook } from '../../sdk/hook.ts';
import type { HookConstants, HookContext } from '../../sdk/runtime/context.ts';
import { type Answer, AnswerError, runHook } from '../../sdk/runtime/run.ts';
import type { Host, LoadedHooks } from '../driver.ts';
import { toHookAnswer } from '../guest/index.ts';
import type { Bundle } from './build.ts';
import { findHook } from './check-hook.ts';
import { StateCall } from './hook-call.ts';
import { describeThrown } from './thrown.ts';

interface TrustedHook {
  readonly hook: Hook;
  readonly constants: HookConstants;
}

/** Import the bundled modules of trusted hooks into this very process. */
export async function loadTrusted(
  set: PluginSet,
  hooks: readonly HookSpec[],
  bundle: Bundle,
  folder: string,
  host: Host,
): Promise<LoadedHooks> {
  // Before the import: maps of modules that are loaded already are not looked for.
  setSourceMapsSupport(true);
  const loaded: (TrustedHook | undefined)[] = [];
  const reports = await Promise.all(
    hooks.map(async (spec): Promise<HookReport> => {
      const built = bundle.modules.get(spec.path);
      if (built === undefined || 'reason' in built)
        return { ready: false, reason: built?.reason ?? 'it was not built' };
      try {
        const found = findHook(await import(pathToFileURL(built.file).href), spec);
        if ('hook' in found) loaded[spec.index] = { hook: found.hook, constants: constantsOf(set, spec, host) };
        return found.report;
      } catch (error) {
        return { ready: false, reason: `${spec.path} failed while loading: ${describeThrown(error, folder).message}` };
      }
    }),
  );
  return new TrustedHooks(loaded, reports, folder, host);
}

class TrustedHooks implements LoadedHooks {
  readonly reports: readonly HookReport[];
  /** By hook index. */
  private readonly hooks: readonly (TrustedHook | undefined)[];
  private readonly folder: string;
  private readonly host: Host;

  constructor(hooks: readonly (TrustedHook | undefined)[], reports: readonly HookReport[], folder: string, host: Host) {
    this.hooks = hooks;
    this.reports = reports;
    this.folder = folder;
    this.host = host;
  }

  run(spec: HookSpec, call: HookCall): HookAnswer | Promise<HookAnswer> {
    const trusted = this.hooks[spec.index];
    if (trusted === undefined) throw new PluginFailure('HOOK_UNKNOWN', `hook "${spec.name}" is not loaded`);
    try {
      const { context, answer } = runHook(trusted.hook, trusted.constants, new StateCall(call));
      if (answer instanceof Promise) return this.settled(spec, call, context, answer);
      return toHookAnswer(answer.members, answer.parts);
    } catch (error) {
      throw this.failed(spec, error);
    }
  }

  async close(): Promise<void> {}

  /** The answer, or the failure, or the end of the wait: whichever comes first. */
  private settled(spec: HookSpec, call: HookCall, context: HookContext, answer: Promise<Answer>): Promise<HookAnswer> {
    return new Promise((resolve, reject) => {
      const giveUp = (failure: PluginFailure): void => {
        stop();
        context.cancel(failure.message);
        reject(failure);
      };
      const waitMs = Math.max(0, call.deadlineMs - performance.now());
      const timer = setTimeout(() => {
        giveUp(
          new PluginFailure('HOOK_TIMED_OUT', `hook "${spec.name}" did not answer within ${Math.round(waitMs)} ms`),
        );
      }, waitMs);
      const stopListening = call.cancellation.onCancel(() => {
        giveUp(new PluginFailure('CANCELLED', 'the client went away'));
      });
      const stop = (): void => {
        clearTimeout(timer);
        stopListening();
      };
      answer
        .then(({ members, parts }) => resolve(toHookAnswer(members, parts)))
        .catch((error) => reject(this.failed(spec, error)))
        .finally(stop);
    });
  }

  private failed(spec: HookSpec, error: unknown): PluginFailure {
    if (error instanceof PluginFailure) return error;
    const { message, stack } = describeThrown(error, this.folder);
    if (stack !== undefined) this.host.log('error', message, { hook: spec.name, stack });
    return new PluginFailure(error instanceof AnswerError ? 'REPLY_INVALID' : 'HOOK_THREW', message);
  }
}

function constantsOf(set: PluginSet, { name }: HookSpec, host: Host): HookConstants {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: Record<string, unknown>) =>
    host.log(level, String(message), { ...fields, hook: name, apiId: set.apiId });
  return {
    apiId: set.apiId,
    orgId: set.orgId,
    config: set.configData ?? {},
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    ask: (service, args) => host.request(service, args),
  };
}
