import {
  type ChannelInterface,
  type InterceptingListener,
  type Metadata,
  type StatusObject,
  status,
} from '@grpc/grpc-js';

/** What a call does not need of a `Client`: interceptors, an emitter, and an `Error` made ahead for the stack of one that fails. */
export interface UnaryCallOptions {
  readonly channel: ChannelInterface;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly metadata: Metadata;
  readonly message: Buffer;
  /** On the clock of `Date.now()`; `Infinity`: none. */
  readonly deadlineMs: number;
  /** Told once how the call ended; `reply` is there when the status is OK. */
  readonly onEnd: (ended: StatusObject, reply: Buffer | undefined) => void;
}

/**
 * One unary call of bytes for bytes, begun at once, on grpc-js's channel: name resolution, balancing, reconnecting, deadlines and
 * compression are all its.
 */
export class UnaryCall implements InterceptingListener {
  private readonly call: ReturnType<ChannelInterface['createCall']>;
  private readonly onEnd: UnaryCallOptions['onEnd'];
  private reply: Buffer | undefined;

  constructor({ channel, path, metadata, message, deadlineMs, onEnd }: UnaryCallOptions) {
    this.onEnd = onEnd;
    this.call = channel.createCall(path, deadlineMs, null, null, null);
    this.call.start(metadata, this);
    this.call.startRead();
    this.call.sendMessageWithContext({}, message);
    this.call.halfClose();
  }

  cancel(): void {
    this.call.cancelWithStatus(status.CANCELLED, 'Cancelled on client');
  }

  onReceiveMetadata(): void {}

  onReceiveMessage(message: Buffer | null): void {
    if (this.reply !== undefined) this.call.cancelWithStatus(status.UNIMPLEMENTED, 'Too many responses received');
    else if (message !== null) this.reply = message;
  }

  onReceiveStatus(ended: StatusObject): void {
    if (ended.code !== status.OK || this.reply !== undefined) return this.onEnd(ended, this.reply);
    this.onEnd({ ...ended, code: status.UNIMPLEMENTED, details: 'No message received' }, undefined);
  }
}
