import type { HostLog } from '../driver.ts';
import type { WarmGuests } from './warm-guests.ts';

/** How to run and watch over a guest. */
export interface GuestOptions {
  /** Who this is, in messages: `typescript guest of orders`. */
  readonly name: string;
  /** Program and arguments of the child process. It finds the host on file descriptors 3 (read) and 4 (write). */
  readonly command: string;
  readonly args: readonly string[];
  /** Variables beyond the few that every guest gets (environment.ts). @default {} */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory. @default the host's */
  readonly cwd?: string;
  /** Members of the `load` message, sent once to every new process. */
  readonly load: object;
  readonly host: {
    request(service: string, args: unknown): Promise<unknown>;
    readonly log: HostLog;
  };
  /** Resident memory past which the process is killed and replaced (Linux; elsewhere not watched). @default no limit */
  readonly memoryLimitBytes?: number;
  /** Longest frame taken from a guest; a message to one may be half as long. @default 64 MiB */
  readonly maxFrameBytes?: number;
  /** Calls that may be open, waiting or running. @default 4096 */
  readonly maxQueuedCalls?: number;
  /** Bytes of the bodies of open calls. @default 128 MiB */
  readonly maxQueuedBytes?: number;
  /** From spawn to the report that all is loaded, on a busy machine too. @default 30 s */
  readonly startTimeoutMs?: number;
  /** How long a guest may stay silent when it owes the answer to a cancelled call; then it is killed. @default 500 ms */
  readonly cancelGraceMs?: number;
  /** How long `close` waits for running calls. @default 1 s */
  readonly drainTimeoutMs?: number;
  /** Time without calls after which the process is ended; the next call starts a new one. @default never */
  readonly idleMs?: number;
  /** Replace the process, without losing a call, after so many calls or when it has grown so large. @default never */
  readonly recycle?: { readonly calls?: number; readonly rssBytes?: number };
  /** Shared with other guests, to keep the number of processes down. @default no limit */
  readonly warm?: WarmGuests;
  /** Lines of output and log messages kept per second; what is over is counted and dropped. @default 1000 */
  readonly maxLogLinesPerSecond?: number;
}

export type ResolvedGuestOptions = Required<Omit<GuestOptions, 'cwd' | 'recycle' | 'warm'>> & {
  readonly cwd: string | undefined;
  readonly warm: WarmGuests | undefined;
  readonly recycle: { readonly calls: number; readonly rssBytes: number };
};

/** Fill in defaults. @throws {RangeError} for a number that is not positive. */
export function resolveGuestOptions(options: GuestOptions): ResolvedGuestOptions {
  const resolved = {
    env: {},
    memoryLimitBytes: Number.POSITIVE_INFINITY,
    maxFrameBytes: 64 * 1024 * 1024,
    maxQueuedCalls: 4096,
    maxQueuedBytes: 128 * 1024 * 1024,
    startTimeoutMs: 30_000,
    cancelGraceMs: 500,
    drainTimeoutMs: 1000,
    idleMs: Number.POSITIVE_INFINITY,
    maxLogLinesPerSecond: 1000,
    ...options,
    cwd: options.cwd,
    warm: options.warm,
    recycle: {
      calls: options.recycle?.calls ?? Number.POSITIVE_INFINITY,
      rssBytes: options.recycle?.rssBytes ?? Number.POSITIVE_INFINITY,
    },
  };
  for (const [name, value] of [...Object.entries(resolved), ...Object.entries(resolved.recycle)]) {
    if (typeof value === 'number' && !(value > 0)) {
      throw new RangeError(`guest option "${name}" must be a positive number, got ${value}`);
    }
  }
  return resolved;
}
