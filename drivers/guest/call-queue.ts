import { CallTable } from '../../contract/call-table.ts';
import { DeadlineTimer } from '../../contract/deadline-timer.ts';
import { PluginFailure } from '../../contract/failure.ts';
import { type GuestAnswer, type GuestCall, OpenCall } from './call.ts';
import type { ResolvedGuestOptions } from './options.ts';
import type { GuestProcess } from './process.ts';

/** Whose calls a queue holds. */
export interface QueueOwner {
  /** The process that serves, if there is one. */
  readonly current: GuestProcess | undefined;
  /** All processes that may owe answers. */
  processes(): Iterable<GuestProcess>;
  /** The first call has come, or the last one has ended. */
  onBusy(busy: boolean): void;
}

/** The open calls of a guest: those that wait for their turn and those that a process owes, with their deadlines. */
export class CallQueue {
  private readonly options: ResolvedGuestOptions;
  private readonly owner: QueueOwner;
  private readonly open = new CallTable<OpenCall>();
  /** Oldest first. */
  private waiting: OpenCall[] = [];
  private readonly deadlines = new DeadlineTimer((nowMs) => this.onDue(nowMs));
  private openBytes = 0;
  private lastId = 0;
  private onDrained: (() => void) | undefined;

  constructor(options: ResolvedGuestOptions, owner: QueueOwner) {
    this.options = options;
    this.owner = owner;
  }

  get size(): number {
    return this.open.size;
  }

  get waitingCalls(): number {
    return this.waiting.length;
  }

  /** Send a call, now if the process has room, else when it has. */
  add(call: GuestCall): Promise<GuestAnswer> {
    let partBytes = 0;
    for (const part of call.parts) partBytes += part.length;
    const refusal = this.refusal(call, partBytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const open = new OpenCall(++this.lastId, call, partBytes, resolve, reject, this.onSettled);
      this.open.set(open.id, open);
      this.openBytes += partBytes;
      this.waiting.push(open);
      if (this.open.size === 1) this.owner.onBusy(true);
      this.pump();
      open.onCancel(() => this.giveUp(open, new PluginFailure('CANCELLED', 'the client went away')));
      this.deadlines.watch(call.deadlineMs);
    });
  }

  /** Send what waits, as far as the process has room. */
  pump(): void {
    const process = this.owner.current;
    if (this.waiting.length === 0 || process === undefined) return;
    const now = performance.now();
    let sent = 0;
    for (const call of this.waiting) {
      if (!process.hasRoom) break;
      process.send(call, now);
      sent++;
    }
    this.waiting.splice(0, sent);
  }

  /** Calls that a process died over before it began them wait for the next, ahead of all others. */
  putBack(calls: readonly OpenCall[]): void {
    for (const call of calls) call.process = undefined;
    this.waiting.unshift(...calls);
    this.pump();
  }

  /** Whoever waits for his turn waits in vain. */
  failWaiting(failure: PluginFailure): void {
    for (const call of this.waiting.splice(0)) call.fail(failure);
  }

  /** Resolves when no call is open, or after so long. */
  async drained(timeoutMs: number): Promise<void> {
    if (this.open.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.onDrained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Whether the deadlines keep the host alive. */
  hold(held: boolean): void {
    this.deadlines.hold(held);
  }

  close(): void {
    this.deadlines.stop();
  }

  private readonly onSettled = (call: OpenCall): void => {
    this.open.take(call.id);
    if (call.process === undefined) this.waiting = this.waiting.filter((each) => each !== call);
    this.openBytes -= call.partBytes;
    if (this.open.size > 0) return;
    this.owner.onBusy(false);
    this.onDrained?.();
  };

  private refusal(call: GuestCall, partBytes: number): PluginFailure | undefined {
    const { maxQueuedCalls, maxQueuedBytes, maxFrameBytes, name } = this.options;
    if (call.cancellation.cancelled) return new PluginFailure('CANCELLED', 'the client went away');
    if (this.open.size >= maxQueuedCalls || this.openBytes + partBytes > maxQueuedBytes) {
      const open = `${this.open.size} calls with ${this.openBytes} bytes`;
      return new PluginFailure('OVERLOADED', `${name} has ${open} open already`);
    }
    const messageBytes = call.members.length + partBytes;
    if (messageBytes <= maxFrameBytes / 2) return undefined;
    return new PluginFailure(
      'CALL_UNSENDABLE',
      `a call of ${messageBytes} bytes is over the limit of ${maxFrameBytes / 2}`,
    );
  }

  private giveUp(call: OpenCall, failure: PluginFailure): void {
    const process = call.process;
    call.fail(failure);
    if (process === undefined) return;
    process.cancel(call);
    this.deadlines.watch(process.checkCancelled(performance.now()));
  }

  private onDue(nowMs: number): number {
    // Timers may fire a fraction of a millisecond early.
    const pastMs = nowMs + 1;
    let next = Number.POSITIVE_INFINITY;
    for (const call of this.open.values()) {
      const { deadlineMs } = call.call;
      if (deadlineMs > pastMs) next = Math.min(next, deadlineMs);
      else this.giveUp(call, this.timedOut(call));
    }
    for (const process of this.owner.processes()) next = Math.min(next, process.checkCancelled(nowMs));
    return next;
  }

  private timedOut(call: OpenCall): PluginFailure {
    const waitedMs = Math.round(performance.now() - call.queuedMs);
    const begun = call.process !== undefined;
    const state = begun ? '' : this.owner.current?.loaded === undefined ? ', nor did it start' : ', nor did it begin';
    return new PluginFailure('HOOK_TIMED_OUT', `${this.options.name} did not answer within ${waitedMs} ms${state}`);
  }
}
