import type { HookOutcome } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import { type FailureReason, PluginFailure } from '../../contract/failure.ts';
import { failedRun } from '../../contract/run-hooks.ts';
import type { HookRun } from './dispatcher.ts';

/** A call that a coprocess owes an answer to. Settled once, by whoever comes first: answer, deadline, client or the end of the link. */
export class PendingCall {
  readonly id: number;
  readonly run: HookRun;
  readonly call: HookCall;
  /** When it went out, on the clock of `performance.now()`; 0 while it waits. */
  sentMs = 0;
  readonly outcomes: Promise<readonly HookOutcome[]>;
  private resolve!: (outcomes: readonly HookOutcome[]) => void;
  private stopListening: (() => void) | undefined;

  constructor(id: number, run: HookRun, call: HookCall) {
    this.id = id;
    this.run = run;
    this.call = call;
    this.outcomes = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  /** Call back when the client goes away before the call is settled. */
  onCancel(listener: () => void): void {
    this.stopListening = this.call.cancellation.onCancel(listener);
  }

  settle(outcomes: readonly HookOutcome[]): void {
    this.stopListening?.();
    this.resolve(outcomes);
  }

  fail(reason: FailureReason, message: string): void {
    this.settle(failedRun(this.run.hooks.length, new PluginFailure(reason, message)));
  }
}
