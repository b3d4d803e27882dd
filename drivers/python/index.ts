import type { HookSpec, PluginSet } from '../../contract/plugin-set.ts';
import type { Driver, Host } from '../driver.ts';
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
    const key = `${source.key} ${instances}`;
    let shared = guests.get(key);
    if (shared === undefined) {
      const name = `python guest of ${set.bundle === undefined ? set.apiId : `bundle "${set.bundle}"`}`;
      shared = new SharedGuest(name, source, resolved, instances, warm, host.log);
      guests.set(key, shared);
    }
    const guest = shared;
    return new SetHooks(guest, host, async () => {
      if (guest.inUse) return;
      if (guests.get(key) === guest) guests.delete(key);
      await guest.guest.close();
    });
  }

  return {
    names: ['python'],

    async load(set, hooks, host, bundleFolder) {
      const { pluginsFolder, missing } = resolved;
      if (bundleFolder === undefined && pluginsFolder === undefined) {
        if (missing === 'failCalls') return unknownHooks(hooks);
        return notReady(
          hooks,
          new Error('Python hooks are loaded from bundles: name one with custom_middleware_bundle'),
        );
      }
      const source =
        bundleFolder === undefined
          ? localSource(set, hooks, pluginsFolder as string)
          : await bundleSource(set, bundleFolder);
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
    },

    // Each set's hooks let go of their guest, and the last one closes it.
    close: async () => {},
  };
}

/** Hooks of an API without a bundle: there, and never found (recorded). */
function unknownHooks(hooks: readonly HookSpec[]): ReturnType<typeof notReady> {
  return { ...notReady(hooks, undefined), reports: hooks.map(() => ({ ready: true, body: 'none' })) };
}
