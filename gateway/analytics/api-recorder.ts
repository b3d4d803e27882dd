import { clientAddress, type ForwardedFor } from '../chain/client-address.ts';
import type { Api } from '../definitions/api.ts';
import type { Exchange } from '../exchange.ts';
import { copyResponse } from '../response-copy.ts';
import { Copies } from './copies.ts';
import { matchOf } from './paths.ts';
import { recordOf } from './record.ts';
import type { ApiRecorder, Recording } from './recording.ts';

/** What all APIs' recorders have in common. */
export interface RecorderOptions {
  readonly forwardedFor: ForwardedFor;
  readonly ignoredIps: ReadonlySet<string>;
  /** Every record has the raw request and response. */
  readonly detailed: boolean;
  /** Of each body that a detailed record may hold. */
  readonly maxBodyBytes: number;
  /** What an empty key is called. */
  readonly noKey: string;
  /** Takes a record on its way. */
  readonly write: (record: ReturnType<typeof recordOf>) => void;
  /** A record could not be made. */
  readonly failed: (error: Error) => void;
}

/** The recorder of an API; undefined when there are no records of it. */
export function apiRecorder(api: Api, options: RecorderOptions): ApiRecorder | undefined {
  if (api.tracking.off) return undefined;
  const detailed = options.detailed || api.tracking.detailed;
  return {
    begin(exchange) {
      // Asked now: a socket that has closed forgets who was at its other end.
      const client = clientAddress(exchange.request, options.forwardedFor);
      if (options.ignoredIps.has(client)) return undefined;
      return new RequestRecording(exchange, client, detailed, options);
    },
  };
}

class RequestRecording implements Recording {
  private readonly client: string;
  private readonly options: RecorderOptions;
  private host: string | undefined;
  private upstreamMs = 0;
  private copies: Copies | undefined;

  constructor(exchange: Exchange, client: string, detailed: boolean, options: RecorderOptions) {
    this.client = client;
    this.options = options;
    if (detailed) this.copy(exchange);
  }

  upstream(exchange: Exchange, host: string): ((chunk: Buffer) => void) | undefined {
    this.host = host;
    if (this.copies === undefined && asksForDetail(exchange)) this.copy(exchange);
    const { copies } = this;
    return copies === undefined ? undefined : (chunk) => copies.requestPart(chunk);
  }

  answered(headMs: number): void {
    this.upstreamMs = headMs;
  }

  end(exchange: Exchange, status: number): void {
    try {
      this.write(exchange, status);
    } catch (error) {
      this.options.failed(error as Error);
    }
  }

  private write(exchange: Exchange, status: number): void {
    const { api, caller } = exchange;
    const endpoints = (exchange.version ?? api.versions.single)?.endpoints;
    if (endpoints !== undefined && matchOf(exchange, endpoints.untracked) !== undefined) return;
    const { client, upstreamMs, copies, options } = this;
    options.write(
      recordOf(exchange, {
        // The client went away before it had an answer.
        status: status === 0 ? 499 : status,
        client,
        host: this.host ?? api.target.bases[0]?.host ?? '',
        upstreamMs,
        key: caller?.storedName ?? options.noKey,
        tracked: endpoints && matchOf(exchange, endpoints.tracked)?.path,
        copies,
        nowMs: Date.now(),
      }),
    );
  }

  /** Streams are never copied: nobody could tell when they are over. */
  private copy(exchange: Exchange): void {
    const { request, response } = exchange;
    if (exchange.upgrade !== undefined || request.headers['content-type']?.startsWith('application/grpc')) return;
    this.copies = new Copies(this.options.maxBodyBytes);
    copyResponse(response, this.copies);
  }
}

/** The caller's own session may ask for details of its requests. */
function asksForDetail({ caller }: Exchange): boolean {
  if (caller === undefined) return false;
  const { enable_detailed_recording, enable_detail_recording } = caller.session;
  return enable_detailed_recording === true || enable_detail_recording === true;
}
