import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import type { HeaderPair } from '../contract/answer.ts';
import { Cancellation } from '../contract/cancellation.ts';
import type { RequestState } from '../contract/request-state.ts';
import type { Recording } from './analytics/recording.ts';
import type { RequestContext } from './chain/context.ts';
import type { Api } from './definitions/api.ts';
import type { ApiVersion } from './definitions/api-version.ts';
import type { Caller } from './session/index.ts';
import type { RequestSpan } from './telemetry/request-span.ts';

export type ClientRequest = IncomingMessage | Http2ServerRequest;
export type ClientResponse = ServerResponse | Http2ServerResponse;

/** One request on its way from the listener to its end. */
export class Exchange {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  /** The API that serves it; another one after a `tyk://` URL. */
  api: Api;
  readonly startedMs = performance.now();
  /** When all must be over, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
  /** The span of a sampled request; others have none, and cost nothing. */
  readonly span: RequestSpan | undefined;
  /** What hooks and steps made of the request; made when the first of them needs it. */
  state: RequestState | undefined;
  /** The request's body is in `state.body`. */
  bodyRead = false;
  /** Version of the API that the request is for; found by the first step. */
  version: ApiVersion | undefined;
  /** The path is free: no key is asked for, and no limits count. */
  ignoresAuth = false;
  /** Who sends it, once an auth step knows. */
  caller: Caller | undefined;
  /** Name of the session that the API's ID extractor found. */
  extractedId: string | undefined;
  /** The request as `$tyk_context.` variables tell of it; of APIs that use them. */
  context: RequestContext | undefined;
  /** Values of `$tyk_context.` variables that steps have set. */
  contextValues: Map<string, string> | undefined;
  /** Headers that the response gets on its way to the client, whoever makes it: CORS, deprecation. */
  responseHeaders: HeaderPair[] | undefined;
  /** The client asked for another protocol (WebSocket): its connection, and what it sent ahead. */
  upgrade: { readonly socket: Duplex; readonly head: Buffer } | undefined;
  /** Gathers what the analytics record tells; most often there is none. */
  recording: Recording | undefined;
  /** How often a `tyk://` URL has sent the request to an API again. */
  loops = 0;
  /** How often it may, when a loop has said so. */
  maxLoops: number | undefined;
  /** Limits count again in the API that a loop entered. */
  checksLimits = true;
  /** An API that it entered has chosen its version; another one that it goes on to by that does not choose again. */
  versionChosen = false;
  private shareNow: number | undefined;
  private idNow: string | undefined;
  private cancellationNow: Cancellation | undefined;

  constructor(
    request: ClientRequest,
    response: ClientResponse,
    api: Api,
    requestTimeoutMs: number,
    span: RequestSpan | undefined,
  ) {
    this.request = request;
    this.response = response;
    this.api = api;
    this.deadlineMs = this.startedMs + requestTimeoutMs;
    this.span = span;
  }

  /** Names the request in logs. */
  get id(): string {
    this.idNow ??= randomUUID();
    return this.idNow;
  }

  /** Where the request falls among a hundred: one draw for all hooks that run for a share of the requests. */
  get share(): number {
    this.shareNow ??= Math.random() * 100;
    return this.shareNow;
  }

  /** Cancelled when the client goes away before it has its answer. */
  get cancellation(): Cancellation {
    if (this.cancellationNow === undefined) {
      const cancellation = new Cancellation();
      this.cancellationNow = cancellation;
      const { response } = this;
      if (response.destroyed) cancellation.cancel();
      else
        response.once('close', () => {
          if (!response.writableFinished) cancellation.cancel();
        });
    }
    return this.cancellationNow;
  }
}
