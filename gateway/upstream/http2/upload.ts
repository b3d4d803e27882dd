import type { ClientHttp2Stream } from 'node:http2';
import type { ClientRequest } from '../../exchange.ts';

/** Who must know which side an upload waits for. */
export interface UploadOwner {
  awaitHead(): void;
  awaitClient(): void;
}

/** Takes a client's body to the stream upstream, no faster than that takes it. */
export class Upload {
  /** Some of the body has been read, so that it cannot be sent again. */
  begun = false;
  private readonly request: ClientRequest;
  private readonly owner: UploadOwner;
  private readonly onBody: ((chunk: Buffer) => void) | undefined;
  private detach: (() => void) | undefined;

  constructor(request: ClientRequest, owner: UploadOwner, onBody: ((chunk: Buffer) => void) | undefined) {
    this.request = request;
    this.owner = owner;
    this.onBody = onBody;
  }

  to(stream: ClientHttp2Stream): void {
    const { request, owner } = this;
    const onData = (chunk: Buffer) => {
      this.begun = true;
      this.onBody?.(chunk);
      if (stream.write(chunk)) return;
      request.pause();
      owner.awaitHead();
    };
    const onEnd = () => {
      this.begun = true;
      stream.end();
      owner.awaitHead();
    };
    const onDrain = () => {
      owner.awaitClient();
      request.resume();
    };
    this.stop();
    owner.awaitClient();
    request.on('data', onData).on('end', onEnd);
    stream.on('drain', onDrain);
    const detach = () => {
      request.off('data', onData).off('end', onEnd);
      stream.off('drain', onDrain);
    };
    this.detach = detach;
  }

  /** Read no more into the stream. What the client still sends is dropped, so that its connection stays usable. */
  stop(): void {
    if (this.detach === undefined) return;
    this.detach();
    this.detach = undefined;
    this.request.resume();
  }
}
