import { PluginFailure } from '../../contract/failure.ts';
import type { HookReport, HookSpec, PluginSet } from '../../contract/plugin-set.ts';
import type { Driver, Host, LoadedHooks } from '../driver.ts';
import { instancesOf, notReady, WarmGuests } from '../guest/index.ts';
import { bundleSource, localSource, type PythonSource } from './modules.ts';
import { type PythonDriverOptions, resolveOptions } from './options.ts';
import { SetHooks } from './set-hooks.ts';
import { SharedGuest } from './shared-guest.ts';

export type { PythonDriverOptions } from './options.ts';

/**
 * The driver for plugins in Python, as written for `tyk.decorators` (docs/python.md). Each bundle has a guest of its own, a CPython process,
 * which the plugin sets of all APIs with that bundle share.
 *
 * @example
 * const driver = createPythonDriver({ interpreter: '/srv/plugins/venv/bin/python' });
 */
export function createPythonDriver(options: PythonDriverOptions = {}): Driver {
  const resolved = resolveOptions(options);
  const warm = new WarmGuests(resolved.maxWarmGuests);
  const guests = new Map<string, SharedGuest>();

  function share(set: PluginSet, hooks: readonly HookSpec[], source: PythonSource, host: Host): SetHooks {
    const instances = instancesOf(hooks);
    const [{ environment } = {}] = hooks;
    const interpreter =
      environment === undefined ? resolved.interpreter : (resolved.environments[environment] as string);
    const key = `${source.key} ${instances} ${interpreter}`;
    let shared = guests.get(key);
    if (shared === undefined) {
      const owner = set.bundle === undefined ? set.apiId : `bundle "${set.bundle}"`;
      const name = `python guest of ${owner}${environment === undefined ? '' : ` in environment "${environment}"`}`;
      shared = new SharedGuest(name, source, { ...resolved, interpreter }, instances, warm, host.log);
      guests.set(key, shared);
    }
    const guest = shared;
    return new SetHooks(guest, host, async () => {
      if (guest.inUse) return;
      if (guests.get(key) === guest) guests.delete(key);
      await guest.guest.close();
    });
  }

  async function loadIn(set: PluginSet, hooks: readonly HookSpec[], host: Host, folder?: string): Promise<LoadedHooks> {
    const { pluginsFolder, missing } = resolved;
    if (folder === undefined && pluginsFolder === undefined) {
      if (missing === 'failCalls') return unknownHooks(hooks);
      return notReady(hooks, new Error('Python hooks are loaded from bundles: name one with custom_middleware_bundle'));
    }
    const [{ environment } = {}] = hooks;
    if (environment !== undefined && !Object.hasOwn(resolved.environments, environment)) {
      return notReady(hooks, new Error(unknownEnvironment(environment, Object.keys(resolved.environments))));
    }
    const source =
      folder === undefined ? localSource(set, hooks, pluginsFolder as string) : await bundleSource(set, folder);
    // One host object per load tells sets of one guest apart.
    const loaded = share(set, hooks, source, {
      log: host.log,
      request: (service, args) => host.request(service, args),
    });
    try {
      await loaded.load(set, hooks, missing);
      return loaded;
    } catch (error) {
      await loaded.close();
      return notReady(hooks, error);
    }
  }

  return {
    names: ['python'],

    async load(set, hooks, host, bundleFolder) {
      const byEnvironment = Map.groupBy(hooks, ({ environment }) => environment);
      const parts = new Map<string | undefined, LoadedHooks>();
      for (const [environment, own] of byEnvironment) {
        parts.set(environment, await loadIn(set, own, host, bundleFolder));
      }
      const [only] = parts.values();
      return parts.size === 1 && only !== undefined ? only : inEnvironments(hooks, parts);
    },

    // Each set's hooks let go of their guest, and the last one closes it.
    close: async () => {},
  };
}

/** Hooks of one set that several interpreters run. */
function inEnvironments(hooks: readonly HookSpec[], parts: ReadonlyMap<string | undefined, LoadedHooks>): LoadedHooks {
  const reports = new Map<string | undefined, Iterator<HookReport>>();
  for (const [environment, part] of parts) reports.set(environment, part.reports.values());
  return {
    reports: hooks.map(({ environment }) => reports.get(environment)?.next().value as HookReport),
    run(hook, call) {
      const part = parts.get(hook.environment);
      if (part === undefined) throw new PluginFailure('HOOK_UNKNOWN', `hook "${hook.name}" is not loaded`);
      return part.run(hook, call);
    },
    close: async () => {
      await Promise.all([...parts.values()].map((part) => part.close()));
    },
  };
}

function unknownEnvironment(name: string, names: readonly string[]): string {
  const known = names.length === 0 ? 'none is configured' : `configured are ${names.join(', ')}`;
  return `interpose.environment names the Python environment "${name}"; ${known}: add it to python.environments of the coprocess's configuration`;
}

/** Hooks of an API without a bundle: there, and never found (recorded). */
function unknownHooks(hooks: readonly HookSpec[]): ReturnType<typeof notReady> {
  return { ...notReady(hooks, undefined), reports: hooks.map(() => ({ ready: true, body: 'none' })) };
}
