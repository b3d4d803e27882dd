import type { HookSpec, PluginSet } from '../../contract/plugin-set.ts';
import { digestOf } from '../../contract/plugin-set-digest.ts';
import type { Api, ApiHook } from './api.ts';

/** What a coprocess has to install for an API. Hooks whose driver is unknown are not in it. */
export function toPluginSet(api: Api): PluginSet {
  const { plugins } = api;
  const hooks = [...plugins.hooks, ...plugins.endpointHooks].filter((hook) => hook.index >= 0);
  hooks.sort((a, b) => a.index - b.index);
  const set = {
    apiId: api.id,
    orgId: api.orgId,
    ...(plugins.configData === undefined ? {} : { configData: plugins.configData }),
    ...(plugins.configDataDisabled ? { configDataDisabled: true } : {}),
    ...(plugins.bundle === '' ? {} : { bundle: plugins.bundle }),
    hooks: hooks.map(toHookSpec),
  };
  return { digest: digestOf(set), ...set };
}

/** The hook without what only the gateway knows. */
function toHookSpec(hook: ApiHook): HookSpec {
  const { body: _body, when: _when, ...spec } = hook;
  return spec;
}
