import { readFileSync, realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';

export interface JavaScriptDriverOptions {
  /** Where the `path` of a hook is looked up, first to last. */
  readonly pluginsFolders: readonly string[];
  /** What a hook that cannot be loaded means: its set is refused, or its calls fail one by one. @default 'refuse' */
  readonly missing?: 'refuse' | 'failCalls';
  /** CPU time that one call of a script may use. @default 100 ms */
  readonly cpuMs?: number;
  /** Memory that the scripts of one API may use. @default 64 MiB */
  readonly memoryLimitBytes?: number;
  /** Guest processes that all APIs share. @default one per CPU, two at least: so that nobody has to wait behind a script that goes on and on */
  readonly processes?: number | undefined;
  /** A script that runs before those of every API. */
  readonly library?: string | undefined;
  /** Let scripts send requests to private and loopback addresses. @default false */
  readonly privateAddresses?: boolean;
  /** Sessions have all their fields, zeros too (the original up to 5.11), instead of only those with a value (from 5.12 on). @default false */
  readonly fullSessions?: boolean;
  /** How long a guest may ignore the end of a call before it is killed. @default 500 ms */
  readonly cancelGraceMs?: number;
  /** Time without calls after which a guest is ended; the next call starts it again. @default 5 minutes */
  readonly idleMs?: number;
}

export interface ResolvedOptions {
  readonly pluginsFolders: readonly string[];
  readonly missing: 'refuse' | 'failCalls';
  readonly cpuMs: number;
  readonly memoryLimitBytes: number;
  readonly processes: number;
  readonly library: Script | undefined;
  readonly privateAddresses: boolean;
  readonly fullSessions: boolean;
  readonly cancelGraceMs: number;
  readonly idleMs: number;
}

/** A piece of source, and what it is called in messages. */
export interface Script {
  readonly name: string;
  readonly code: string;
}

/** Fill in defaults. @throws {Error} when a folder or the library cannot be read. @throws {RangeError} for a limit that is too small. */
export function resolveOptions(options: JavaScriptDriverOptions): ResolvedOptions {
  const {
    cpuMs = 100,
    memoryLimitBytes = 64 * mebibyte,
    processes = Math.max(2, availableParallelism()),
    library,
  } = options;
  if (!(cpuMs > 0)) throw new RangeError(`"cpuMs" must be positive, got ${cpuMs}`);
  if (!(processes >= 1)) throw new RangeError(`"processes" must be at least 1, got ${processes}`);
  if (!(memoryLimitBytes >= minMemoryBytes)) {
    throw new RangeError(`"memoryLimitBytes" must be at least ${minMemoryBytes}, got ${memoryLimitBytes}`);
  }
  return {
    pluginsFolders: options.pluginsFolders.map((folder) => realpathSync(resolve(folder))),
    missing: options.missing ?? 'refuse',
    cpuMs,
    memoryLimitBytes,
    processes,
    library: library === undefined ? undefined : { name: library, code: readFileSync(library, 'utf8') },
    privateAddresses: options.privateAddresses ?? false,
    fullSessions: options.fullSessions ?? false,
    cancelGraceMs: options.cancelGraceMs ?? 500,
    idleMs: options.idleMs ?? 5 * 60 * 1000,
  };
}

const mebibyte = 1024 * 1024;
/** The smallest heap that V8 takes for an isolate. */
const minMemoryBytes = 8 * mebibyte;
