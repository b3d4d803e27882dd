import type { HookReport, HookSpec, HookType, SetReport } from '../../contract/plugin-set.ts';
import type { Api } from '../definitions/api.ts';
import type { HookRun } from '../dispatch/dispatcher.ts';
import type { ChainRun } from './hooks.ts';

/** The order in which phases run. What stands between two phases in the gateway separates their hooks into runs. */
export const requestPhases: readonly HookType[] = ['pre', 'auth', 'postKeyAuth', 'post'];

/** Hooks of these phases as one run; undefined when there are none. */
export function runOf(api: Api, report: SetReport, phases: readonly HookType[]): ChainRun | undefined {
  const hooks = phases.flatMap((phase) => api.plugins.hooks.filter((hook) => hook.type === phase));
  return hooks.length === 0 ? undefined : chainRun(report, hooks);
}

export function chainRun(report: SetReport, hooks: readonly HookSpec[]): ChainRun {
  const run: HookRun = { digest: report.digest, hooks: hooks.map((hook) => hook.index) };
  return {
    run,
    hooks,
    readsBody: hooks.some((hook) => readsRequestBody(hook, report.hooks[hook.index])),
    timeoutMs: hooks.reduce((sum, hook) => sum + hook.timeoutMs, 0),
    seesSession: hooks.some((hook) => hook.type !== 'pre' && hook.type !== 'auth'),
  };
}

/** Whether some hook of a response run reads the response's body. */
export function readsResponseBody(run: ChainRun, report: SetReport): boolean {
  return run.hooks.some((hook) => {
    const said = report.hooks[hook.index];
    return said?.ready !== true || said.body === 'buffered';
  });
}

/** What a definition says of a hook's body wins over what the hook says itself. */
function readsRequestBody(
  hook: HookSpec & { readonly body?: 'none' | 'buffered' },
  report: HookReport | undefined,
): boolean {
  if (report?.ready !== true) return false;
  if (hook.type === 'response') return report.requestBody === true;
  return (hook.body ?? report.body) === 'buffered';
}
