import type { HookSpec, HookType, PluginSet } from '../contract/plugin-set.ts';

/** One hook that foreign gateways may call. */
export interface ServedHook {
  readonly digest: string;
  readonly hook: HookSpec;
  /** The API it belongs to; empty: any. */
  readonly apiId: string;
}

/** Why a call names no hook, as text for the caller. */
export interface NotServed {
  readonly why: string;
}

/**
 * The hooks that foreign gateways may call, by what their calls say: hook name, hook type and API. A set that belongs to an API serves
 * that one; calls for an API without sets of its own go to sets without an API; calls that name no API may reach any set.
 */
export class ServedHooks {
  private readonly byName = new Map<string, ServedHook[]>();

  constructor(sets: readonly PluginSet[]) {
    for (const { digest, apiId, hooks } of sets) {
      for (const hook of hooks) {
        const served = this.byName.get(hook.name) ?? [];
        this.byName.set(hook.name, served);
        served.push({ digest, hook, apiId });
      }
    }
  }

  find(name: string, type: HookType | undefined, apiId: string): ServedHook | NotServed {
    const named = this.byName.get(name);
    if (named === undefined) return { why: `no hook named "${name}" is served here; ${this.names()}` };
    const ofType = named.filter(({ hook }) => hook.type === type);
    if (ofType.length === 0) {
      const types = [...new Set(named.map(({ hook }) => hook.type))].join(', ');
      return { why: `hook "${name}" is served as ${types}, and was called as ${type ?? 'a hook of unknown type'}` };
    }
    const own = apiId === '' ? ofType : ofType.filter((served) => served.apiId === apiId);
    const fitting = own.length > 0 ? own : ofType.filter((served) => served.apiId === '');
    if (fitting.length === 1) return fitting[0] as ServedHook;
    const apis = ofType.map((served) => (served.apiId === '' ? 'any API' : `API ${served.apiId}`)).join(', ');
    return fitting.length === 0
      ? { why: `hook "${name}" is served for ${apis}, not for API ${apiId}` }
      : { why: `hook "${name}" is ambiguous: it is served for ${apis}, and the call says ${apiId || 'no API'}` };
  }

  private names(): string {
    return this.byName.size === 0 ? 'none is' : `served are ${[...this.byName.keys()].join(', ')}`;
  }
}
