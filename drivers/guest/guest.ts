import { PluginFailure } from '../../contract/failure.ts';
import type { GuestAnswer, GuestCall, OpenCall } from './call.ts';
import { CallQueue, type QueueOwner } from './call-queue.ts';
import type { GuestLoaded } from './loaded.ts';
import { type GuestOptions, type ResolvedGuestOptions, resolveGuestOptions } from './options.ts';
import { GuestProcess, type ProcessOwner } from './process.ts';
import { restartDelayMs, stableAfterMs } from './restart.ts';
import type { RestingGuest } from './warm-guests.ts';

/** A language runtime in a child process that is kept alive: started, watched, replaced. */
export interface Guest {
  /** Start it, unless it runs. @throws {PluginFailure} `DRIVER_UNAVAILABLE` when it does not come up. */
  start(): Promise<GuestLoaded>;
  /**
   * Run a hook. Calls wait while the process is started or replaced, up to their deadline.
   * @throws {PluginFailure} what the guest said; `HOOK_TIMED_OUT`, `CANCELLED`; `OVERLOADED` when too many calls are open;
   * `CALL_UNSENDABLE` when the message is too large; `DRIVER_UNAVAILABLE` when the process died or does not start.
   */
  call(call: GuestCall): Promise<GuestAnswer>;
  /**
   * Start a process with other `load` data beside the one that serves, and let it take over when `accept` finds no fault with what it
   * reports; no call is lost. @throws when it does not come up, or what `accept` throws; then the old one goes on.
   */
  replace(load: object, accept: (loaded: GuestLoaded) => void): Promise<void>;
  /** Start it, unless it runs, or died and has to pause; who calls it later waits less. */
  wake(): void;
  /** Calls are answered now, without a start before. */
  readonly ready: boolean;
  /** Calls that somebody waits for. */
  readonly openCalls: number;
  /** How long it has owed answers and said nothing, in milliseconds; 0 when it owes none. */
  readonly silentMs: number;
  readonly status: GuestStatus;
  /** Let running calls end, up to `drainTimeoutMs`, then the process. */
  close(): Promise<void>;
}

export interface GuestStatus {
  /** `stopped`: idle, or waiting to be started again. */
  readonly state: 'stopped' | 'starting' | 'ready';
  readonly pid: number | undefined;
  readonly openCalls: number;
  /** Of those, how many wait for their turn. */
  readonly waitingCalls: number;
  /** When last looked at; 0 where memory is not watched. */
  readonly rssBytes: number;
  /** How often the process died without being told to. */
  readonly deaths: number;
}

/** Make a guest; no process is started before {@link Guest.start} or the first call. @throws {RangeError} for bad options. */
export function createGuest(options: GuestOptions): Guest {
  return new SupervisedGuest(resolveGuestOptions(options));
}

class SupervisedGuest implements Guest, ProcessOwner, QueueOwner, RestingGuest {
  private readonly options: ResolvedGuestOptions;
  private load: object;
  /** Serves, or is being started. */
  current: GuestProcess | undefined;
  private readonly queue: CallQueue;
  /** Being started to take over from the current one. */
  private successor: GuestProcess | undefined;
  /** Replaced ones that still owe answers. */
  private readonly retiring = new Set<GuestProcess>();
  private lastUsedMs = 0;
  private starts = 0;
  private deaths = 0;
  /** Deaths in a row, none of them after a stable life. */
  private failures = 0;
  private nextStartMs = 0;
  /** Why the last start failed; calls are refused with it until the next is due. */
  private startFailure: string | undefined;
  private restartTimer: NodeJS.Timeout | undefined;
  private idleTimer: NodeJS.Timeout | undefined;
  private closed: boolean = false;
  private closing: Promise<void> | undefined;

  constructor(options: ResolvedGuestOptions) {
    this.options = options;
    this.load = options.load;
    this.queue = new CallQueue(options, this);
  }

  get status(): GuestStatus {
    const process = this.current;
    return {
      state: process === undefined ? 'stopped' : process.loaded === undefined ? 'starting' : 'ready',
      pid: process?.pid,
      openCalls: this.queue.size,
      waitingCalls: this.queue.waitingCalls,
      rssBytes: process?.rssBytes ?? 0,
      deaths: this.deaths,
    };
  }

  get ready(): boolean {
    return this.current?.loaded !== undefined;
  }

  get openCalls(): number {
    return this.queue.size;
  }

  get silentMs(): number {
    return this.current?.silentMs ?? 0;
  }

  get idleSinceMs(): number | undefined {
    return this.queue.size > 0 || this.starts > 0 ? undefined : this.lastUsedMs;
  }

  rest(): void {
    const process = this.current;
    if (process === undefined || this.queue.size > 0 || this.starts > 0) return;
    this.current = undefined;
    this.options.warm?.stopped(this);
    this.retire(process);
  }

  async start(): Promise<GuestLoaded> {
    if (this.closed) throw this.unavailable('it is closed');
    return this.whileHeld(async () => {
      this.launch();
      if (this.current === undefined) throw this.unavailable(this.startFailure ?? 'it cannot be started');
      return this.current.ready;
    });
  }

  call(call: GuestCall): Promise<GuestAnswer> {
    if (this.closed) return Promise.reject(this.unavailable('it is closed'));
    if (this.current === undefined) {
      this.wake();
      if (this.current === undefined && this.startFailure !== undefined) {
        return Promise.reject(this.unavailable(this.startFailure));
      }
    }
    return this.queue.add(call);
  }

  wake(): void {
    if (this.closed || this.current !== undefined || this.restartTimer !== undefined) return;
    if (this.startFailure === undefined || performance.now() >= this.nextStartMs) this.launch();
  }

