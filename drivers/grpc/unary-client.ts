import { constants } from 'node:http2';
import { performance } from 'node:perf_hooks';
import { type ChannelInterface, experimental, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { CallTable } from '../../contract/call-table.ts';
import { DeadlineTimer } from '../../contract/deadline-timer.ts';
import { messageOf, prefixBytes, writePrefix } from './message-frame.ts';
import type { ReadyPicker } from './ready-picker.ts';

export interface UnaryClientOptions {
  readonly channel: ChannelInterface;
  readonly ready: ReadyPicker;
  /** `:authority` of the calls. */
  readonly authority: string;
  /** Largest reply, in bytes, or infinity. */
  readonly maxReceiveBytes: number;
}

/** A call of bytes for bytes. */
export interface UnaryRequest {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** The message, behind room for its prefix. */
  readonly frame: Buffer;
  /** Metadata: name, value, name, value, ... */
  readonly headers: readonly string[];
  /** On the clock of `performance.now()`; infinity: none. */
  readonly deadlineMs: number;
  /** Told once how the call ended; `reply` is there when the status is OK. */
  readonly onEnd: (ended: StatusObject, reply: Buffer | undefined) => void;
}

export interface UnaryCall {
  cancel(): void;
}

/**
 * Unary calls at the least cost that grpc-js allows. What it does for a connection is kept: resolving, balancing, connecting again,
 * keepalive, TLS. What it does for each call is not needed for one message each way: a call starts on the connection that the
 * balancing policy picks. Where none is ready, or the server refused the stream unread, the channel's own kind of call does the rest.
 */
export class UnaryClient {
  private readonly options: UnaryClientOptions;
  private readonly open = new CallTable<DirectCall>();
  private lastId = 0;
  private readonly deadlines = new DeadlineTimer((nowMs) => this.endDue(nowMs));
  private readonly plain = directMetadata([]);

  constructor(options: UnaryClientOptions) {
    this.options = options;
  }

  /** Begin a call. */
  begin(request: UnaryRequest): UnaryCall {
    const metadata = request.headers.length === 0 ? this.plain : directMetadata(request.headers);
    const pick = this.options.ready.picker?.pick({ metadata, extraPickInfo: {} });
    if (pick?.pickResultType !== experimental.PickResultType.COMPLETE || pick.subchannel === null) {
      return this.beginOnChannel(request);
    }
    const id = ++this.lastId;
    const call = new DirectCall(request, this.options.maxReceiveBytes, (ended, reply) => {
      this.open.take(id);
      if (!wasRefused(ended) || call.cancelled) return request.onEnd(ended, reply);
      call.retried = this.beginOnChannel(request);
    });
    try {
      setTimeoutHeader(metadata, request.deadlineMs);
      call.begin(
        pick.subchannel.getRealSubchannel().createCall(metadata, this.options.authority, request.path, call, 0),
      );
    } catch {
      // The connection was lost, and the policy has not been told of it yet.
      return this.beginOnChannel(request);
    }
    this.open.set(id, call);
    this.deadlines.watch(request.deadlineMs);
    return call;
  }

  private beginOnChannel({ path, frame, headers, deadlineMs, onEnd }: UnaryRequest): UnaryCall {
    const deadline = Number.isFinite(deadlineMs) ? Date.now() + deadlineMs - performance.now() : deadlineMs;
    const call = this.options.channel.createCall(path, deadline, null, null, null);
    let reply: Buffer | undefined;
    call.start(metadataOf(headers), {
      onReceiveMetadata() {},
      onReceiveMessage(bytes: Buffer | null) {
        if (bytes !== null) reply = bytes;
      },
      onReceiveStatus: (ended) => endOnce(ended, reply, onEnd),
    });
    call.startRead();
    call.sendMessageWithContext({}, frame.subarray(prefixBytes));
    call.halfClose();
    return { cancel: () => call.cancelWithStatus(status.CANCELLED, 'Cancelled on client') };
  }

  private endDue(nowMs: number): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const call of this.open.values()) {
      if (call.deadlineMs <= nowMs) call.expire();
      else if (call.deadlineMs < earliestMs) earliestMs = call.deadlineMs;
    }
    return earliestMs;
  }
}

