import { realpathSync } from 'node:fs';
import { specMap } from '../../contract/spec-map.ts';
import type { Driver } from '../driver.ts';
import { createGuests, type GuestLoaded, instancesOf, loadMembers, notReady, WarmGuests } from '../guest/index.ts';
import { chooseEngine, type Engine } from './engine.ts';
import { LuaHooks } from './lua-hooks.ts';
import { type LuaDriverOptions, resolveOptions } from './options.ts';
import { findSources } from './sources.ts';

export type { LuaDriverOptions } from './options.ts';

/**
 * The driver for plugins in Lua (docs/lua.md). Each plugin set has a guest process of its own, LuaJIT or Node with a WebAssembly Lua; within
 * it every call has fresh globals.
 *
 * @example
 * const driver = createLuaDriver({ pluginsFolders: ['plugins'], log });
 */
export function createLuaDriver(options: LuaDriverOptions): Driver {
  const resolved = resolveOptions(options);
  const { idleMs, cancelGraceMs, startTimeoutMs, env } = resolved;
  const warm = new WarmGuests(resolved.maxWarmGuests);
  let engine: Engine | undefined;
  // Guests start one after the other: a thousand sets may be loaded at once.
  let starts: Promise<unknown> = Promise.resolve();

  function engineInUse(): Engine {
    if (engine === undefined) {
      engine = chooseEngine(resolved);
      resolved.log('info', engine.description);
    }
    return engine;
  }

  return {
    names: ['lua'],

    async load(set, hooks, host, bundleFolder) {
      const folder = bundleFolder === undefined ? undefined : realpathSync(bundleFolder);
      const sources = await findSources(hooks, resolved.pluginsFolders, folder);
      const members = loadMembers(set, hooks, (hook) => {
        const file = sources.fileOf(hook);
        return { ...(file !== undefined && { file }), missing: hook.path !== '' && file === undefined };
      });
      const { command, args, memoryLimitBytes } = engineInUse();
      const guest = createGuests(
        {
          name: `lua guest of ${set.apiId}`,
          command,
          args,
          env,
          host,
          load: { ...members, spec: specMap(set), files: sources.files, folders: sources.folders },
          memoryLimitBytes,
          idleMs,
          cancelGraceMs,
          startTimeoutMs,
          warm,
        },
        instancesOf(hooks),
      );
      try {
        const started: Promise<GuestLoaded> = starts.then(() => guest.start());
        starts = started.catch(() => {});
        return new LuaHooks(guest, hooks, await started);
      } catch (error) {
        await guest.close();
        return notReady(hooks, error);
      }
    },

    // Each set's hooks close their guest.
    close: async () => {},
  };
}
