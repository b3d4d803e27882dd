import type { HostLog } from '../driver.ts';

/** How Lua plugins are run. */
export interface LuaDriverOptions {
  /** `auto`: LuaJIT where `interpreter` is installed, else the WebAssembly engine. @default auto */
  readonly engine?: 'auto' | 'luajit' | 'wasm';
  /** Program of LuaJIT: a path, or a name on PATH. @default luajit */
  readonly interpreter?: string;
  /** Where the `path` of a hook is looked up, and `middleware/lua`, whose files belong to every set. */
  readonly pluginsFolders: readonly string[];
  /** Memory of one guest's Lua. @default 64 MiB */
  readonly memoryLimitBytes?: number;
  /** Time without calls after which a guest is ended; the next call starts it again. @default 5 minutes */
  readonly idleMs?: number;
  /** Guests that may be running and idle; beyond that the one that has been idle longest is ended. @default 32 */
  readonly maxWarmGuests?: number;
  /** How long a guest may ignore the end of a call before it is killed. @default 500 ms */
  readonly cancelGraceMs?: number;
  /** How long the files of a set may take to load. @default 30 s */
  readonly startTimeoutMs?: number;
  /** Environment variables for plugins, in addition to those that every guest gets. @default {} */
  readonly env?: Readonly<Record<string, string>>;
  /** Told once which engine runs, when the first set is loaded. */
  readonly log: HostLog;
}

export type ResolvedOptions = Required<LuaDriverOptions>;

/** Fill in defaults. */
export function resolveOptions(options: LuaDriverOptions): ResolvedOptions {
  return {
    engine: 'auto',
    interpreter: 'luajit',
    memoryLimitBytes: 64 * 1024 * 1024,
    idleMs: 5 * 60 * 1000,
    maxWarmGuests: 32,
    cancelGraceMs: 500,
    startTimeoutMs: 30_000,
    env: {},
    ...options,
  };
}
