import { CallTable } from '../../contract/call-table.ts';
import { PluginFailure } from '../../contract/failure.ts';
import type { OpenCall } from './call.ts';
import { FrameChannel } from './channel.ts';
import { Child } from './child.ts';
import type { Message } from './frame.ts';
import { HostServices } from './host-services.ts';
import { type GuestLoaded, protocolVersion, readLoaded } from './loaded.ts';
import { mebibytes, residentBytes } from './memory.ts';
import type { ResolvedGuestOptions } from './options.ts';
import { GuestOutput } from './output.ts';

/** Whom a process reports to. */
export interface ProcessOwner {
  /** The process answered a call, so it has room for another. */
  onAnswered(process: GuestProcess): void;
  /** The process is of no more use; what it owed has been rejected, save for calls that it cannot have begun. */
  onDead(process: GuestProcess, reason: string, unbegun: readonly OpenCall[]): void;
}

/** One child process from spawn to exit: its channel, the calls it owes, its memory, its last words. */
export class GuestProcess {
  /** Rejects with why, when the process dies before it has loaded. */
  readonly ready: Promise<GuestLoaded>;
  /** Resolves when the process has exited. */
  readonly exited: Promise<void>;
  /** Set once it is ready. */
  loaded: GuestLoaded | undefined;
  readonly owed = new CallTable<OpenCall>();
  /** Calls sent so far. */
  served = 0;
  readySinceMs = Number.POSITIVE_INFINITY;
  rssBytes = 0;
  private readonly options: ResolvedGuestOptions;
  private readonly owner: ProcessOwner;
  private readonly child: Child;
  private readonly channel: FrameChannel;
  private readonly output: GuestOutput;
  private readonly services: HostServices;
  private readonly timers: NodeJS.Timeout[] = [];
  /** When calls were cancelled whose answers are still owed, oldest first. */
  private readonly cancelled = new Map<number, number>();
  private heardMs = performance.now();
  /** Since when it has owed answers without a pause. */
  private owingSinceMs = 0;
  private hello: Message | undefined;
  private dead: boolean = false;
  private ending: boolean = false;
  private becomeReady: (loaded: GuestLoaded) => void = () => {};
  private becomeFailed: (failure: PluginFailure) => void = () => {};

