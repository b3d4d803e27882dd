import type { ServerResponse } from 'node:http';
import { HeaderList } from '../../contract/header-list.ts';
import { sniffContentType } from '../../contract/sniff.ts';
import type { ClientRequest, ClientResponse } from '../exchange.ts';
import { breakOff, endResponse, isGone, streamOf, writeBody, writeHead } from './client-response.ts';
import { BodyGunzip, type GunzipPeers } from './gunzip.ts';
import { allowsBody, ResponseHead } from './response-head.ts';
import type { Trailers } from './trailers.ts';
import { type ResponseHead as EditableHead, type ResponseSteps, UpstreamError } from './upstream.ts';

/** The upstream's side of a delivery. */
export interface DeliverySource {
  /** HTTP/2: trailers may follow whatever length was told. */
  readonly http2: boolean;
  pause(): void;
  resume(): void;
  /** The client wants no more. */
  abandon(): void;
  /** All is over. With an error: nothing was sent, and the caller is to answer. Called once. */
  settled(error: unknown): void;
}

/** What of the exchange a delivery must know. */
export interface DeliveryTerms {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly steps: ResponseSteps;
  /** Method that the upstream got. */
  readonly method: string;
  /** A gzipped body is to be unpacked. */
  readonly unzip: boolean;
}

/** What a `whole` step waits for. */
interface Collecting {
  readonly status: number;
  readonly lines: string[];
  readonly parts: Buffer[];
  bytes: number;
}

/**
 * Brings an upstream's response to the client: head edits, whole-body steps or streaming with backpressure, trailers. The head waits
 * until the end of the event-loop turn, for then a small response goes out in one write.
 */
export class Delivery implements GunzipPeers {
  /** Status that the upstream sent; 0 before. */
  status = 0;
  private readonly terms: DeliveryTerms;
  private readonly source: DeliverySource;
  /** The head, until it is written. */
  private head: ResponseHead | undefined;
  private headWritten = false;
  /** First part of the body, while the head waits. */
  private held: Buffer | undefined;
  private trailers: Trailers | undefined;
  private collecting: Collecting | undefined;
  private bodiless = false;
  private gunzip: BodyGunzip | undefined;
  private waitsForDrain = false;
  private listensForDrain = false;
  private ended = false;
  private over = false;
  private readonly onClose: () => void;

  constructor(terms: DeliveryTerms, source: DeliverySource) {
    this.terms = terms;
    this.source = source;
    this.onClose = () => this.clientClosed();
    terms.response.on('close', this.onClose);
  }

  /** The response's head: canonical names; hop-by-hop headers are among them. */
  start(status: number, lines: string[]): void {
    this.status = status;
    try {
      this.startWith(status, lines);
    } catch (error) {
      this.failOwn(error);
    }
  }

  private startWith(status: number, lines: string[]): void {
    const { request, response, steps, method, unzip } = this.terms;
    if (unzip && allowsBody(status) && method !== 'HEAD') this.startGunzip(lines);
    this.bodiless =
      request.method === 'HEAD' || !allowsBody(status) || (status === 205 && streamOf(response) !== undefined);
    if (steps.head !== undefined) {
      const head: EditableHead = { status, headers: new HeaderList(lines) };
      steps.head(head);
      status = checkedStatus(head.status);
      this.bodiless ||= !allowsBody(status);
    }
    if (steps.whole !== undefined) {
      this.collecting = { status, lines, parts: [], bytes: 0 };
      return;
    }
    const dropLength = this.bodiless ? request.method !== 'HEAD' : method === 'HEAD';
    this.head = new ResponseHead(status, lines, steps.head !== undefined, dropLength);
    flushAfterTurn(this);
  }

  /** A part of the body. */
  data(chunk: Buffer): void {
    if (this.gunzip === undefined) this.unpacked(chunk);
    else if (!this.gunzip.write(chunk)) this.source.pause();
  }

  /** The response is all here. */
  end(trailers: Trailers | undefined): void {
    this.trailers = trailers;
    if (this.gunzip === undefined) this.unpackedAll();
    else this.gunzip.end();
  }

  /** The upstream failed. Half a response is broken off; with none begun, the caller hears of it. */
  fail(error: unknown): void {
    if (this.over) return;
    this.gunzip?.destroy();
    if (this.headWritten) {
      if (!this.ended) breakOff(this.terms.response);
      return;
    }
    this.withdraw();
    this.source.settled(error);
  }

  /** Leave the response to another: nothing has been done to it. */
  withdraw(): void {
    this.over = true;
    this.terms.response.off('close', this.onClose);
  }

  /** Nobody waits any more. */
  cancel(): void {
    if (isGone(this.terms.response)) this.clientClosed();
    else this.failOwn(new UpstreamError('FAILED', 'the request was cancelled'));
  }

  unpacked(chunk: Buffer): void {
    if (this.over || this.bodiless) return;
    if (this.collecting !== undefined) this.collect(this.collecting, chunk);
    else if (this.headWritten) this.write(chunk);
    else if (this.held === undefined) this.held = chunk;
    else {
      this.flush();
      this.write(chunk);
    }
  }

  unpackedAll(): void {
    if (this.over || this.ended) return;
    if (this.collecting !== undefined) {
      this.runWhole(this.collecting).catch((error: unknown) => this.failOwn(error));
      return;
    }
    const { held } = this;
    if (!this.headWritten) this.writeHead(held, true);
    this.finish(held);
  }

  unpackFailed(cause: Error): void {
    this.failOwn(new UpstreamError('FAILED', `the upstream's gzip is broken: ${cause.message}`, { cause }));
  }