type SubchannelCall = ReturnType<ReturnType<experimental.SubchannelInterface['getRealSubchannel']>['createCall']>;

/** A call on one connection, which frames its messages itself. */
class DirectCall implements UnaryCall {
  readonly deadlineMs: number;
  cancelled = false;
  /** What goes on in its place. */
  retried: UnaryCall | undefined;
  private readonly frame: Buffer;
  private readonly maxReceiveBytes: number;
  private readonly onEnd: UnaryRequest['onEnd'];
  private readonly beganMs = performance.now();
  private call: SubchannelCall | undefined;
  private encoding = 'identity';
  private reply: Buffer | undefined;

  constructor({ frame, deadlineMs }: UnaryRequest, maxReceiveBytes: number, onEnd: UnaryRequest['onEnd']) {
    this.frame = frame;
    this.deadlineMs = deadlineMs;
    this.maxReceiveBytes = maxReceiveBytes;
    this.onEnd = onEnd;
  }

  begin(call: SubchannelCall): void {
    this.call = call;
    call.startRead();
    writePrefix(this.frame);
    call.sendMessageWithContext({}, this.frame);
    call.halfClose();
  }

  cancel(): void {
    this.cancelled = true;
    this.call?.cancelWithStatus(status.CANCELLED, 'Cancelled on client');
    this.retried?.cancel();
  }

  expire(): void {
    const seconds = ((performance.now() - this.beganMs) / 1000).toFixed(3);
    this.call?.cancelWithStatus(
      status.DEADLINE_EXCEEDED,
      `Deadline exceeded after ${seconds}s,remote_addr=${this.call.getPeer()}`,
    );
  }

  onReceiveMetadata(metadata: Metadata): void {
    const [encoding] = metadata.get('grpc-encoding');
    if (encoding !== undefined) this.encoding = String(encoding);
  }

  onReceiveMessage(frame: Buffer): void {
    this.reply = frame;
  }

  onReceiveStatus(ended: StatusObject): void {
    if (ended.code !== status.OK || this.reply === undefined) return endOnce(ended, undefined, this.onEnd);
    const read = messageOf(this.reply, this.encoding, this.maxReceiveBytes);
    if (Buffer.isBuffer(read)) this.onEnd(ended, read);
    else this.onEnd({ ...read, metadata: ended.metadata }, undefined);
  }
}

function endOnce(ended: StatusObject, reply: Buffer | undefined, onEnd: UnaryRequest['onEnd']): void {
  if (ended.code !== status.OK || reply !== undefined) return onEnd(ended, reply);
  onEnd({ ...ended, code: status.UNIMPLEMENTED, details: 'No message received' }, undefined);
}

/** The server has not read the call: it may be sent again. */
function wasRefused(ended: StatusObject & { readonly rstCode?: number }): boolean {
  return ended.rstCode === constants.NGHTTP2_REFUSED_STREAM;
}

function metadataOf(headers: readonly string[]): Metadata {
  const metadata = new Metadata();
  for (let i = 0; i + 1 < headers.length; i += 2) metadata.set(headers[i] as string, headers[i + 1] as string);
  return metadata;
}

/** With what the channel's filters would have added. */
function directMetadata(headers: readonly string[]): Metadata {
  const metadata = metadataOf(headers);
  metadata.set('grpc-accept-encoding', 'identity,deflate,gzip');
  return metadata;
}

/** Longest `grpc-timeout`, in milliseconds: its value has eight digits at most (gRPC over HTTP/2, "Timeout"). */
const longestTimeoutMs = 99_999_999;

function setTimeoutHeader(metadata: Metadata, deadlineMs: number): void {
  const leftMs = Math.max(1, Math.ceil(deadlineMs - performance.now()));
  if (leftMs <= longestTimeoutMs) metadata.set('grpc-timeout', `${leftMs}m`);
  else metadata.remove('grpc-timeout');
}
