import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { HookOutcome } from '../contract/answer.ts';
import type { BundleUser, BundleVerdict } from '../contract/bundle-news.ts';
import { CallTable } from '../contract/call-table.ts';
import { Cancellation } from '../contract/cancellation.ts';
import { PluginFailure } from '../contract/failure.ts';
import { BodyTransfer } from '../contract/link/bodies.ts';
import type { AwaitedBody } from '../contract/link/edits.ts';
import { linkVersion } from '../contract/link/fields.ts';
import {
  writeAnswer,
  writeBundleNews,
  writeDraining,
  writeFileStamps,
  writeHostRequest,
  writeInstalled,
  writeWelcome,
} from '../contract/link/from-coprocess.ts';
import { type FromGatewayHandler, type ReceivedCall, readFromGateway } from '../contract/link/from-gateway.ts';
import { isLoaded, type PluginSet } from '../contract/plugin-set.ts';
import { RequestMessage } from '../contract/request-message.ts';
import { ResponseMessage } from '../contract/response-message.ts';
import { failedRun } from '../contract/run-hooks.ts';
import { WireWriter } from '../contract/wire/writer.ts';
import type { Coprocess } from './coprocess.ts';
import type { GatewayHost, HostServices } from './gateway-host.ts';
import { Outbox } from './outbox.ts';

/** The gateway speaks another version of the link. */
export class VersionMismatch extends Error {}

/**
 * One attached gateway, as the coprocess sees it: installs, runs and calls come in, reports and answers go out. Everything that one
 * turn of the event loop produced goes out as one message.
 */
export class LinkSession implements FromGatewayHandler {
  /** Names this session on Bodies. */
  readonly token = randomBytes(16);
  /** Messages to the gateway. */
  readonly outbox = new Outbox(() => (this.writer.length === 0 ? undefined : this.writer.take()));
  readonly bodies = new BodyTransfer((call) => call > this.lastCall);
  /** Settles when the session is over. */
  readonly ended: Promise<void>;

  private readonly coprocess: Coprocess;
  private readonly host: GatewayHost;
  private readonly coprocessId: string;
  private readonly writer = new WireWriter();
  private readonly runs = new Map<number, { digest: string; hooks: readonly number[] }>();
  /** Calls that have not been answered yet, and how to cancel them. */
  private readonly open = new CallTable<Cancellation>();
  /** Installs of this session, and whether each succeeded. */
  private readonly installs = new Map<string, Promise<boolean>>();
  private readonly asked = new Map<number, PromiseWithResolvers<unknown>>();
  private readonly services: HostServices = (service, args) => this.askGateway(service, args);
  private readonly digests: Set<string>;
  private readonly bundles: BundleUser;
  private settleEnded!: () => void;
  private idle: (() => void) | undefined;
  private over = false;
  private lastCall = 0;
  private lastAsked = 0;
  private nowMs = 0;
  private flushing = false;

  constructor(coprocess: Coprocess, host: GatewayHost, coprocessId: string) {
    this.coprocess = coprocess;
    this.host = host;
    this.coprocessId = coprocessId;
    this.digests = host.attach(this.services);
    this.bundles = coprocess.watchBundles((news) => {
      if (this.over) return;
      writeBundleNews(this.writer, news);
      this.flushSoon();
    });
    this.ended = new Promise((resolve) => {
      this.settleEnded = resolve;
    });
  }

  /** @throws {WireError}, {SyntaxError} or {VersionMismatch}; the session must be ended then. */
  receive(message: Buffer): void {
    this.nowMs = performance.now();
    readFromGateway(message, this);
  }

  /** The gateway is gone, or is to go: cancel its calls and let go of its sets. */
  end(error?: Error): void {
    if (this.over) return;
    this.over = true;
    this.host.detach(this.services);
    this.bundles.close();
    this.outbox.end(error);
    for (const cancellation of this.open.values()) cancellation.cancel();
    this.open.clear();
    for (const digest of this.installs.keys()) this.uninstall(digest);
    for (const { reject } of this.asked.values()) reject(new Error('the gateway went away before it answered'));
    this.asked.clear();
    this.settleEnded();
  }

  /** Tell the gateway that this coprocess is about to end. Resolves when it has left, or has found no other and waits for nothing. */
  drain(): Promise<void> {
    writeDraining(this.writer);
    this.flushSoon();
    const idle = new Promise<void>((resolve) => {
      setTimeout(() => {
        this.idle = resolve;
        if (this.open.size === 0) resolve();
      }, successorMs).unref();
    });
    return Promise.race([this.ended, idle]);
  }

  hello(version: number, gatewayId: string): void {
    if (version !== linkVersion) {
      throw new VersionMismatch(
        `gateway "${gatewayId}" speaks version ${version} of the link, this coprocess version ${linkVersion}: run the same release on both sides`,
      );
    }
    const { coprocessId, token } = this;
    writeWelcome(this.writer, { version: linkVersion, coprocessId, drivers: this.coprocess.drivers, token });
    this.flushSoon();
  }

  install(digest: string, set: PluginSet): void {
    this.digests.add(digest);
    const installed = this.coprocess.install(set).then((report) => {
      if (this.over) return isLoaded(report);
      writeInstalled(this.writer, report);
      this.flushSoon();
      return isLoaded(report);
    });
    const before = this.installs.get(digest);
    this.installs.set(digest, installed);
    if (before !== undefined) this.letGo(digest, before);
  }

