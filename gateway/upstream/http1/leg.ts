import type { Dispatcher } from 'undici';
import { canonicalName } from '../../../contract/canonical.ts';
import type { Call } from '../call.ts';
import { writeInformation } from '../client-response.ts';
import { Delivery, type DeliverySource } from '../delivery.ts';
import { codeOf, isSafe, toUpstreamError } from '../failure.ts';
import { http1Head, originForm } from '../request-head.ts';
import type { Trailers } from '../trailers.ts';
import { UpstreamError, type UpstreamResult } from '../upstream.ts';
import { type BodyOwner, ClientBody } from './body.ts';
import { ProxiedClient } from './proxied-client.ts';

/** What http2-proxy looks at to see whether a request is connected: undici sees to that. */
const connected = { connecting: false };
const nothing = {};

/**
 * One request to an HTTP/1.1 upstream. To http2-proxy it is a `ClientRequest` and its response in one; behind it undici does the
 * request at half the cost of Node's own. A {@link Delivery} takes the response to the client.
 */
export class Http1Leg implements Dispatcher.DispatchHandler, DeliverySource, BodyOwner {
  readonly http2 = false;
  // What http2-proxy reads; `GET` keeps it from reading the client's body, `POST` makes it, whatever the request's own method is.
  readonly socket = connected;
  readonly method: 'GET' | 'POST';
  headers: object = nothing;

  private readonly call: Call;
  private readonly pool: Dispatcher;
  private readonly options: Dispatcher.DispatchOptions;
  private readonly body: ClientBody | undefined;
  private readonly delivery: Delivery;
  private readonly client: ProxiedClient;
  private readonly startedMs = performance.now();
  private headMs = 0;
  private headTimer: NodeJS.Timeout | undefined;
  private controller: Dispatcher.DispatchController | undefined;
  private dispatched = false;
  /** Something of a response has come. */
  private answered = false;
  private retried = false;
  /** Undici is done with it, one way or the other. */
  private done = false;
  private failure: unknown;
  private status = 0;
  private lines: string[] | undefined;
  private onResponse: ((response: this) => void) | undefined;
  private onDrain: (() => void) | undefined;

  /** `serverName`: what TLS is to ask for; undici would take the client's `Host`, and connect anew for each. */
  constructor(call: Call, pool: Dispatcher, serverName: string | undefined, idleBodyTimeoutMs: number) {
    const { request, response, to, steps } = call;
    const head = http1Head(to, call.body?.length);
    this.call = call;
    this.pool = pool;
    this.method = call.body === undefined ? 'GET' : 'POST';
    this.body = call.body === undefined ? undefined : new ClientBody(this);
    const options: Dispatcher.DispatchOptions & { servername?: string } = {
      path: originForm(to.target),
      method: to.method,
      headers: head.entries,
      body: (this.body ?? to.body ?? null) as Buffer | null,
      // The timer below is the one that counts. Undici's may be as long as that for the body: then it keeps one timer for both.
      headersTimeout: to.timeoutMs < idleBodyTimeoutMs ? idleBodyTimeoutMs : 0,
      bodyTimeout: idleBodyTimeoutMs,
    };
    if (serverName !== undefined) options.servername = serverName;
    this.options = options;
    this.delivery = new Delivery({ request, response, steps, method: to.method, unzip: head.unzip }, this);
    this.client = new ProxiedClient(request, this);
  }

  /** Do it. Resolves when the client has its response, or is gone. @throws {UpstreamError} when nothing was sent to it. */
  async run(): Promise<UpstreamResult> {
    const running = this.client.run();
    const stopListening = this.call.to.cancellation?.onCancel(() => this.delivery.cancel());
    try {
      await running;
    } finally {
      stopListening?.();
      clearTimeout(this.headTimer);
    }
    if (this.failure !== undefined) throw this.failure;
    return { status: this.delivery.status, headMs: this.headMs };
  }

  /** http2-proxy has seen the head. */
  deliver(): void {
    this.delivery.start(this.status, this.lines ?? []);
  }

  // What http2-proxy calls, taking it for a ClientRequest and its response:

