import type { HookSpec, PluginSet } from '../../contract/plugin-set.ts';
import { digestOf } from '../../contract/plugin-set-digest.ts';
import type { Api, ApiHook } from './api.ts';

/** The set that installs a bundle alone, to learn what it holds: one for all APIs that name it. */
export function toBundleSet(bundle: string): PluginSet {
  const set = { apiId: '', orgId: '', bundle, hooks: [] };
  return { digest: digestOf(set), ...set };
}

/**
 * What a coprocess has to install for an API. Hooks whose driver is unknown are not in it.
 * @param bundleDigest content of the bundle that the API's hooks were read from.
 * @param pluginFiles state of its plugin files: another one makes another set, so that they are read again.
 */
export function toPluginSet(api: Api, bundleDigest?: string, pluginFiles?: string): PluginSet {
  const { plugins } = api;
  const hooks = [...plugins.hooks, ...plugins.endpointHooks].filter((hook) => hook.index >= 0);
  hooks.sort((a, b) => a.index - b.index);
  const set = {
    apiId: api.id,
    orgId: api.orgId,
    ...(plugins.configData === undefined ? {} : { configData: plugins.configData }),
    ...(plugins.configDataDisabled ? { configDataDisabled: true } : {}),
    ...(plugins.bundle === '' ? {} : { bundle: plugins.bundle }),
    ...(plugins.bundleNamed === plugins.bundle ? {} : { bundleNamed: plugins.bundleNamed }),
    ...(bundleDigest === undefined ? {} : { bundleDigest }),
    ...(pluginFiles === undefined ? {} : { pluginFiles }),
    hooks: hooks.map(toHookSpec),
  };
  return { digest: digestOf(set), ...set };
}

/** The hook without what only the gateway knows. */
function toHookSpec(hook: ApiHook): HookSpec {
  const { body: _body, when: _when, ...spec } = hook;
  return spec;
}