  uninstall(digest: string): void {
    const installed = this.installs.get(digest);
    if (installed === undefined) return;
    this.installs.delete(digest);
    this.digests.delete(digest);
    for (const [number, run] of this.runs) if (run.digest === digest) this.runs.delete(number);
    this.letGo(digest, installed);
  }

  private letGo(digest: string, installed: Promise<boolean>): void {
    void installed.then((loaded) => {
      if (loaded) this.coprocess.uninstall(digest);
    });
  }

  lookAtFiles(id: number, names: readonly string[]): void {
    void this.coprocess.lookAtFiles(names).then((stamps) => {
      if (this.over) return;
      writeFileStamps(this.writer, id, stamps);
      this.flushSoon();
    });
  }

  bundlesInUse(bundles: readonly string[]): void {
    this.bundles.use(bundles);
  }

  bundleVerdict(verdict: BundleVerdict): void {
    this.bundles.judge(verdict);
  }

  defineRun(number: number, digest: string, hooks: readonly number[]): void {
    this.runs.set(number, { digest, hooks });
  }

  call(call: ReceivedCall): void {
    this.lastCall = call.id;
    const cancellation = new Cancellation();
    if (call.bodyBytes === 0 && call.responseBodyBytes === 0) {
      this.run(call, cancellation, this.nowMs + call.timeoutMs);
      return;
    }
    const deadlineMs = this.nowMs + call.timeoutMs;
    this.open.set(call.id, cancellation);
    this.bodies.expect(call.id, awaitedBodies(call), () => this.run(call, cancellation, deadlineMs));
  }

  private run(call: ReceivedCall, cancellation: Cancellation, deadlineMs: number): void {
    const { id, traceparent, tracestate } = call;
    const run = this.runs.get(call.run);
    if (run === undefined) {
      const failure = new PluginFailure('HOOK_UNKNOWN', `run ${call.run} is not defined on this link`);
      this.answer(id, failedRun(1, failure));
      return;
    }
    const outcomes = this.coprocess.run(run.digest, run.hooks, {
      request: RequestMessage.fromWire(call.request, call.body, call.originalUrl, call.repeatedHeaders),
      ...(call.sessionJson !== undefined && { sessionJson: call.sessionJson }),
      response: call.response === undefined ? undefined : ResponseMessage.fromWire(call.response, call.responseBody),
      session: call.session,
      metadata: call.metadata,
      deadlineMs,
      cancellation,
      trace:
        traceparent === undefined
          ? undefined
          : tracestate === undefined
            ? { traceparent }
            : { traceparent, tracestate },
    });
    if (!(outcomes instanceof Promise)) {
      this.answer(id, outcomes);
      return;
    }
    this.open.set(id, cancellation);
    void outcomes.then((value) => {
      if (this.open.has(id)) this.answer(id, value);
    });
  }

  private answer(id: number, outcomes: readonly HookOutcome[]): void {
    this.open.take(id);
    const mark = this.writer.length;
    try {
      writeAnswer(this.writer, id, outcomes, (part, body) => this.bodies.send(id, part, body));
    } catch (error) {
      // What a driver answered is no answer: half of it must not stay in the batch.
      this.writer.truncate(mark);
      this.bodies.forget(id);
      const failure = new PluginFailure('HOOK_THREW', 'the answer cannot be sent', { cause: error });
      writeAnswer(this.writer, id, failedRun(outcomes.length, failure), () => {});
    }
    this.flushSoon();
    if (this.idle !== undefined && this.open.size === 0) this.idle();
  }

  cancel(id: number): void {
    this.bodies.forget(id);
    this.open.take(id)?.cancel();
  }

  hostReply(id: number, reply: { result: unknown } | { error: string }): void {
    const asked = this.asked.get(id);
    this.asked.delete(id);
    if ('error' in reply) asked?.reject(new Error(reply.error));
    else asked?.resolve(reply.result);
  }

  private askGateway(service: string, args: unknown): Promise<unknown> {
    const id = ++this.lastAsked;
    try {
      writeHostRequest(this.writer, id, service, args);
    } catch (error) {
      return Promise.reject(error);
    }
    this.flushSoon();
    const asked = Promise.withResolvers<unknown>();
    this.asked.set(id, asked);
    return asked.promise;
  }

  /** Answers come in different callbacks of one poll phase, so only `setImmediate`, which runs after all of them, gathers them. */
  private flushSoon(): void {
    if (this.flushing) return;
    this.flushing = true;
    setImmediate(this.flush);
  }

  private readonly flush = (): void => {
    this.flushing = false;
    this.outbox.wake();
  };
}

/** How long a gateway may look for another coprocess, in milliseconds: it tries every 0.5 s, and then has plugins to install there. */
const successorMs = 3_000;

function awaitedBodies(call: ReceivedCall): AwaitedBody[] {
  const awaited: AwaitedBody[] = [];
  if (call.bodyBytes > 0) {
    const put = (body: Buffer): void => {
      call.body = body;
    };
    awaited.push({ part: 0, bytes: call.bodyBytes, put });
  }
  if (call.responseBodyBytes > 0) {
    const put = (body: Buffer): void => {
      call.responseBody = body;
    };
    awaited.push({ part: 1, bytes: call.responseBodyBytes, put });
  }
  return awaited;
}
