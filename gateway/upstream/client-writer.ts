import type { ServerResponse } from 'node:http';
import type { ClientResponse } from '../exchange.ts';
import { copyOf, type ResponseCopy } from '../response-copy.ts';
import { breakOff, endResponse, isGone, streamOf, writeBody, writeHead } from './client-response.ts';
import type { ResponseHead } from './response-head.ts';
import type { Trailers } from './trailers.ts';
import { UpstreamError } from './upstream.ts';

/** Who writes, and hears how the client takes it. */
export interface WriterOwner {
  /** The client reads slower than it is written to: wait for `clientReady`. */
  clientBusy(): void;
  clientReady(): void;
  /** The client has it all (`complete`), or is gone. The last call. */
  clientClosed(complete: boolean): void;
  /** The head cannot be sent; nothing was. */
  headRefused(error: UpstreamError): void;
}

/**
 * Writes one response to its client. The head waits until the end of the event-loop turn, for then a small response goes out in one
 * write, and one that came in chunks gets a length.
 */
export class ClientWriter {
  /** Bytes may be on their way to the client. */
  begun = false;
  private readonly response: ClientResponse;
  private readonly owner: WriterOwner;
  /** What comes over HTTP/2 came without a length on purpose. */
  private readonly fromHttp2: boolean;
  private readonly copy: ResponseCopy | undefined;
  /** The head, until it is written, and the first part of the body with it. */
  private head: ResponseHead | undefined;
  private held: Buffer | undefined;
  private bodiless = false;
  private busy = false;
  private listensForDrain = false;
  private ended = false;
  private over = false;
  private readonly onClose: () => void;

  constructor(response: ClientResponse, owner: WriterOwner, fromHttp2: boolean) {
    this.response = response;
    this.owner = owner;
    this.fromHttp2 = fromHttp2;
    this.copy = copyOf(response);
    // V8 puts a closure that is assigned straight to a property into the old generation; it would keep the whole request from being
    // collected young: measured, a third of all garbage lived on that way.
    const onClose = () => this.closed();
    this.onClose = onClose;
    response.on('close', onClose);
  }

  /** `bodiless`: a body that comes all the same is not for this client. */
  start(head: ResponseHead, bodiless: boolean): void {
    this.head = head;
    this.bodiless = bodiless;
    flushAfterTurn(this);
  }

  write(chunk: Buffer): void {
    if (this.over || this.bodiless) return;
    if (this.begun) this.writeNow(chunk);
    else if (this.held === undefined) this.held = chunk;
    else {
      this.flush();
      this.writeNow(chunk);
    }
  }

  end(trailers: Trailers | undefined): void {
    if (this.over || this.ended) return;
    const { held } = this;
    if (!this.begun) this.writeHead(true, trailers);
    if (this.over) return;
    this.ended = true;
    if (held !== undefined) this.copy?.body(held);
    endResponse(this.response, held, this.bodiless ? undefined : trailers);
  }

  /** What waits for the end of the turn goes out. */
  flush(): void {
    if (this.over || this.begun) return;
    const { held, response } = this;
    this.writeHead(false, undefined);
    if (held !== undefined) this.writeNow(held);
    else if (this.begun && streamOf(response) === undefined) (response as ServerResponse).flushHeaders();
  }

  /** The rest will never come: the client must see that, unless it has all. */
  breakOff(): void {
    if (!this.ended) breakOff(this.response);
  }

  /** Leave the response to another; nothing has been done to it. */
  withdraw(): void {
    this.over = true;
    this.response.off('close', this.onClose);
  }

  /** `complete`: the end of the response is here. */
  private writeHead(complete: boolean, trailers: Trailers | undefined): void {
    const { response, bodiless, held } = this;
    const head = this.head as ResponseHead;
    this.head = undefined;
    this.held = undefined;
    if (isGone(response)) {
      this.closed();
      return;
    }
    const trails = !isEmpty(trailers);
    if (!bodiless) {
      if (held !== undefined) head.addType(held);
      if (complete && !trails && head.trailer === undefined && !this.fromHttp2) head.addLength(held?.length ?? 0);
    }
    // Without room for trailers Node would end the stream properly before it resets it, should it have to be broken off.
    const mayTrail = !bodiless && (!complete || trails);
    try {
      writeHead(response, head, bodiless || (complete && held === undefined && !trails), mayTrail);
      this.begun = true;
      this.copy?.head(head.status, head.entries);
    } catch (cause) {
      const text = (cause as Error).message;
      this.owner.headRefused(new UpstreamError('FAILED', `the response cannot be sent: ${text}`, { cause }));
    }
  }

  private writeNow(chunk: Buffer): void {
    if (this.over) return;
    this.copy?.body(chunk);
    if (writeBody(this.response, chunk) || this.busy) return;
    this.busy = true;
    this.owner.clientBusy();
    if (this.listensForDrain) return;
    this.listensForDrain = true;
    (streamOf(this.response) ?? this.response).on('drain', () => this.drained());
  }

  private drained(): void {
    if (!this.busy) return;
    this.busy = false;
    this.owner.clientReady();
  }

  private closed(): void {
    if (this.over) return;
    this.over = true;
    this.owner.clientClosed(this.ended);
  }
}

function isEmpty(trailers: Trailers | undefined): boolean {
  for (const _ in trailers) return false;
  return true;
}

const waiting: ClientWriter[] = [];

/** One `setImmediate` for all responses of a turn. */
function flushAfterTurn(writer: ClientWriter): void {
  if (waiting.push(writer) === 1) setImmediate(flushAll);
}

function flushAll(): void {
  for (const writer of waiting.splice(0)) writer.flush();
}
