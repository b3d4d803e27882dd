import { type ClientHttp2Stream, constants } from 'node:http2';
import { canonicalName } from '../../../contract/canonical.ts';
import type { Call } from '../call.ts';
import { writeInformation } from '../client-response.ts';
import { Delivery, type DeliverySource } from '../delivery.ts';
import { codeOf, isSafe, toUpstreamError } from '../failure.ts';
import { http2Head, type RequestHead } from '../request-head.ts';
import { passableTrailers, type Trailers } from '../trailers.ts';
import { UpstreamError, type UpstreamResult } from '../upstream.ts';
import type { Http2Session } from './session.ts';
import { type Http2Sessions, NotHttp2 } from './sessions.ts';
import { Upload } from './upload.ts';

const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

/**
 * One request to an HTTP/2 upstream. Both directions stream at the same time, each with its own backpressure and end, trailers
 * included, which is what gRPC needs. http2-proxy has no part in it: it writes HTTP/1.1 only.
 */
export class Http2Leg implements DeliverySource {
  readonly http2 = true;
  private readonly call: Call;
  private readonly sessions: Http2Sessions;
  private readonly head: RequestHead;
  private readonly delivery: Delivery;
  private readonly upload: Upload | undefined;
  private readonly startedMs = performance.now();
  private headMs = 0;
  private headTimer: NodeJS.Timeout | undefined;
  private session: Http2Session | undefined;
  private stream: ClientHttp2Stream | undefined;
  private trailers: Trailers | undefined;
  private bodyBytesLeft: number | undefined;
  private retried = false;
  /** The upstream is done with it, one way or the other. */
  private done = false;
  private resolve: (() => void) | undefined;
  private reject: ((error: unknown) => void) | undefined;

  /** @throws {UpstreamError} `FAILED` when the request cannot be sent. */
  constructor(call: Call, sessions: Http2Sessions, scheme: 'http' | 'https') {
    const { request, response, to, steps, body } = call;
    this.call = call;
    this.sessions = sessions;
    this.head = http2Head(to, scheme, body === undefined ? lengthOf(to.method, to.body) : body.length);
    this.upload = body === undefined ? undefined : new Upload(request, this, to.onBody);
    this.delivery = new Delivery({ request, response, steps, method: to.method, unzip: this.head.unzip }, this);
  }

  /**
   * Do it. Resolves when the client has its response, or is gone.
   * @throws {UpstreamError} when nothing was sent to the client. @throws {NotHttp2} when nothing was sent to the upstream either.
   */
  async run(): Promise<UpstreamResult> {
    const settled = new Promise<void>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.awaitHead();
    this.begin();
    const stopListening = this.call.to.cancellation?.onCancel(() => this.delivery.cancel());
    try {
      await settled;
    } finally {
      stopListening?.();
      clearTimeout(this.headTimer);
    }
    return { status: this.delivery.status, headMs: this.headMs };
  }

  pause(): void {
    this.stream?.pause();
  }

  resume(): void {
    this.stream?.resume();
  }

  abandon(): void {
    this.done = true;
    this.upload?.stop();
    this.stream?.close(NGHTTP2_CANCEL);
  }

  settled(error: unknown): void {
    // A response may be over before the request is; what is left of that is of no use.
    this.abandon();
    if (error === undefined) this.resolve?.();
    else this.reject?.(error);
  }

  /** From now on it is the upstream who is waited for. */
  awaitHead(): void {
    const { timeoutMs } = this.call.to;
    if (this.delivery.status !== 0 || this.done || !(timeoutMs > 0)) return;
    clearTimeout(this.headTimer);
    this.headTimer = setTimeout(() => this.timedOut(), Math.min(timeoutMs, longestTimerMs));
  }

  /** From now on it is the client who is waited for. */
  awaitClient(): void {
    clearTimeout(this.headTimer);
  }

  private begin(): void {
    this.sessions.acquire().then(
      (session) => this.send(session),
      (error: unknown) => this.unreached(error),
    );
  }

  private send(session: Http2Session): void {
    if (this.done) {
      session.release();
      return;
    }
    const { body } = this.call.to;
    const { upload } = this;
    const hasBody = upload !== undefined || (body !== undefined && body.length > 0);
    const stream = session.open(this.head.entries, { endStream: !hasBody, waitForTrailers: upload !== undefined });
    this.stream = stream;
    this.session = session;
    stream.on('headers', (_, __, raw) => this.informed(raw));
    stream.on('response', (_, flags, raw) => this.begun(stream, raw, flags));
    stream.on('data', (chunk: Buffer) => this.received(chunk));
    stream.on('trailers', (trailers) => {
      this.trailers = trailers as Trailers;
    });
    stream.on('end', () => this.ended(stream));
    stream.on('error', (error) => this.broken(stream, error));
    stream.on('close', () => this.broken(stream, closedEarly(stream)));
    if (upload === undefined) {
      if (hasBody) stream.end(body);
      return;
    }
    stream.on('wantTrailers', () => stream.sendTrailers(passableTrailers(this.call.request.trailers, false)));
    upload.to(stream);
  }

