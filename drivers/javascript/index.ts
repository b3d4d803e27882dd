import { realpathSync } from 'node:fs';
import type { Driver, HostLog } from '../driver.ts';
import { type JavaScriptDriverOptions, resolveOptions } from './options.ts';
import { Pool } from './pool.ts';
import { loadSet } from './set-hooks.ts';

export type { JavaScriptDriverOptions } from './options.ts';

/**
 * The driver for JavaScript plugins as the original has them (docs/javascript.md), both generations of it. Scripts run in a sandbox: an isolate
 * per plugin set, in guest processes that all sets share. It owns the guests; `close` ends them.
 *
 * @throws {Error} when a folder or the library cannot be read. @throws {RangeError} for a limit that is too small.
 * @example
 * const driver = createJavaScriptDriver({ pluginsFolders: ['plugins'], log });
 */
export function createJavaScriptDriver(options: JavaScriptDriverOptions & { readonly log: HostLog }): Driver {
  const resolved = resolveOptions(options);
  const pool = new Pool(resolved, options.log);
  return {
    names: ['otto', 'javascript'],

    load(set, hooks, host, bundleFolder) {
      const folders = bundleFolder === undefined ? resolved.pluginsFolders : [realpathSync(bundleFolder)];
      const { fullSessions, missing } = resolved;
      return loadSet(set, hooks, { pool, host, folders, fullSessions, missing });
    },

    close: () => pool.close(),
  };
}