  constructor(options: ResolvedGuestOptions, load: object, owner: ProcessOwner) {
    this.options = options;
    this.owner = owner;
    this.ready = new Promise((resolve, reject) => {
      this.becomeReady = resolve;
      this.becomeFailed = reject;
    });
    this.ready.catch(() => {});
    this.child = new Child(options);
    this.output = new GuestOutput(options.name, options.host.log, options.maxLogLinesPerSecond);
    this.channel = this.openChannel();
    this.exited = this.child.exited.then((how) => {
      const { lastWords } = this.output;
      this.die(lastWords === '' ? how : `${how}; it last said: ${lastWords}`);
    });
    this.services = new HostServices(options.host, (json) => this.channel.send(json));
    this.channel.send(
      JSON.stringify({ type: 'hello', protocol: protocolVersion, maxFrameBytes: options.maxFrameBytes }),
    );
    this.channel.send(JSON.stringify({ ...load, type: 'load' }));
    this.channel.flush();
    this.watchTime();
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get alive(): boolean {
    return !this.dead;
  }

  get silentMs(): number {
    return this.owed.size === 0 ? 0 : performance.now() - Math.max(this.heardMs, this.owingSinceMs);
  }

  get hasRoom(): boolean {
    return this.loaded !== undefined && !this.dead && this.owed.size < this.loaded.concurrency;
  }

  send(call: OpenCall, nowMs: number): void {
    call.process = this;
    call.frame = this.channel.frame;
    if (this.owed.size === 0) this.owingSinceMs = nowMs;
    this.served++;
    this.owed.set(call.id, call);
    this.channel.send(call.toJson(nowMs), call.call.parts);
  }

  /** Tell the guest that nobody waits for this call any more; it must still answer it, somehow and soon. */
  cancel(call: OpenCall): void {
    if (this.dead) return;
    this.cancelled.set(call.id, performance.now());
    this.channel.send(`{"type":"cancel","id":${call.id}}`);
  }

  /**
   * Kill a guest that is deaf: it owes the answer to a cancelled call, and says nothing at all, or nothing about that one for ten
   * times as long. Returns when to look again.
   */
  checkCancelled(nowMs: number): number {
    const [oldestMs] = this.cancelled.values();
    if (oldestMs === undefined || this.dead) return Number.POSITIVE_INFINITY;
    const { cancelGraceMs } = this.options;
    const dueMs = Math.min(Math.max(oldestMs, this.heardMs) + cancelGraceMs, oldestMs + 10 * cancelGraceMs);
    if (dueMs > nowMs) return dueMs;
    // When this process itself stood still, what the guest said meanwhile has not been read yet: read first, then judge.
    const heardMs = this.heardMs;
    setImmediate(() => {
      if (this.heardMs !== heardMs || this.cancelled.size === 0) return;
      this.kill(`it ignored the end of a call for ${Math.round(performance.now() - oldestMs)} ms and was killed`);
    });
    return nowMs + cancelGraceMs;
  }

  /** Whether this process keeps the host alive. */
  hold(held: boolean): void {
    this.child.hold(held || this.ending);
  }

  /** Ask the guest to end, and see to it that it does. */
  async end(): Promise<void> {
    if (!this.dead) {
      this.channel.send('{"type":"end"}');
      this.channel.flush();
      this.die('it was ended');
    }
    this.ending = true;
    this.hold(true);
    this.child.output.end();
    const killer = setTimeout(() => this.child.kill(), endGraceMs);
    await this.exited;
    clearTimeout(killer);
  }

  /** End it now; all that it owes is rejected with the reason. */
  kill(reason: string): void {
    this.child.kill();
    this.die(reason);
  }

  private openChannel(): FrameChannel {
    const { child } = this;
    const channel = new FrameChannel(this.options.maxFrameBytes, this.onMessage, (buffers) => child.write(buffers));
    child.input.on('data', (chunk: Buffer) => {
      this.heardMs = performance.now();
      try {
        channel.receive(chunk);
      } catch (error) {
        this.kill(`it broke the protocol: ${(error as Error).message}`);
      }
    });
    this.output.capture(child.stdout, 'info', 'stdout');
    this.output.capture(child.stderr, 'warn', 'stderr');
    return channel;
  }

  private watchTime(): void {
    const { startTimeoutMs, memoryLimitBytes, recycle } = this.options;
    this.timers.push(
      setTimeout(() => {
        if (this.loaded === undefined) this.kill(`it was not ready within ${startTimeoutMs} ms`);
      }, startTimeoutMs).unref(),
    );
    if (memoryLimitBytes === Number.POSITIVE_INFINITY && recycle.rssBytes === Number.POSITIVE_INFINITY) return;
    let tick = 0;
    let seenMs = 0;
    this.timers.push(
      setInterval(() => {
        // An idle guest is looked at now and then only: there may be a thousand.
        if (this.heardMs === seenMs && this.owed.size === 0 && ++tick % 16 !== 0) return;
        seenMs = this.heardMs;
        this.rssBytes = (this.pid === undefined ? undefined : residentBytes(this.pid)) ?? 0;
        if (this.rssBytes <= memoryLimitBytes) return;
        this.kill(
          `it held ${mebibytes(this.rssBytes)} of memory, over its limit of ${mebibytes(memoryLimitBytes)}, and was killed`,
        );
      }, memoryCheckMs).unref(),
    );
  }

  private readonly onMessage = (message: Message, parts: readonly Buffer[]): void => {
    switch (message.type) {
      case 'answer':
      case 'error':
        this.onAnswer(message, parts);
        break;
      case 'request':
        this.services.onRequest(message);
        break;
      case 'log':
        this.onLog(message);
        break;
      case 'hello':
        this.hello = message;
        if (message.protocol !== protocolVersion) {
          this.kill(
            `it speaks version ${String(message.protocol)} of the guest protocol, this host version ${protocolVersion}`,
          );
        }
        break;
      case 'loaded':
        this.onLoaded(message);
        break;
    }
  };

  private onLoaded(message: Message): void {
    if (this.loaded !== undefined || this.dead) return;
    try {
      if (this.hello === undefined) throw new Error('it did not say hello first');
      this.loaded = readLoaded(this.hello, message);
      this.readySinceMs = performance.now();
      this.becomeReady(this.loaded);
    } catch (error) {
      this.kill(`it broke the protocol: ${(error as Error).message}`);
    }
  }

  private onAnswer(message: Message, parts: readonly Buffer[]): void {
    const id = message.id as number;
    const call = this.owed.take(id);
    if (call === undefined) return;
    if (this.cancelled.size > 0) this.cancelled.delete(id);
    if (!call.settled) {
      if (message.type === 'answer') call.answer(message, parts);
      else this.onError(message, call);
    }
    this.owner.onAnswered(this);
  }

  private onError({ reason, message, stack }: Message, call: OpenCall): void {
    const text = typeof message === 'string' ? message : 'the guest did not say why';
    const known = reason === 'REPLY_INVALID' || reason === 'HOOK_UNKNOWN' || reason === 'CANCELLED';
    // The failure goes to whoever asked; the trace is for the plugin's author, who reads this log.
    if (typeof stack === 'string') this.output.line('error', text, { stack });
    call.fail(new PluginFailure(known ? reason : 'HOOK_THREW', text));
  }

  private onLog(message: Message): void {
    const { level, message: text, fields } = message;
    this.output.line(
      level === 'debug' || level === 'warn' || level === 'error' ? level : 'info',
      String(text),
      typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : undefined,
    );
  }

  /** From now on nothing comes of this process. */
  private die(reason: string): void {
    if (this.dead) return;
    this.dead = true;
    const unbegun = new Set(this.unbegun());
    for (const timer of this.timers) clearTimeout(timer);
    this.channel.close();
    this.output.close();
    const message = `${this.options.name} (pid ${this.pid ?? 'none'}) is gone: ${reason}`;
    const calls = this.owed.values();
    this.owed.clear();
    for (const call of calls) {
      if (!call.settled && !unbegun.has(call)) call.fail(new PluginFailure('DRIVER_UNAVAILABLE', message));
    }
    this.becomeFailed(new PluginFailure('DRIVER_UNAVAILABLE', message));
    this.owner.onDead(this, reason, [...unbegun]);
  }

  /** Owed calls that have not begun, oldest first, as far as that is known. */
  private unbegun(): OpenCall[] {
    if (this.loaded?.inOrder !== true) return [];
    const calls = this.owed.values();
    const begun = Math.min(...calls.map(({ frame }) => frame));
    return calls.filter(({ frame, settled }) => frame > begun && !settled).sort((a, b) => a.id - b.id);
  }
}

/** How long a guest that was asked to end may take. */
const endGraceMs = 500;
const memoryCheckMs = 200;
