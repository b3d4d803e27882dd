import { HeaderList } from '../../contract/header-list.ts';
import type { ResponseState } from '../../contract/response-state.ts';
import type { ClientRequest, ClientResponse } from '../exchange.ts';
import { isGone, streamOf } from './client-response.ts';
import { ClientWriter, type WriterOwner } from './client-writer.ts';
import { BodyGunzip, type GunzipPeers } from './gunzip.ts';
import { allowsBody, ResponseHead } from './response-head.ts';
import type { Trailers } from './trailers.ts';
import { type ResponseHead as EditableHead, type ResponseSteps, UpstreamError } from './upstream.ts';

/** The upstream's side of a delivery. */
export interface DeliverySource {
  readonly http2: boolean;
  pause(): void;
  resume(): void;
  /** The response is not wanted any more. */
  abandon(): void;
  /** All is over. With an error: nothing was sent, and the caller is to answer. The last call. */
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

/** Takes an upstream's response through its steps to the client: head edits, then the body, as a whole or streaming, and trailers. */
export class Delivery implements GunzipPeers, WriterOwner {
  /** Status that the upstream sent; 0 before. */
  status = 0;
  private readonly terms: DeliveryTerms;
  private readonly source: DeliverySource;
  private readonly writer: ClientWriter;
  private gunzip: BodyGunzip | undefined;
  private collecting: Collecting | undefined;
  /** What has come while the head step is at work. */
  private early: { readonly parts: Buffer[]; ended: boolean } | undefined;
  /** What the upstream told, with a head step: the body is that one's, whatever the step makes of the header. */
  private length: string | undefined;
  private trailers: Trailers | undefined;
  private over = false;

  constructor(terms: DeliveryTerms, source: DeliverySource) {
    this.terms = terms;
    this.source = source;
    this.writer = new ClientWriter(terms.response, this, source.http2);
  }

  // What the upstream's side tells:

  /** The response's head: canonical names; hop-by-hop headers are among them. */
  start(status: number, lines: string[]): void {
    this.status = status;
    try {
      this.startHead(status, lines);
    } catch (error) {
      this.failOwn(error);
    }
  }

  /** A part of the body. */
  data(chunk: Buffer): void {
    if (this.early !== undefined) this.early.parts.push(chunk);
    else if (this.gunzip === undefined) this.unpacked(chunk);
    else if (!this.gunzip.write(chunk)) this.source.pause();
  }

  /** The response is all here. */
  end(trailers: Trailers | undefined): void {
    this.trailers = trailers;
    if (this.early !== undefined) this.early.ended = true;
    else if (this.gunzip === undefined) this.unpackedAll();
    else this.gunzip.end();
  }

  /** The upstream failed. Half a response is broken off; with none begun, the caller hears of it. */
  fail(error: unknown): void {
    if (this.over) return;
    this.gunzip?.destroy();
    if (this.writer.begun) {
      this.writer.breakOff();
      return;
    }
    this.withdraw();
    this.source.settled(error);
  }

  /** Leave the response to another; nothing has been done to it. */
  withdraw(): void {
    this.over = true;
    this.writer.withdraw();
  }

  /** Nobody waits any more. */
  cancel(): void {
    if (isGone(this.terms.response)) this.clientClosed(false);
    else this.failOwn(new UpstreamError('FAILED', 'the request was cancelled'));
  }

  // What the unpacking tells:

  unpacked(chunk: Buffer): void {
    if (this.over) return;
    const { collecting } = this;
    if (collecting === undefined) {
      this.writer.write(chunk);
      return;
    }
    const { maxBodyBytes } = this.terms.steps;
    collecting.bytes += chunk.length;
    if (collecting.bytes <= maxBodyBytes) collecting.parts.push(chunk);
    else this.failOwn(new UpstreamError('BODY_TOO_LARGE', `the response is larger than ${maxBodyBytes} bytes`));
  }

  unpackedAll(): void {
    if (this.over) return;
    if (this.collecting === undefined) this.writer.end(this.trailers);
    else this.runWhole(this.collecting).catch((error: unknown) => this.failOwn(error));
  }

  unpackFailed(cause: Error): void {
    this.failOwn(new UpstreamError('FAILED', `the upstream's gzip is broken: ${cause.message}`, { cause }));
  }

