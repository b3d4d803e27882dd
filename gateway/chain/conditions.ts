import { fromByteString, toByteString } from '../../contract/text.ts';
import { unescapeBytes } from '../../contract/url.ts';
import type { ApiHook, HookCondition } from '../definitions/api.ts';
import type { Exchange } from '../exchange.ts';
import { withoutListenPath } from '../object/target.ts';
import { type ChainRun, ensureState } from './hooks.ts';

/** Why a hook's `when` does not hold for a request, by the part of it that fails; undefined: it holds. */
export function failingCondition(when: HookCondition, exchange: Exchange): keyof HookCondition | undefined {
  const { method, url, headers } = ensureState(exchange);
  if (when.methods !== undefined && !when.methods.includes(method)) return 'methods';
  if (when.path !== undefined) {
    const path = fromByteString(unescapeBytes(withoutListenPath(exchange.api, url.path)));
    if (!when.path.test(path)) return 'path';
  }
  if (when.header !== undefined) {
    const { name, value } = when.header;
    const values = headers.all(name);
    if (value === undefined ? values.length === 0 : !values.includes(toByteString(value))) return 'header';
  }
  if (when.percent !== undefined && exchange.share >= when.percent) return 'percent';
  return undefined;
}

/**
 * The runs of consecutive hooks. A hook whose condition looks at the request begins a run of its own, so that it is asked of the request as
 * the hooks before it have left it: a guard cannot be walked around by a path that an earlier hook makes.
 */
export function splitAtConditions(hooks: readonly ApiHook[]): readonly (readonly ApiHook[])[] {
  const runs: ApiHook[][] = [];
  for (const hook of hooks) {
    const last = runs.at(-1);
    if (last === undefined || looksAtRequest(hook.when)) runs.push([hook]);
    else last.push(hook);
  }
  return runs;
}

function looksAtRequest(when: HookCondition | undefined): boolean {
  return when !== undefined && (when.methods ?? when.path ?? when.header) !== undefined;
}

/**
 * Picks, per request, the hooks of a run whose conditions hold; undefined when none of them has any. What comes out is a run as well, made
 * on first need and kept, for runs are compared by identity.
 */
export function narrowing(
  hooks: readonly ApiHook[],
  runOf: (hooks: readonly ApiHook[]) => ChainRun,
): ChainRun['narrow'] | undefined {
  if (hooks.every((hook) => hook.when === undefined)) return undefined;
  const runs = new Map<string, ChainRun | undefined>([['', undefined]]);
  return (exchange) => {
    const wanted = hooks.filter(
      (hook) => hook.when === undefined || failingCondition(hook.when, exchange) === undefined,
    );
    const key = wanted.map((hook) => hook.index).join();
    if (!runs.has(key)) runs.set(key, runOf(wanted));
    return runs.get(key);
  };
}