  unpackMore(): void {
    this.source.resume();
  }

  /** What waits for the end of the turn goes out. */
  flush(): void {
    if (this.over || this.ended || this.headWritten) return;
    const { held } = this;
    this.writeHead(held, false);
    if (held !== undefined) this.write(held);
    else if (this.headWritten && streamOf(this.terms.response) === undefined)
      (this.terms.response as ServerResponse).flushHeaders();
  }

  /** Our own failure, not the upstream's: its connection is not needed any more either. */
  private failOwn(error: unknown): void {
    if (this.over) return;
    this.fail(error);
    this.source.abandon();
  }

  private startGunzip(lines: string[]): void {
    const list = new HeaderList(lines);
    if (list.get('Content-Encoding')?.toLowerCase() !== 'gzip' || list.get('Content-Length') === '0') return;
    list.delete('Content-Encoding');
    list.delete('Content-Length');
    this.gunzip = new BodyGunzip(this);
  }

  private collect(collecting: Collecting, chunk: Buffer): void {
    collecting.bytes += chunk.length;
    const { maxBodyBytes } = this.terms.steps;
    if (collecting.bytes > maxBodyBytes) {
      this.failOwn(new UpstreamError('BODY_TOO_LARGE', `the response is larger than ${maxBodyBytes} bytes`));
      return;
    }
    collecting.parts.push(chunk);
  }

  private async runWhole({ status, lines, parts }: Collecting): Promise<void> {
    const { request, response, steps } = this.terms;
    const body = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    const given = { status, headers: new HeaderList(lines), body };
    const state = (await steps.whole?.(given)) ?? given;
    if (this.over) return;
    const noBody =
      !allowsBody(checkedStatus(state.status)) || (state.status === 205 && streamOf(response) !== undefined);
    const head = new ResponseHead(state.status, state.headers.raw(), true, true);
    if (!noBody) {
      head.entries.push('Content-Length', String(state.body.length));
      if (!head.hasType && !head.hasEncoding) addType(head, state.body);
    }
    this.bodiless = noBody || request.method === 'HEAD';
    const sent = this.bodiless || state.body.length === 0 ? undefined : state.body;
    this.sendHead(head, true, sent === undefined);
    this.finish(sent);
  }

  /** Write the waiting head. `first`: what of the body is known; `complete`: it is all there is. */
  private writeHead(first: Buffer | undefined, complete: boolean): void {
    const head = this.head as ResponseHead;
    this.head = undefined;
    this.held = undefined;
    if (!this.bodiless) {
      if (first !== undefined && !head.hasType && !head.hasEncoding) addType(head, first);
      // A body that is here as a whole needs no chunks.
      if (complete && !head.hasLength && head.trailer === undefined && !this.hasTrailers() && !this.source.http2) {
        head.entries.push('Content-Length', String(first?.length ?? 0));
      }
    }
    this.sendHead(head, complete, first === undefined);
  }

  /** `complete`: the end of the response is here, trailers included; `empty`: no body is. */
  private sendHead(head: ResponseHead, complete: boolean, empty: boolean): void {
    const { response } = this.terms;
    if (isGone(response)) {
      this.clientClosed();
      return;
    }
    const mayTrail = !this.bodiless && (complete ? this.hasTrailers() : this.source.http2 || !head.hasLength);
    try {
      writeHead(response, head, this.bodiless || (complete && empty && !mayTrail), mayTrail);
      this.headWritten = true;
    } catch (cause) {
      this.failOwn(new UpstreamError('FAILED', `the response cannot be sent: ${(cause as Error).message}`, { cause }));
    }
  }

  private hasTrailers(): boolean {
    for (const _ in this.trailers) return true;
    return false;
  }

  private finish(chunk: Buffer | undefined): void {
    if (this.over) return;
    this.ended = true;
    endResponse(this.terms.response, chunk, this.bodiless ? undefined : this.trailers);
  }

  private write(chunk: Buffer): void {
    if (this.over || writeBody(this.terms.response, chunk)) return;
    if (!this.waitsForDrain) {
      this.waitsForDrain = true;
      if (this.gunzip === undefined) this.source.pause();
      else this.gunzip.pause();
    }
    if (this.listensForDrain) return;
    this.listensForDrain = true;
    const { response } = this.terms;
    (streamOf(response) ?? response).on('drain', () => this.drained());
  }

  private drained(): void {
    if (!this.waitsForDrain) return;
    this.waitsForDrain = false;
    if (this.gunzip === undefined) this.source.resume();
    else this.gunzip.resume();
  }

  /** The client has it all, or is gone: then the upstream is let go too, or its connection would stay taken for good. */
  private clientClosed(): void {
    if (this.over) return;
    this.over = true;
    this.gunzip?.destroy();
    if (!this.ended) this.source.abandon();
    this.source.settled(undefined);
  }
}

function checkedStatus(status: number): number {
  if (Number.isInteger(status) && status >= 200 && status <= 999) return status;
  throw new UpstreamError('FAILED', `the response cannot be sent: its status became ${status}`);
}

function addType(head: ResponseHead, body: Buffer): void {
  if (body.length > 0) head.entries.push('Content-Type', sniffContentType(body));
}

const waiting: Delivery[] = [];

/** One `setImmediate` for all responses of a turn. */
function flushAfterTurn(delivery: Delivery): void {
  if (waiting.push(delivery) === 1) setImmediate(flushAll);
}

function flushAll(): void {
  for (const delivery of waiting.splice(0)) delivery.flush();
}
