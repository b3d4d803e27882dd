import type { HookType } from '../../contract/plugin-set.ts';
import type { Script } from './options.ts';

/** What the host tells a guest of this driver, as members of `call` messages of docs/guest-protocol.md. */

/** The two generations of the original's engine: `otto` shares one scope over all files and writes JSON as Go does. */
export type Generation = 'otto' | 'javascript';

/** Scripts of one plugin set that are loaded together, in an isolate of their own. */
export interface Install {
  /** Number that calls use; never given twice. */
  readonly set: number;
  readonly apiId: string;
  readonly orgId: string;
  readonly generation: Generation;
  /** The third argument of hooks, as JSON text. */
  readonly config: string;
  /** Files in the order in which they run. */
  readonly scripts: readonly Script[];
  readonly hooks: readonly InstallHook[];
}

export interface InstallHook {
  /** Position in the plugin set. */
  readonly index: number;
  readonly type: HookType;
  /** An expression that gives the hook object, or the function of a virtual endpoint. */
  readonly name: string;
  /** Position in `scripts` of the file that defines it. */
  readonly script: number;
  /** What it returns as meta data of the session counts. */
  readonly writesMeta: boolean;
}

/** Of each hook: undefined when it is there, else why not. */
export type InstallReport = readonly (string | null)[];

/** Members of the `load` message. */
export interface GuestSettings {
  readonly cpuMs: number;
  readonly memoryMib: number;
  readonly privateAddresses: boolean;
  readonly library: Script | null;
}

/** A line that a script logged. */
export type LogLine = readonly [level: 'info' | 'warn' | 'error' | 'debug' | 'raw', text: string];
