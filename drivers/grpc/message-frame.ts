import { gunzipSync, inflateSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';

/** What stands before each message: one byte that tells whether it is compressed, and four with its length (gRPC over HTTP/2). */
export const prefixBytes = 5;

/** Write the prefix of a message that is not compressed into the room before it. */
export function writePrefix(frame: Buffer): void {
  frame[0] = 0;
  frame.writeUInt32BE(frame.length - prefixBytes, 1);
}

/** The message in a whole frame, or what is wrong with it. `encoding` is what the peer said of compressed ones. */
export function messageOf(
  frame: Buffer,
  encoding: string,
  maxBytes: number,
): Buffer | { readonly code: status; readonly details: string } {
  const message = frame.subarray(prefixBytes);
  if (frame[0] === 0) return message;
  const decompress = decompressors.get(encoding);
  if (decompress === undefined) {
    return { code: status.UNIMPLEMENTED, details: `Received message compressed with unsupported encoding ${encoding}` };
  }
  try {
    return decompress(message, Number.isFinite(maxBytes) ? { maxOutputLength: maxBytes } : {});
  } catch (error) {
    const tooLarge = error instanceof RangeError;
    return {
      code: tooLarge ? status.RESOURCE_EXHAUSTED : status.INTERNAL,
      details: tooLarge
        ? `Received message that decompresses to more than ${maxBytes} bytes`
        : `Received message that does not decompress: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

const decompressors = new Map([
  ['gzip', gunzipSync],
  ['deflate', inflateSync],
]);