  async replace(load: object, accept: (loaded: GuestLoaded) => void): Promise<void> {
    await this.whileHeld(async () => {
      const next = new GuestProcess(this.options, load, this);
      this.successor = next;
      try {
        accept(await next.ready);
        if (this.closed) throw this.unavailable('it is closed');
      } catch (error) {
        await next.end();
        throw error;
      } finally {
        this.successor = undefined;
      }
      const old = this.current;
      this.load = load;
      this.takeOver(next);
      if (old !== undefined) this.retire(old);
    });
  }

  close(): Promise<void> {
    this.closed = true;
    this.closing ??= this.shutDown();
    return this.closing;
  }

  onAnswered(process: GuestProcess): void {
    if (process !== this.current) {
      if (process.owed.size === 0 && this.retiring.delete(process)) void process.end();
      return;
    }
    this.queue.pump();
    const { calls, rssBytes } = this.options.recycle;
    // A process that is too large from its first moment on must not be replaced without end.
    const outgrown = process.rssBytes >= rssBytes && performance.now() - process.readySinceMs > minLifeMs;
    if (process.served >= calls || outgrown) this.recycle();
  }

  onDead(process: GuestProcess, reason: string, unbegun: readonly OpenCall[]): void {
    this.retiring.delete(process);
    if (process === this.current) this.onServingDead(process, reason);
    if (this.closed) for (const call of unbegun) call.fail(this.unavailable('it is being closed'));
    else this.queue.putBack(unbegun);
  }

  private onServingDead(process: GuestProcess, reason: string): void {
    this.current = undefined;
    this.options.warm?.stopped(this);
    if (this.closed) return;
    const now = performance.now();
    this.deaths++;
    if (now - process.readySinceMs > stableAfterMs) this.failures = 0;
    const delayMs = restartDelayMs(this.failures++, process.loaded !== undefined);
    this.nextStartMs = now + delayMs;
    this.options.host.log('warn', `${this.options.name} (pid ${process.pid ?? 'none'}) is gone: ${reason}`, {
      guest: this.options.name,
      restartInMs: delayMs,
    });
    if (process.loaded === undefined) this.failStart(reason);
    else {
      this.restartTimer = setTimeout(() => {
        this.restartTimer = undefined;
        this.launch();
      }, delayMs).unref();
    }
  }

  onBusy(busy: boolean): void {
    if (!busy) this.lastUsedMs = performance.now();
    this.hold();
  }

  *processes(): Iterable<GuestProcess> {
    if (this.current !== undefined) yield this.current;
    if (this.successor !== undefined) yield this.successor;
    yield* this.retiring;
  }

  private unavailable(reason: string): PluginFailure {
    return new PluginFailure('DRIVER_UNAVAILABLE', `${this.options.name} is not running: ${reason}`);
  }

  /** Start a process, unless there is one. */
  private launch(): void {
    if (this.current !== undefined) return;
    this.startFailure = undefined;
    try {
      const process = new GuestProcess(this.options, this.load, this);
      this.current = process;
      this.hold();
      process.ready.then(
        () => {
          if (this.current === process) this.takeOver(process);
        },
        // `onDead` has dealt with it.
        () => {},
      );
    } catch (error) {
      this.nextStartMs = performance.now() + restartDelayMs(this.failures++, false);
      this.failStart((error as Error).message);
    }
  }

  /** It never came up: whoever waits is told at once, and the first call after a pause tries again. */
  private failStart(reason: string): void {
    this.startFailure = reason;
    this.queue.failWaiting(this.unavailable(reason));
  }

  private takeOver(process: GuestProcess): void {
    this.current = process;
    this.lastUsedMs = performance.now();
    this.hold();
    this.queue.pump();
    this.watchIdle(this.options.idleMs);
    this.options.warm?.started(this);
  }

  private recycle(): void {
    if (this.successor !== undefined) return;
    this.replace(this.load, () => {}).catch((error: Error) => {
      this.options.host.log('warn', `${this.options.name} could not be recycled: ${error.message}`);
    });
  }

  private retire(process: GuestProcess): void {
    if (process.owed.size === 0) void process.end();
    else this.retiring.add(process);
  }

  private watchIdle(waitMs: number): void {
    clearTimeout(this.idleTimer);
    if (this.options.idleMs === Number.POSITIVE_INFINITY) return;
    this.idleTimer = setTimeout(() => {
      const idleMs = performance.now() - (this.idleSinceMs ?? performance.now());
      if (idleMs < this.options.idleMs) this.watchIdle(this.options.idleMs - idleMs);
      else this.rest();
    }, Math.ceil(waitMs)).unref();
  }

  /** Keep the host alive for as long as somebody waits for this guest. */
  private hold(): void {
    const held = this.queue.size > 0 || this.starts > 0;
    this.queue.hold(held);
    this.current?.hold(held);
    this.successor?.hold(held);
    for (const process of this.retiring) process.hold(held);
  }

  private async whileHeld<T>(work: () => Promise<T>): Promise<T> {
    this.starts++;
    try {
      const promise = work();
      this.hold();
      return await promise;
    } finally {
      this.starts--;
      this.hold();
    }
  }

  private async shutDown(): Promise<void> {
    clearTimeout(this.restartTimer);
    clearTimeout(this.idleTimer);
    this.queue.failWaiting(this.unavailable('it is being closed'));
    await this.queue.drained(this.options.drainTimeoutMs);
    await Promise.all([...this.processes()].map((process) => process.end()));
    this.queue.close();
  }
}

/** A process must have served so long before it is replaced for its size. */
const minLifeMs = 5000;