  unpackMore(): void {
    this.source.resume();
  }

  // What the client's side tells:

  clientBusy(): void {
    if (this.gunzip === undefined) this.source.pause();
    else this.gunzip.pause();
  }

  clientReady(): void {
    if (this.gunzip === undefined) this.source.resume();
    else this.gunzip.resume();
  }

  clientClosed(complete: boolean): void {
    if (this.over) return;
    this.over = true;
    this.gunzip?.destroy();
    // Let the upstream go too, or its connection would stay taken for good.
    if (!complete) this.source.abandon();
    this.source.settled(undefined);
  }

  headRefused(error: UpstreamError): void {
    this.failOwn(error);
  }

  private startHead(status: number, lines: string[]): void {
    const { steps, method, unzip } = this.terms;
    if (unzip && allowsBody(status) && method !== 'HEAD') this.startGunzip(lines);
    if (steps.head === undefined) {
      this.startBody(status, lines);
      return;
    }
    const head: EditableHead = { status, headers: new HeaderList(lines) };
    this.length = head.headers.get('Content-Length');
    const edited = steps.head(head);
    if (edited === undefined) {
      this.startBody(checkedStatus(head.status), lines);
      return;
    }
    // The body waits; the end of one that is empty comes nevertheless.
    this.early = { parts: [], ended: false };
    this.source.pause();
    edited.then(() => this.goOn(head, lines)).catch((error: unknown) => this.failOwn(error));
  }

  /** The head step has taken its time. */
  private goOn(head: EditableHead, lines: string[]): void {
    if (this.over) return;
    const { parts = [], ended = false } = this.early ?? {};
    this.early = undefined;
    this.startBody(checkedStatus(head.status), lines);
    for (const part of parts) this.data(part);
    if (ended) this.end(this.trailers);
    else this.source.resume();
  }

  private startBody(status: number, lines: string[]): void {
    const { request, response, steps, method } = this.terms;
    if (steps.whole !== undefined) {
      this.collecting = { status, lines, parts: [], bytes: 0 };
      return;
    }
    const bodiless = request.method === 'HEAD' || isBodiless(this.status, response) || isBodiless(status, response);
    const dropLength = bodiless ? request.method !== 'HEAD' : method === 'HEAD';
    const edited = steps.head !== undefined;
    const head = new ResponseHead(status, lines, edited, edited || dropLength);
    if (this.length !== undefined && !dropLength) head.addLength(this.length);
    this.writer.start(head, bodiless);
  }

  private startGunzip(lines: string[]): void {
    const list = new HeaderList(lines);
    if (list.get('Content-Encoding')?.toLowerCase() !== 'gzip' || list.get('Content-Length') === '0') return;
    list.delete('Content-Encoding');
    list.delete('Content-Length');
    this.gunzip = new BodyGunzip(this);
  }

  private async runWhole({ status, lines, parts }: Collecting): Promise<void> {
    const { request, response, steps } = this.terms;
    const body = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    const given: ResponseState = { status, headers: new HeaderList(lines), body };
    const made = (await steps.whole?.(given)) ?? given;
    if (this.over) return;
    const bodiless = isBodiless(checkedStatus(made.status), response);
    const head = new ResponseHead(made.status, made.headers.raw(), true, true);
    if (!bodiless) {
      head.addType(made.body);
      head.addLength(made.body.length);
    }
    this.writer.start(head, bodiless || request.method === 'HEAD');
    if (made.body.length > 0) this.writer.write(made.body);
    this.writer.end(this.trailers);
  }

  /** Our own failure, not the upstream's: its connection is not needed any more either. */
  private failOwn(error: unknown): void {
    if (this.over) return;
    this.fail(error);
    this.source.abandon();
  }
}

/** Whether a response with this status goes without a body; over HTTP/2 Node lets none follow a 205 either. */
function isBodiless(status: number, response: ClientResponse): boolean {
  return !allowsBody(status) || (status === 205 && streamOf(response) !== undefined);
}

function checkedStatus(status: number): number {
  if (Number.isInteger(status) && status >= 200 && status <= 999) return status;
  throw new UpstreamError('FAILED', `the response cannot be sent: its status became ${status}`);
}