  private informed(raw: readonly string[]): void {
    const lines = canonicalLines(raw);
    writeInformation(this.call.response, statusIn(raw), lines);
  }

  private begun(stream: ClientHttp2Stream, raw: readonly string[], flags: number): void {
    if (this.done) return;
    clearTimeout(this.headTimer);
    this.headMs = performance.now() - this.startedMs;
    const lines = canonicalLines(raw);
    this.bodyBytesLeft = this.call.to.method === 'HEAD' ? undefined : contentLength(lines);
    this.delivery.start(statusIn(raw), lines);
    // All there is, as gRPC's errors are: it must reach an HTTP/2 client in one frame too.
    if ((flags & NGHTTP2_FLAG_END_STREAM) !== 0) this.ended(stream);
  }

  private received(chunk: Buffer): void {
    if (this.done) return;
    if (this.bodyBytesLeft !== undefined) this.bodyBytesLeft -= chunk.length;
    this.delivery.data(chunk);
  }

  private ended(stream: ClientHttp2Stream): void {
    if (this.done) return;
    // Node ends a stream that was reset with CANCEL or NO_ERROR, or whose session went, as if it had come to its end.
    if (stream.rstCode !== NGHTTP2_NO_ERROR || this.delivery.status === 0 || (this.bodyBytesLeft ?? 0) > 0) {
      this.broken(stream, closedEarly(stream));
      return;
    }
    this.done = true;
    this.delivery.end(this.trailers);
  }

  /** No session could be had. */
  private unreached(error: unknown): void {
    if (this.done) return;
    this.done = true;
    if (error instanceof NotHttp2) {
      this.delivery.withdraw();
      this.reject?.(error);
    } else this.delivery.fail(toUpstreamError(error, false));
  }

  private broken(stream: ClientHttp2Stream, error: unknown): void {
    if (this.done || stream !== this.stream) return;
    const untouched = isUntouched(error, stream);
    if (this.mayRetry(untouched)) {
      this.retried = true;
      this.stream = undefined;
      this.begin();
      return;
    }
    this.done = true;
    this.upload?.stop();
    this.delivery.fail(toUpstreamError(error, !untouched));
  }

  /** Once, when the upstream did nothing with it or nothing can have been changed, and what was sent can be sent again. */
  private mayRetry(untouched: boolean): boolean {
    if (this.retried || this.delivery.status !== 0 || this.upload?.begun === true) return false;
    return untouched || (isSafe(this.call.to.method) && this.session?.session.destroyed === true);
  }

  private timedOut(): void {
    if (this.done) return;
    const { timeoutMs } = this.call.to;
    this.delivery.fail(new UpstreamError('TIMED_OUT', `the upstream sent no response within ${timeoutMs} ms`));
    this.abandon();
  }
}

/** Node's timers hold no more. */
const longestTimerMs = 2 ** 31 - 1;

/** What Content-Length says of a body that is sent as a whole: as Go has it, nothing of none, but for methods that should have one. */
function lengthOf(method: string, body: Buffer | undefined): string | undefined {
  if (body !== undefined && body.length > 0) return String(body.length);
  return method === 'POST' || method === 'PUT' || method === 'PATCH' ? '0' : undefined;
}

function canonicalLines(raw: readonly string[]): string[] {
  const lines: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.charCodeAt(0) !== 0x3a) lines.push(canonicalName(name), raw[i + 1] as string);
  }
  return lines;
}

function statusIn(raw: readonly string[]): number {
  const at = raw.indexOf(':status');
  return Number(raw[at + 1]);
}

function contentLength(lines: readonly string[]): number | undefined {
  const at = lines.indexOf('Content-Length');
  return at < 0 || at % 2 === 1 ? undefined : Number(lines[at + 1]);
}

function closedEarly(stream: ClientHttp2Stream): Error {
  return new Error(`the stream was closed with code ${stream.rstCode} before the response was whole`);
}

/** The upstream never looked at the request: it said so, or the session was on its way out before the request got onto it. */
function isUntouched(error: unknown, stream: ClientHttp2Stream): boolean {
  const code = codeOf(error);
  return (
    stream.rstCode === NGHTTP2_REFUSED_STREAM ||
    code === 'ERR_HTTP2_GOAWAY_SESSION' ||
    code === 'ERR_HTTP2_INVALID_SESSION'
  );
}
