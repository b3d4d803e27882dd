import type { ControlReply } from '../reply.ts';

/** Answers of the control API: JSON that ends with a newline. */
export function jsonReply(status: number, json: string): ControlReply {
  return { status, body: `${json}\n`, contentType: 'application/json' };
}

export function errorReply(status: number, message: string): ControlReply {
  return jsonReply(status, JSON.stringify({ status: 'error', message }));
}

/** What became of a key or a policy. */
export function doneReply(
  key: string,
  action: 'added' | 'modified' | 'updated' | 'deleted',
  keyHash?: string,
): ControlReply {
  return jsonReply(200, JSON.stringify({ key, status: 'ok', action, key_hash: keyHash }));
}

export const methodNotSupported = errorReply(405, 'Method not supported');
export const malformed = errorReply(400, 'Request malformed');
