import { realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Driver } from '../driver.ts';
import { WarmGuests } from '../guest/index.ts';
import { Bundler } from './build.ts';
import { Gate } from './gate.ts';
import { resolveOptions, type TypeScriptDriverOptions } from './options.ts';
import { SetHooks } from './set-hooks.ts';

export type { TypeScriptDriverOptions } from './options.ts';

/**
 * The driver for plugins written in TypeScript with `interpose/plugin`. It bundles them with esbuild when they are loaded, npm packages
 * included, and runs those of one plugin set in a guest process of their own, or, where both the definition and `allowTrusted` say so, in
 * this process. It owns the guests and a folder for bundles; `close` ends and removes them.
 *
 * @throws {Error} when the plugins folder does not exist.
 * @example
 * const driver = createTypeScriptDriver({ pluginsFolder: 'plugins', watch: true });
 */
export function createTypeScriptDriver(options: TypeScriptDriverOptions): Driver {
  const resolved = resolveOptions(options);
  const bundler = new Bundler();
  const warm = new WarmGuests(resolved.maxWarmGuests);
  const starts = new Gate(availableParallelism());
  return {
    names: ['typescript'],

    async load(set, hooks, host, bundleFolder) {
      const folder = bundleFolder === undefined ? resolved.pluginsFolder : realpathSync(bundleFolder);
      const loaded = new SetHooks(hooks, { set, host, folder, options: resolved, bundler, warm, starts });
      await loaded.load();
      return loaded;
    },

    close: () => bundler.close(),
  };
}