  on(event: string, listener: (argument?: unknown) => void): this {
    if (event === 'response') this.onResponse = listener;
    else if (event === 'drain') this.onDrain = listener;
    return this;
  }

  off(): this {
    return this;
  }

  write(chunk: Buffer): boolean {
    const body = this.body as ClientBody;
    body.write(chunk);
    this.call.to.onBody?.(chunk);
    // It may take the chunk at once, so that there is nothing to wait for.
    if (!this.dispatched) this.dispatch();
    if (!body.flowing) this.awaitHead();
    return body.flowing;
  }

  end(): void {
    this.body?.end();
    if (!this.dispatched) this.dispatch();
    this.awaitHead();
  }

  /** Comes at every end: a request that is over is not touched. */
  abort(): void {
    this.abandon();
  }

  destroy(): void {}

  // What the body calls:

  bodyDrained(): void {
    clearTimeout(this.headTimer);
    this.onDrain?.call(this);
  }

  // What the delivery calls:

  pause(): void {
    this.controller?.pause();
  }

  resume(): void {
    this.controller?.resume();
  }

  abandon(): void {
    if (this.done) return;
    this.done = true;
    this.controller?.abort(abandoned);
  }

  settled(error: unknown): void {
    this.failure = error;
    this.client.finish();
  }

  // What undici calls:

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Thrown, not aborted: a request that waited for a connection in vain must not cost the one that came free.
    if (this.done) throw abandoned;
    this.controller = controller;
  }

  onResponseStarted(): void {
    this.answered = true;
  }

  onResponseStart(_: unknown, status: number, headers: Trailers): void {
    if (this.done) return;
    const lines = canonicalLines(headers);
    if (status < 200) {
      writeInformation(this.call.response, status, lines);
      return;
    }
    clearTimeout(this.headTimer);
    this.headMs = performance.now() - this.startedMs;
    this.status = status;
    this.lines = lines;
    this.onResponse?.call(this, this);
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    this.delivery.data(chunk);
  }

  onResponseEnd(_: unknown, trailers: Trailers): void {
    this.done = true;
    this.delivery.end(trailers);
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.done) return;
    if (this.mayRetry(error)) {
      this.retried = true;
      this.controller = undefined;
      // Undici is in the middle of taking the connection down.
      process.nextTick(() => this.dispatch());
      return;
    }
    this.done = true;
    this.delivery.fail(toUpstreamError(error, this.controller !== undefined));
  }

  private dispatch(): void {
    this.dispatched = true;
    this.pool.dispatch(this.options, this);
  }

  /**
   * An idle connection may be closed by the upstream just as it is used again, which is nobody's fault. A request that changes nothing
   * and can be repeated is sent once more then.
   */
  private mayRetry(error: Error): boolean {
    if (this.retried || this.answered || this.controller === undefined || this.body !== undefined) return false;
    if (!isSafe(this.call.to.method)) return false;
    const code = codeOf(error);
    return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
  }

  /** From now on it is the upstream who is waited for. */
  private awaitHead(): void {
    const { timeoutMs } = this.call.to;
    if (this.status !== 0 || this.done || !(timeoutMs > 0)) return;
    clearTimeout(this.headTimer);
    this.headTimer = setTimeout(headTimedOut, Math.min(timeoutMs, longestTimerMs), this);
  }

  /** No head came in time. */
  timedOut(): void {
    if (this.done) return;
    this.delivery.fail(
      new UpstreamError('TIMED_OUT', `the upstream sent no response within ${this.call.to.timeoutMs} ms`),
    );
    this.abandon();
  }
}

const abandoned = new Error('nobody waits for the response any more');

/** Node's timers hold no more. */
const longestTimerMs = 2 ** 31 - 1;

function headTimedOut(leg: Http1Leg): void {
  leg.timedOut();
}

/** Undici's headers as lines: names in canonical case, repeated ones apart. */
function canonicalLines(headers: Trailers): string[] {
  const lines: string[] = [];
  for (const name in headers) {
    const value = headers[name];
    const canonical = canonicalName(name);
    if (typeof value === 'string') lines.push(canonical, value);
    else if (value !== undefined) for (const one of value) lines.push(canonical, one);
  }
  return lines;
}
