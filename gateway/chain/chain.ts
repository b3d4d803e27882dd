import type { HookReport, HookType, SetReport } from '../../contract/plugin-set.ts';
import type { Api, ApiHook } from '../definitions/api.ts';
import type { HookRun } from '../dispatch/dispatcher.ts';
import { narrowing, splitAtConditions } from './conditions.ts';
import { type ChainRun, isScript } from './hooks.ts';

/** Hooks of these phases, as few runs as their conditions allow. */
export function runsOf(api: Api, report: SetReport, phases: readonly HookType[]): readonly ChainRun[] {
  return splitAtConditions(hooksOf(api, phases)).map((hooks) => conditionalRun(report, hooks));
}

/** The response hooks as one run; undefined when there are none. Their conditions look at the request, which none of them changes. */
export function responseRun(api: Api, report: SetReport): ChainRun | undefined {
  const hooks = hooksOf(api, ['response']);
  return hooks.length === 0 ? undefined : conditionalRun(report, hooks);
}

/** A run of hooks, each of which runs when its condition holds. */
export function conditionalRun(report: SetReport, hooks: readonly ApiHook[]): ChainRun {
  const narrow = narrowing(hooks, (wanted) => chainRun(report, wanted));
  const run = chainRun(report, hooks);
  return narrow === undefined ? run : { ...run, narrow };
}

function hooksOf(api: Api, phases: readonly HookType[]): readonly ApiHook[] {
  return phases.flatMap((phase) => api.plugins.hooks.filter((hook) => hook.type === phase));
}

function chainRun(report: SetReport, hooks: readonly ApiHook[]): ChainRun {
  const run: HookRun = { digest: report.digest, hooks: hooks.map((hook) => hook.index) };
  return {
    run,
    hooks,
    readsBody: hooks.some((hook) => readsRequestBody(hook, report.hooks[hook.index])),
    readsResponse: hooks[0]?.type === 'response' && hooks.some((hook) => readsResponseBody(report.hooks[hook.index])),
    timeoutMs: hooks.reduce((sum, hook) => sum + hook.timeoutMs, 0),
    seesSession: hooks.some((hook) => hook.type !== 'pre' && hook.type !== 'auth'),
    seesSessionJson: hooks.some((hook) => isScript(hook) && (hook.requireSession || hook.type === 'response')),
  };
}

function readsResponseBody(report: HookReport | undefined): boolean {
  return report?.ready !== true || report.body === 'buffered';
}

/** What a definition says of a hook's body wins over what the hook says itself. */
function readsRequestBody(hook: ApiHook, report: HookReport | undefined): boolean {
  if (report?.ready !== true) return false;
  if (hook.type === 'response') return report.requestBody === true;
  return (hook.body ?? report.body) === 'buffered';
}
