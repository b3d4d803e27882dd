/**
 * Why a hook gave no usable answer. A plugin's "no" is a {@link Reply}, plain data, and never one of these.
 *
 * - `HOOK_TIMED_OUT`: the deadline passed.
 * - `HOOK_THREW`: the plugin, or its server, ended the call with an error, or its answer could not be decoded.
 * - `REPLY_INVALID`: the answer was decoded and cannot be honoured (a bad URL, a status that is none, a missing part).
 * - `CALL_UNSENDABLE`: the call cannot be put on the wire (text that is not UTF-8, a message over the limit).
 * - `HOOK_UNKNOWN`: no plugin of that name is loaded.
 * - `DRIVER_UNAVAILABLE`: the driver, its guest or its server cannot be reached.
 * - `OVERLOADED`: a queue was full; nothing had begun.
 * - `CANCELLED`: the client went away.
 */
export type FailureReason =
  | 'HOOK_TIMED_OUT'
  | 'HOOK_THREW'
  | 'REPLY_INVALID'
  | 'CALL_UNSENDABLE'
  | 'HOOK_UNKNOWN'
  | 'DRIVER_UNAVAILABLE'
  | 'OVERLOADED'
  | 'CANCELLED';

/** What a failure means outside: gRPC status code (for `coprocess.Dispatcher`), HTTP status in precise mode, and whether the call may be tried again. */
export interface FailureMeaning {
  readonly grpcStatus: number;
  readonly httpStatus: number;
  readonly retryable: boolean;
}

/** gRPC status codes: https://grpc.io/docs/guides/status-codes/. */
const meanings: Record<FailureReason, FailureMeaning> = {
  HOOK_TIMED_OUT: { grpcStatus: 4, httpStatus: 504, retryable: false },
  HOOK_THREW: { grpcStatus: 13, httpStatus: 500, retryable: false },
  REPLY_INVALID: { grpcStatus: 13, httpStatus: 500, retryable: false },
  CALL_UNSENDABLE: { grpcStatus: 3, httpStatus: 500, retryable: false },
  HOOK_UNKNOWN: { grpcStatus: 12, httpStatus: 500, retryable: false },
  DRIVER_UNAVAILABLE: { grpcStatus: 14, httpStatus: 503, retryable: true },
  OVERLOADED: { grpcStatus: 8, httpStatus: 503, retryable: true },
  CANCELLED: { grpcStatus: 1, httpStatus: 499, retryable: false },
};

export function meaningOf(reason: FailureReason): FailureMeaning {
  return meanings[reason];
}

export function isFailureReason(text: string): text is FailureReason {
  return Object.hasOwn(meanings, text);
}

/** A hook gave no usable answer. The message and the cause are for the operator's log; clients see neither. */
export class PluginFailure extends Error {
  readonly reason: FailureReason;

  constructor(reason: FailureReason, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'PluginFailure';
    this.reason = reason;
  }

  /** Any thrown value as a failure: itself if it is one, else `HOOK_THREW` with the value as cause. */
  static from(thrown: unknown): PluginFailure {
    if (thrown instanceof PluginFailure) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new PluginFailure('HOOK_THREW', message, { cause: thrown });
  }
}
