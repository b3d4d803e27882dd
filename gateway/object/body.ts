import { emptyBody } from '../../contract/request-state.ts';
import type { ClientRequest } from '../exchange.ts';

/** The request has a body, or may have one. */
export function mayHaveBody(request: ClientRequest): boolean {
  if (request.httpVersionMajor === 2)
    return !(request as { stream?: { endAfterHeaders: boolean } }).stream?.endAfterHeaders;
  const length = request.headers['content-length'];
  if (length !== undefined) return length !== '0';
  return request.headers['transfer-encoding'] !== undefined;
}

/** Why a body could not be read. */
export class BodyError extends Error {
  readonly reason: 'TOO_LARGE' | 'BROKEN_OFF';

  constructor(reason: BodyError['reason'], message: string) {
    super(message);
    this.name = 'BodyError';
    this.reason = reason;
  }
}

/**
 * Read a request's whole body. @throws {BodyError} past `maxBytes` (0 sets no limit), or when the client breaks off.
 */
export function readBody(request: ClientRequest, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const announced = Number(request.headers['content-length'] ?? 0);
    const tooLarge = (): void => {
      cleanUp();
      request.resume();
      reject(new BodyError('TOO_LARGE', `the request's body is larger than ${maxBytes} bytes (limits.maxBodyBytes)`));
    };
    if (maxBytes > 0 && announced > maxBytes) return tooLarge();
    const chunks: Buffer[] = [];
    let length = 0;
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (maxBytes > 0 && length > maxBytes) return tooLarge();
      chunks.push(chunk);
    };
    const onEnd = (): void => {
      cleanUp();
      resolve(
        chunks.length === 0 ? emptyBody : chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length),
      );
    };
    const onBroken = (): void => {
      cleanUp();
      reject(new BodyError('BROKEN_OFF', 'the client broke off while sending the body'));
    };
    function cleanUp(): void {
      request.off('data', onData);
      request.off('end', onEnd);
      request.off('error', onBroken);
      request.off('close', onBroken);
      request.off('aborted', onBroken);
    }
    request.on('data', onData);
    request.on('end', onEnd);
    request.on('error', onBroken);
    request.on('close', onBroken);
    request.on('aborted', onBroken);
  });
}
