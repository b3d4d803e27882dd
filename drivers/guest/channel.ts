import { FrameReader, FrameWriter, type OnMessage } from './frame.ts';

/**
 * One end of the pipe between host and guest. Messages of one turn of the event loop leave as one frame: answers and calls of many
 * requests share a system call and a parse, which is most of what a call through a pipe costs.
 */
export class FrameChannel {
  private readonly reader: FrameReader;
  private readonly writer = new FrameWriter();
  private readonly write: (buffers: Buffer[]) => void;
  /** Number of the frame that the next message will be in. */
  frame = 0;
  private scheduled: boolean = false;
  private closed: boolean = false;

  constructor(maxFrameBytes: number, onMessage: OnMessage, write: (buffers: Buffer[]) => void) {
    this.reader = new FrameReader(maxFrameBytes, onMessage);
    this.write = write;
  }

  /** Bytes that have come. @throws {FrameError} when the peer does not speak the protocol. */
  receive(chunk: Buffer): void {
    this.reader.push(chunk);
  }

  /** Send a message, given as JSON text, and the bytes it owns. */
  send(json: string, parts?: readonly Uint8Array[]): void {
    if (this.closed) return;
    this.writer.add(json, parts);
    if (this.writer.size > maxBatchBytes) this.flush();
    else if (!this.scheduled) {
      this.scheduled = true;
      // Not a microtask: requests, and answers, arrive in different callbacks of one poll phase.
      setImmediate(this.onTurn);
    }
  }

  /** Send now what waits for the end of the turn. */
  flush(): void {
    if (this.writer.size === 0 || this.closed) return;
    this.frame++;
    this.write(this.writer.take());
  }

  close(): void {
    this.closed = true;
  }

  private readonly onTurn = (): void => {
    this.scheduled = false;
    this.flush();
  };
}

/** A batch this large is sent before the turn ends, so that the other side can begin. */
const maxBatchBytes = 256 * 1024;
