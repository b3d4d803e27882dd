import type { HookTiming } from '../../contract/answer.ts';
import type { Cancellation } from '../../contract/cancellation.ts';
import type { PluginFailure } from '../../contract/failure.ts';
import type { Message } from './frame.ts';
import type { GuestProcess } from './process.ts';

/** What a guest is asked to run. */
export interface GuestCall {
  /** Members of the `call` message as JSON text without braces, such as `"hook":0,"request":{...}`. */
  readonly members: string;
  /** Byte strings of the call; `members` refers to them by position. */
  readonly parts: readonly Uint8Array[];
  /** When the wait ends, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  readonly cancellation: Cancellation;
}

export interface GuestAnswer {
  /** The `answer` message. */
  readonly message: Message;
  readonly parts: readonly Buffer[];
  readonly timing: HookTiming;
}

/** A call that somebody waits for. */
export class OpenCall {
  readonly id: number;
  readonly call: GuestCall;
  readonly partBytes: number;
  readonly queuedMs = performance.now();
  sentMs = 0;
  /** Which frame to its process it was in. */
  frame = 0;
  /** Who owes the answer; nobody yet while it waits for its turn. */
  process: GuestProcess | undefined;
  settled: boolean = false;
  private readonly resolve: (answer: GuestAnswer) => void;
  private readonly reject: (failure: PluginFailure) => void;
  private readonly onSettled: (call: OpenCall) => void;
  private stopListening: (() => void) | undefined;

  constructor(
    id: number,
    call: GuestCall,
    partBytes: number,
    resolve: (answer: GuestAnswer) => void,
    reject: (failure: PluginFailure) => void,
    onSettled: (call: OpenCall) => void,
  ) {
    this.id = id;
    this.call = call;
    this.partBytes = partBytes;
    this.resolve = resolve;
    this.reject = reject;
    this.onSettled = onSettled;
  }

  onCancel(listener: () => void): void {
    this.stopListening = this.call.cancellation.onCancel(listener);
  }

  /** The message, with what is left of the deadline. */
  toJson(nowMs: number): string {
    this.sentMs = nowMs;
    const { members, parts, deadlineMs } = this.call;
    const timeoutMs = Math.max(1, Math.ceil(deadlineMs - nowMs));
    const bytes = parts.length === 0 ? '' : `,"bytes":[${parts.map((part) => part.length).join()}]`;
    return `{"type":"call","id":${this.id},"timeoutMs":${timeoutMs}${bytes},${members}}`;
  }

  answer(message: Message, parts: readonly Buffer[]): void {
    this.settle();
    const tripUs = Math.round((performance.now() - this.sentMs) * 1000);
    const runUs = typeof message.us === 'number' && message.us >= 0 ? Math.min(message.us, tripUs) : tripUs;
    const queueUs = Math.round((this.sentMs - this.queuedMs) * 1000);
    this.resolve({ message, parts, timing: { queueUs, wireUs: tripUs - runUs, runUs } });
  }

  fail(failure: PluginFailure): void {
    this.settle();
    this.reject(failure);
  }

  private settle(): void {
    this.settled = true;
    this.stopListening?.();
    this.onSettled(this);
  }
}
