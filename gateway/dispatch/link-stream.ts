import { performance } from 'node:perf_hooks';
import { type Client, type ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import type { HookOutcome } from '../../contract/answer.ts';
import type { BundleNews, BundleVerdict } from '../../contract/bundle-news.ts';
import type { HookCall } from '../../contract/call.ts';
import { CallTable } from '../../contract/call-table.ts';
import { DeadlineTimer } from '../../contract/deadline-timer.ts';
import { PluginFailure } from '../../contract/failure.ts';
import { BodyTransfer } from '../../contract/link/bodies.ts';
import type { AwaitedBody } from '../../contract/link/edits.ts';
import { maxInlineBodyBytes } from '../../contract/link/fields.ts';
import { type FromCoprocessHandler, readFromCoprocess, type Welcome } from '../../contract/link/from-coprocess.ts';
import {
  writeBundlesInUse,
  writeBundleVerdict,
  writeCall,
  writeCancel,
  writeDefineRun,
  writeHello,
  writeHostReply,
  writeInstall,
  writeLookAtFiles,
  writeUninstall,
} from '../../contract/link/from-gateway.ts';
import type { PluginFileStamps } from '../../contract/plugin-files.ts';
import type { PluginSet, SetReport } from '../../contract/plugin-set.ts';
import { failedRun } from '../../contract/run-hooks.ts';
import { WireWriter } from '../../contract/wire/writer.ts';
import { driverGraceMs, type HookRun } from './dispatcher.ts';
import type { LinkSettings } from './link-options.ts';
import { PendingCall } from './pending-call.ts';
import type { Route } from './route.ts';

/** What happens on a stream. */
export interface LinkStreamEvents {
  welcome(welcome: Welcome): void;
  /** The coprocess is about to end; it still answers. */
  draining(): void;
  bundleNews(news: BundleNews): void;
  /** The stream is over, and all that was pending on it has failed. Called once. */
  ended(error: Error | undefined): void;
}

type ByteStream = ClientDuplexStream<Buffer, Buffer>;

/**
 * One stream attached to one coprocess. Everything that one turn of the event loop produced goes out as one message: requests come in
 * different callbacks of one poll phase, so only `setImmediate`, which runs after all of them, gathers them.
 */
export class LinkStream implements FromCoprocessHandler, Route {
  private readonly client: Client;
  private readonly target: string;
  private readonly settings: LinkSettings;
  private readonly events: LinkStreamEvents;
  private readonly stream: ByteStream;
  private bodyStream: ByteStream | undefined;
  private readonly bodies = new BodyTransfer((call) => this.pending.has(call));
  private readonly writer = new WireWriter();
  private readonly runs = new Map<HookRun, number>();
  /** By id; ids go up, and are never used twice. */
  private readonly pending = new CallTable<PendingCall>();
  /** Calls that wait until the stream takes more, oldest first. */
  private queue: PendingCall[] = [];
  private readonly reports = new Map<string, PromiseWithResolvers<SetReport | undefined>>();
  private readonly looks = new Map<number, PromiseWithResolvers<PluginFileStamps | undefined>>();
  private lastLook = 0;
  private readonly deadlines = new DeadlineTimer((nowMs) => this.expire(nowMs), { graceMs: driverGraceMs, held: true });
  private lastId = 0;
  private lastRun = 0;
  private batchedCalls = 0;
  private heardMs = 0;
  private flushing = false;
  private blocked = false;
  private over = false;
  private leaving = false;
  /** A call passed its deadline, and nothing was heard since before it was sent. */
  private silent = false;
  private probedMs = 0;

  constructor(client: Client, target: string, settings: LinkSettings, events: LinkStreamEvents) {
    this.client = client;
    this.target = target;
    this.settings = settings;
    this.events = events;
    this.stream = this.open('/interpose.link.v1.Link/Attach');
    this.stream.on('data', (message: Buffer) => this.receive(message));
    this.stream.on('drain', () => this.drained());
    writeHello(this.writer, settings.gatewayId);
    this.flush();
  }

  private open(path: string): ByteStream {
    const stream = this.client.makeBidiStreamRequest(path, asIs, asIs, new Metadata(), {});
    stream.on('error', (error) => this.end(error));
    stream.on('end', () => this.end());
    return stream;
  }

  /** Load a set here, once. Resolves with undefined when the stream ends before the report. */
  install(set: PluginSet): Promise<SetReport | undefined> {
    const known = this.reports.get(set.digest);
    if (known !== undefined) return known.promise;
    const report = Promise.withResolvers<SetReport | undefined>();
    if (this.over) return Promise.resolve(undefined);
    this.reports.set(set.digest, report);
    writeInstall(this.writer, set);
    this.flushSoon();
    return report.promise;
  }

  uninstall(digest: string): void {
    const report = this.reports.get(digest);
    if (report === undefined) return;
    this.reports.delete(digest);
    report.resolve(undefined);
    for (const run of this.runs.keys()) if (run.digest === digest) this.runs.delete(run);
    writeUninstall(this.writer, digest);
    this.flushSoon();
  }

  lookAtFiles(names: readonly string[]): Promise<PluginFileStamps | undefined> {
    if (this.over) return Promise.resolve(undefined);
    const look = Promise.withResolvers<PluginFileStamps | undefined>();
    this.looks.set(++this.lastLook, look);
    writeLookAtFiles(this.writer, this.lastLook, names);
    this.flushSoon();
    return look.promise;
  }

  useBundles(bundles: Iterable<string>): void {
    writeBundlesInUse(this.writer, bundles);
    this.flushSoon();
  }

  judgeBundle(verdict: BundleVerdict): void {
    writeBundleVerdict(this.writer, verdict);
    this.flushSoon();
  }

  get full(): boolean {
    return this.queue.length >= this.settings.maxQueuedCalls;
  }

  /** Once a second it is to be called all the same, to hear whether it answers again. */
  avoid(): boolean {
    if (!this.silent) return false;
    const nowMs = performance.now();
    if (nowMs - this.probedMs < probeEveryMs) return true;
    this.probedMs = nowMs;
    return false;
  }

  send(run: HookRun, call: HookCall): Promise<readonly HookOutcome[]> | readonly HookOutcome[] {
    if (this.over) {
      return failedRun(
        run.hooks.length,
        new PluginFailure('DRIVER_UNAVAILABLE', `the link to ${this.target} has ended`),
      );
    }
    const pending = new PendingCall(++this.lastId, run, call);
    this.pending.set(pending.id, pending);
    this.deadlines.watch(call.deadlineMs);
    pending.onCancel(() => this.abandon(pending));
    if (this.blocked) this.queue.push(pending);
    else this.write(pending);
    return pending.outcomes;
  }

  private write(pending: PendingCall): void {
    const { id, run, call } = pending;
    const nowMs = performance.now();
    if (call.deadlineMs <= nowMs) {
      this.remove(pending);
      pending.fail('HOOK_TIMED_OUT', 'the deadline had passed before the call was sent');
      return;
    }
    pending.sentMs = nowMs;
    const number = this.runNumber(run);
    const mark = this.writer.length;
    try {
      writeCall(this.writer, id, number, Math.ceil(call.deadlineMs - nowMs), call);
    } catch (error) {
      this.writer.truncate(mark);
      this.remove(pending);
      pending.fail('CALL_UNSENDABLE', error instanceof Error ? error.message : String(error));
      return;
    }
    if (call.request.body.length > maxInlineBodyBytes) this.bodies.send(id, 0, call.request.body);
    if (call.response !== undefined && call.response.body.length > maxInlineBodyBytes) {
      this.bodies.send(id, 1, call.response.body);
    }
    if (++this.batchedCalls >= maxBatchCalls || this.writer.length >= maxBatchBytes) this.flush();
    else this.flushSoon();
  }

  private runNumber(run: HookRun): number {
    const known = this.runs.get(run);
    if (known !== undefined) return known;
    const number = ++this.lastRun;
    this.runs.set(run, number);
    writeDefineRun(this.writer, number, run.digest, run.hooks);
    return number;
  }

  /** Nobody waits for this call any more. */
  private abandon(pending: PendingCall): void {
    this.drop(pending);
    pending.fail('CANCELLED', 'the client went away');
  }

  private drop(pending: PendingCall): void {
    this.remove(pending);
    // One that is still queued is skipped when its turn comes.
    if (pending.sentMs === 0) return;
    writeCancel(this.writer, pending.id);
    this.flushSoon();
  }

  private expire(nowMs: number): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const pending of this.pending.values()) {
      const { deadlineMs } = pending.call;
      if (deadlineMs <= nowMs) {
        if (this.heardMs < pending.sentMs) this.silent = true;
        this.drop(pending);
        pending.fail('HOOK_TIMED_OUT', 'the coprocess had not answered at the deadline');
      } else if (deadlineMs < earliestMs) earliestMs = deadlineMs;
    }
    return earliestMs;
  }

  private flushSoon(): void {
    if (this.flushing || this.blocked || this.over) return;
    this.flushing = true;
    setImmediate(this.flush);
  }

  private readonly flush = (): void => {
    this.flushing = false;
    this.batchedCalls = 0;
    if (this.blocked || this.over || this.writer.length === 0) return;
    this.blocked = !this.stream.write(this.writer.take());
  };

  private drained(): void {
    this.blocked = false;
    let taken = 0;
    while (taken < this.queue.length && !this.blocked) {
      const next = this.queue[taken++] as PendingCall;
      if (this.pending.has(next.id)) this.write(next);
    }
    this.queue = this.queue.slice(taken);
    this.flushSoon();
  }

  private receive(message: Buffer): void {
    if (this.over) return;
    this.heardMs = performance.now();
    this.silent = false;
    try {
      readFromCoprocess(message, this);
    } catch (error) {
      this.fail(error);
    }
  }

  /** The other side does not speak the protocol: nothing that comes after can be understood. */
  private fail(error: unknown): void {
    this.settings.log('error', 'a coprocess sent what is no link message', {
      target: this.target,
      error: String(error),
    });
    this.end();
  }

  welcome(welcome: Welcome): void {
    const bodyStream = this.open('/interpose.link.v1.Link/Bodies');
    this.bodyStream = bodyStream;
    bodyStream.on('data', (frame: Buffer) => {
      try {
        this.bodies.receive(frame);
      } catch (error) {
        this.fail(error);
      }
    });
    bodyStream.on('drain', () => this.bodies.drained());
    this.bodies.open((frame) => bodyStream.write(frame), welcome.token);
    this.events.welcome(welcome);
  }

  installed(report: SetReport): void {
    this.reports.get(report.digest)?.resolve(report);
  }

  fileStamps(id: number, stamps: PluginFileStamps): void {
    this.looks.get(id)?.resolve(stamps);
    this.looks.delete(id);
  }

  answer(id: number, outcomes: readonly HookOutcome[], awaited: readonly AwaitedBody[] | undefined): void {
    const pending = this.pending.get(id);
    if (pending === undefined) return;
    if (awaited === undefined) this.finish(pending, outcomes);
    else this.bodies.expect(id, awaited, () => this.finish(pending, outcomes));
  }

  private finish(pending: PendingCall, outcomes: readonly HookOutcome[]): void {
    this.remove(pending);
    if (outcomes.length === 0) {
      pending.fail('HOOK_THREW', 'the coprocess answered with no outcome');
      return;
    }
    addWireTime(outcomes, (this.heardMs - pending.sentMs) * 1000);
    pending.settle(outcomes);
  }

  hostRequest(id: number, service: string, args: unknown): void {
    void this.answerHost(id, service, args);
  }

  private async answerHost(id: number, service: string, args: unknown): Promise<void> {
    try {
      const result = await this.settings.hostServices(service, args);
      writeHostReply(this.writer, id, { result });
    } catch (error) {
      writeHostReply(this.writer, id, { error: error instanceof Error ? error.message : String(error) });
    }
    this.flushSoon();
  }

  draining(): void {
    this.events.draining();
  }

  bundleNews(news: BundleNews): void {
    this.events.bundleNews(news);
  }

  private remove(pending: PendingCall): void {
    this.pending.take(pending.id);
    this.bodies.forget(pending.id);
    if (this.leaving && this.pending.size === 0) this.end();
  }

  leave(): void {
    this.leaving = true;
    if (this.pending.size === 0) this.end();
  }

  end(error?: Error): void {
    if (this.over) return;
    this.over = true;
    this.deadlines.stop();
    this.stream.cancel();
    this.bodyStream?.cancel();
    const why = error === undefined ? 'the link ended' : `the link broke (${error.message})`;
    for (const pending of this.pending.values()) {
      pending.fail('DRIVER_UNAVAILABLE', `coprocess ${this.target}: ${why} before it answered`);
    }
    this.pending.clear();
    this.queue = [];
    for (const report of this.reports.values()) report.resolve(undefined);
    for (const look of this.looks.values()) look.resolve(undefined);
    this.events.ended(error);
  }
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** A message is sent early when it has got this large: enough to make its fixed cost vanish, too little to hold up the other side. */
const maxBatchCalls = 256;
const maxBatchBytes = 256 * 1024;

const probeEveryMs = 1_000;

/** What of a call's round trip the coprocess does not account for was spent on the link. */
function addWireTime(outcomes: readonly HookOutcome[], roundTripUs: number): void {
  let linkUs = roundTripUs;
  for (const { timing } of outcomes) linkUs -= timing.queueUs + timing.wireUs + timing.runUs;
  const [first] = outcomes;
  if (first !== undefined && linkUs > 0) first.timing.wireUs += Math.round(linkUs);
}
