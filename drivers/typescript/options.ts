import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';

export interface TypeScriptDriverOptions {
  /** Where the `path` of a hook is looked up, and the npm packages of plugins (`node_modules` beside them or above). */
  readonly pluginsFolder: string;
  /** Build and load anew when a source file is saved: for development. @default false */
  readonly watch?: boolean;
  /** Memory of one guest, all told. @default 256 MiB */
  readonly memoryLimitBytes?: number;
  /** Time without calls after which a guest is ended; the next call starts it again. @default 5 minutes */
  readonly idleMs?: number;
  /** Guests that may be running and idle; beyond that the one that has been idle longest is ended. @default 32 */
  readonly maxWarmGuests?: number;
  /** Let hooks with `isolation: none` run inside this process. @default false: such hooks are refused */
  readonly allowTrusted?: boolean;
  /** Environment variables for plugins, in addition to those that every guest gets. @default {} */
  readonly env?: Readonly<Record<string, string>>;
  /** How long a guest may ignore the end of a call before it is killed. @default 500 ms */
  readonly cancelGraceMs?: number;
  /** How long the modules of a set may take to load. @default 30 s */
  readonly startTimeoutMs?: number;
}

export type ResolvedOptions = Required<TypeScriptDriverOptions>;

/** Fill in defaults. @throws {Error} when the plugins folder does not exist. @throws {RangeError} for a limit that is too small. */
export function resolveOptions(options: TypeScriptDriverOptions): ResolvedOptions {
  const resolved = {
    watch: false,
    memoryLimitBytes: 256 * 1024 * 1024,
    idleMs: 5 * 60 * 1000,
    maxWarmGuests: 32,
    allowTrusted: false,
    env: {},
    cancelGraceMs: 500,
    startTimeoutMs: 30_000,
    ...options,
    // Permissions and source maps go by real paths.
    pluginsFolder: realpathSync(resolve(options.pluginsFolder)),
  };
  if (!(resolved.memoryLimitBytes >= minMemoryBytes)) {
    throw new RangeError(`"memoryLimitBytes" must be at least ${minMemoryBytes}, got ${resolved.memoryLimitBytes}`);
  }
  return resolved;
}

/** Node itself takes about 50 MiB. */
const minMemoryBytes = 96 * 1024 * 1024;
