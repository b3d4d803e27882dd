import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { HookType } from '../../contract/plugin-set.ts';
import type { Api, ApiHook } from './api.ts';
import { type DefinitionOptions, defaultDefinitionOptions } from './options.ts';

/** Folders whose scripts are hooks, and what kind of. */
const folders: readonly (readonly [name: string, type: HookType])[] = [
  ['pre', 'pre'],
  ['auth', 'auth'],
  ['post_auth', 'postKeyAuth'],
  ['post', 'post'],
];

/**
 * Give an API the scripts in `{folder}/{api id}/{pre|auth|post_auth|post}` as hooks, after those of its definition, in the order of their
 * names; one in `auth` takes the place of the definition's (spec/platform-contract §1.8). The same API when there are none.
 */
export function withFolderHooks(api: Api, folder: string, options?: Partial<DefinitionOptions>): Api {
  if (api.plugins.bundle !== '') return api;
  const files = folders.flatMap(([name, type]) =>
    mayRun(type, api)
      ? globSync('*.js', { cwd: join(folder, api.id, name) })
          .sort((a, b) => (a < b ? -1 : 1))
          .map((file) => ({ type, path: join(folder, api.id, name, file) }))
      : [],
  );
  if (files.length === 0) return api;
  const listing = files.map(({ path }) => path).join('\n');
  const known = made.get(api);
  if (known?.listing === listing) return known.api;
  const given = withHooks(api, files, { ...defaultDefinitionOptions, ...options });
  made.set(api, { listing, api: given });
  return given;
}

/** An unchanged definition gives the same object again. */
const made = new WeakMap<Api, { readonly listing: string; readonly api: Api }>();

function mayRun(type: HookType, { auth }: Api): boolean {
  if (type === 'auth') return !auth.keyless && auth.custom;
  return type !== 'postKeyAuth' || !auth.keyless;
}

function withHooks(
  api: Api,
  files: readonly { readonly type: HookType; readonly path: string }[],
  options: DefinitionOptions,
): Api {
  const { plugins, auth } = api;
  const isKnown = options.drivers.includes(plugins.driver);
  let next = [...plugins.hooks, ...plugins.endpointHooks].filter((hook) => hook.index >= 0).length;
  const added = files.map(({ type, path }): ApiHook => {
    const name = basename(path).split('.', 1)[0] as string;
    return {
      index: isKnown ? next++ : -1,
      type,
      driver: plugins.driver,
      name,
      path,
      rawBodyOnly: false,
      requireSession: name.endsWith('_with_session'),
      timeoutMs: options.driverTimeoutMs[plugins.driver] ?? options.hookTimeoutMs,
      onError: 'reject',
    };
  });
  const ownAuth = added.findLast((hook) => hook.type === 'auth');
  const hooks = [...plugins.hooks, ...added].filter(
    (hook) => hook.type !== 'auth' || ownAuth === undefined || hook === ownAuth,
  );
  return {
    ...api,
    auth: ownAuth === undefined ? auth : { ...auth, token: auth.standard },
    plugins: {
      ...plugins,
      ...(isKnown ? {} : { unknownDriver: plugins.unknownDriver ?? plugins.driver }),
      ...renumbered(hooks, plugins.endpointHooks),
    },
  };
}

/** A hook that gave way leaves no hole in the plugin set. Hooks of endpoints are known by their objects, so they keep their places. */
function renumbered(
  hooks: readonly ApiHook[],
  endpointHooks: readonly ApiHook[],
): { readonly hooks: readonly ApiHook[]; readonly endpointHooks: readonly ApiHook[] } {
  const taken = new Set(endpointHooks.map((hook) => hook.index));
  let next = 0;
  const numbered = hooks.map((hook) => {
    if (hook.index < 0) return hook;
    while (taken.has(next)) next++;
    return { ...hook, index: next++ };
  });
  return { hooks: numbered, endpointHooks };
}
