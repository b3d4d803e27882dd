import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { CallTable } from '../../contract/call-table.ts';
import { tuneGarbageCollection } from '../../contract/garbage-collection.ts';
import type { HookReport } from '../../contract/plugin-set.ts';
import type { LogLevel } from '../driver.ts';
import { FrameChannel } from './channel.ts';
import type { Message } from './frame.ts';

/**
 * The guest half of the protocol for guests that run on Node: it owns the channel, so that what a language adds is how to load hooks
 * and how to run one. It needs nothing but Node, and the guests are bundled with it.
 */
export interface NodeGuest {
  /** What it runs, for the operator: `typescript (node 24.21.0)`. */
  readonly language: string;
  /** Calls it wants at a time. */
  readonly concurrency: number;
  readonly session: 'protobuf' | 'json';
  /** Load what the `load` message names; one report per hook. */
  load(message: Message): Promise<readonly HookReport[]> | readonly HookReport[];
  /** Run a hook, and call `answer` or `fail` of the call, once, now or later. */
  run(call: RunningCall): void;
  /** All calls that came together have been given to `run`: a guest that runs several at once does it now. */
  endTurn?(): void;
}

/** The host, as a guest sees it. */
export interface GuestHost {
  /** Ask the gateway for a service. Rejects with what it says when it refuses. */
  request(service: string, args: unknown): Promise<unknown>;
  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void;
}

const inputFd = 3;
const outputFd = 4;

/** Serve the host for the rest of this process's life. */
export function serveHost(makeGuest: (host: GuestHost) => NodeGuest): void {
  tuneGarbageCollection();
  const running = new CallTable<RunningCall>();
  const requests = new Map<number, PromiseWithResolvers<unknown>>();
  let lastRequest = 0;
  let maxMessageBytes = Number.POSITIVE_INFINITY;

  const channel = new FrameChannel(2 ** 32, onMessage, (buffers) => {
    for (const buffer of buffers) writeAll(buffer);
  });
  const host: GuestHost = {
    request(service, args) {
      const id = ++lastRequest;
      const waiting = Promise.withResolvers<unknown>();
      requests.set(id, waiting);
      channel.send(JSON.stringify({ type: 'request', id, service, args }));
      return waiting.promise;
    },
    log(level, message, fields) {
      channel.send(JSON.stringify({ type: 'log', level, message, fields }));
    },
  };
  const guest = makeGuest(host);
  const { language, concurrency, session } = guest;

  function onMessage(message: Message, parts: readonly Buffer[]): void {
    const id = message.id as number;
    switch (message.type) {
      case 'call': {
        const call = new RunningCall(message, parts, (json, answerParts, bytes) => {
          running.take(id);
          if (bytes <= maxMessageBytes) channel.send(json, answerParts);
          else channel.send(errorJson(id, 'REPLY_INVALID', `the answer has ${bytes} bytes, over ${maxMessageBytes}`));
        });
        running.set(id, call);
        guest.run(call);
        break;
      }
      case 'cancel':
        running.get(id)?.cancel();
        break;
      case 'reply': {
        const waiting = requests.get(id);
        requests.delete(id);
        if (typeof message.error === 'string') waiting?.reject(new Error(message.error));
        else waiting?.resolve(message.result);
        break;
      }
      case 'hello':
        if (typeof message.maxFrameBytes === 'number') maxMessageBytes = message.maxFrameBytes / 2;
        break;
      case 'load':
        void load(message);
        break;
      case 'end':
        process.exit();
    }
  }

  async function load(message: Message): Promise<void> {
    channel.send(JSON.stringify({ type: 'loaded', hooks: await guest.load(message) }));
    channel.flush();
  }

  channel.send(JSON.stringify({ type: 'hello', protocol: 1, language, capabilities: { concurrency, session } }));
  channel.flush();
  const input = new Socket({ fd: inputFd, readable: true, writable: false });
  input.on('data', (chunk: Buffer) => {
    channel.receive(chunk);
    guest.endTurn?.();
    // What was answered at once need not wait for the end of the turn.
    channel.flush();
  });
  // The host has gone, or wants this process to go.
  input.on('close', () => process.exit());
  input.on('error', () => process.exit());
}

/** A call that this guest owes the answer of. */
export class RunningCall {
  readonly id: number;
  readonly message: Message;
  readonly parts: readonly Buffer[];
  readonly startedMs = performance.now();
  /** Called when nobody waits for the call any more. */
  onCancel: (() => void) | undefined;
  private send: ((json: string, parts: readonly Uint8Array[] | undefined, bytes: number) => void) | undefined;

  constructor(
    message: Message,
    parts: readonly Buffer[],
    send: (json: string, parts: readonly Uint8Array[] | undefined, bytes: number) => void,
  ) {
    this.id = message.id as number;
    this.message = message;
    this.parts = parts;
    this.send = send;
  }

  /** Answer with these members, JSON text that begins with a comma or is empty, and the byte strings they speak of. */
  answer(members: string, parts?: readonly Uint8Array[]): void {
    const us = Math.round((performance.now() - this.startedMs) * 1000);
    let json = `{"type":"answer","id":${this.id},"us":${us}${members}`;
    let bytes = members.length;
    if (parts !== undefined && parts.length > 0) {
      json += `,"bytes":[${parts.map((part) => part.length).join()}]`;
      for (const part of parts) bytes += part.length;
    }
    this.finish(`${json}}`, parts, bytes);
  }

  fail(reason: string, message: string, stack?: string): void {
    this.finish(errorJson(this.id, reason, message, stack), undefined, 0);
  }

  /** The protocol wants an answer to a cancelled call too: it shows that the guest is not stuck. */
  cancel(): void {
    this.fail('CANCELLED', 'the host gave up the call');
    this.onCancel?.();
  }

  private finish(json: string, parts: readonly Uint8Array[] | undefined, bytes: number): void {
    const send = this.send;
    this.send = undefined;
    send?.(json, parts, bytes);
  }
}

function errorJson(id: number, reason: string, message: string, stack?: string): string {
  return JSON.stringify({ type: 'error', id, reason, message, stack });
}

/** Waits when the pipe is full: then the host has more to read than it can, and more answers would not help. */
function writeAll(buffer: Buffer): void {
  try {
    for (let at = 0; at < buffer.length; ) at += writeSync(outputFd, buffer, at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit();
    throw error;
  }
}
