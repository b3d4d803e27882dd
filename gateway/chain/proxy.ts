import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { HookAnswer } from '../../contract/answer.ts';
import type { TraceContext } from '../../contract/call.ts';
import { PluginFailure } from '../../contract/failure.ts';

import type { HookSpec } from '../../contract/plugin-set.ts';
import { RequestMessage } from '../../contract/request-message.ts';
import { emptyBody, type RequestState } from '../../contract/request-state.ts';
import { ResponseMessage } from '../../contract/response-message.ts';
import type { ResponseState } from '../../contract/response-state.ts';
import { parseTarget, type UrlParts } from '../../contract/url.ts';
import type { TargetBase } from '../definitions/api.ts';
import type { ClientRequest, Exchange } from '../exchange.ts';
import { hostOf } from '../object/client-request.ts';
import { upstreamTarget } from '../object/target.ts';
import type { TraceHeaders } from '../telemetry/tracing.ts';
import {
  type ResponseHead,
  type ResponseSteps,
  type Upstream,
  UpstreamError,
  type UpstreamRequest,
} from '../upstream/upstream.ts';
import { peerAddress } from './client-address.ts';
import { answerFailure, type ChainParts, type ChainRun, ensureState, narrowed, refuse, runHooks } from './hooks.ts';

export interface ProxyParts extends ChainParts {
  readonly upstream: Upstream;
  readonly upstreamTimeoutMs: number;
  /** Edits of the response's head before response hooks see it: header rules. */
  readonly beforeResponseHooks: ((exchange: Exchange, response: ResponseHead) => void) | undefined;
  /** Edits after them: rate headers. */
  readonly afterResponseHooks: (exchange: Exchange, response: ResponseHead) => void;
  /** Response hooks. */
  readonly response: ChainRun | undefined;
  /** A response hook that cannot run at all: the upstream is asked, and its response withheld (recorded). */
  readonly brokenResponseHook: HookSpec | undefined;
}

/** Response hooks see an empty session where there is none: the three sub-messages are there, with nothing in them. */
const emptySession = Buffer.from([0x72, 0, 0x7a, 0, 0xaa, 0x01, 0]);

/** A hook of the response side failed: the client gets an error in place of the upstream's response. */
class ResponseHookFailed extends Error {
  readonly hook: HookSpec;
  readonly failure: PluginFailure;
  constructor(hook: HookSpec, failure: PluginFailure) {
    super(failure.message, { cause: failure });
    this.hook = hook;
    this.failure = failure;
  }
}

/** Send the request upstream and its response, through the response hooks, to the client. */
export async function proxy(
  exchange: Exchange,
  url: UrlParts,
  base: TargetBase,
  timeoutMs: number,
  parts: ProxyParts,
): Promise<void> {
  const { api, state } = exchange;
  const target = upstreamTarget(api, url, base);
  const span = exchange.span?.beginUpstream(methodOf(exchange), base.origin + target);
  const to: UpstreamRequest = {
    method: methodOf(exchange),
    origin: base.origin,
    target,
    host: api.target.preserveHost ? hostOf(exchange.request) : base.host,
    headers: upstreamHeaders(exchange.request, state, span?.context, parts.observer.traceHeaders),
    body: exchange.bodyRead ? (state as RequestState).body : undefined,
    timeoutMs,
    tls: api.target.tls,
    cancellation: exchange.cancellation,
    onBody: exchange.recording?.upstream(exchange, base.host),
  };
  try {
    if (exchange.upgrade !== undefined) {
      const { socket, head } = exchange.upgrade;
      (exchange.response as ServerResponse).detachSocket(socket as Socket);
      await parts.upstream.upgrade(exchange.request, socket, head, to);
      span?.end(101);
      return;
    }
    const result = await parts.upstream.forward(
      exchange.request,
      exchange.response,
      to,
      responseSteps(exchange, to, parts),
    );
    span?.end(result.status);
    if (result.status !== 0) {
      parts.observer.upstream(exchange, result.headMs);
      exchange.recording?.answered(result.headMs);
    }
  } catch (error) {
    span?.end(0, error as Error);
    answerProxyError(exchange, error, parts);
  }
}

function methodOf(exchange: Exchange): string {
  const { state } = exchange;
  if (state === undefined) return exchange.request.method ?? 'GET';
  return state.parkedMethod === undefined || state.parkedMethod === '' ? state.method : state.parkedMethod;
}

/** The client's headers, or what hooks made of them, with the client's address added to X-Forwarded-For. */
function upstreamHeaders(
  request: ClientRequest,
  state: RequestState | undefined,
  trace: TraceContext | undefined,
  formats: TraceHeaders | undefined,
): string[] {
  const raw = state === undefined ? request.rawHeaders : state.headers.raw();
  const headers: string[] = [];
  const ours = trace === undefined ? undefined : formats;
  const isHttp2 = request.httpVersionMajor === 2;
  let forwarded: string | undefined;
  let cookieAt = -1;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    // The only names that are treated in a way of their own have these lengths, or are pseudo headers of HTTP/2.
    if (name.charCodeAt(0) === colon) continue;
    if (name.length === 4 && name.toLowerCase() === 'host') continue;
    if (name.length === 15 && name.toLowerCase() === 'x-forwarded-for') {
      forwarded = forwarded === undefined ? (raw[i + 1] as string) : `${forwarded}, ${raw[i + 1]}`;
      continue;
    }
    if (ours?.isTraceHeader(name)) continue;
    // HTTP/2 may split cookies over several fields, which stand for one (RFC 9113 §8.2.3).
    if (isHttp2 && name === 'cookie') {
      if (cookieAt >= 0) {
        headers[cookieAt] += `; ${raw[i + 1]}`;
        continue;
      }
      cookieAt = headers.length + 1;
    }
    headers.push(name, raw[i + 1] as string);
  }
  const client = peerAddress(request);
  if (client !== '') headers.push('X-Forwarded-For', forwarded === undefined ? client : `${forwarded}, ${client}`);
  if (trace !== undefined && ours !== undefined) headers.push(...ours.traceHeaders(trace));
  return headers;
}

const colon = 58;

function responseSteps(exchange: Exchange, to: UpstreamRequest, parts: ProxyParts): ResponseSteps {
  const { maxBodyBytes } = parts;
  const run = narrowed(parts.response, exchange);
  // The limit on the upstream holds for the response hooks as well (recorded).
  const deadlineMs = Math.min(exchange.deadlineMs, performance.now() + to.timeoutMs);
  const before = (response: ResponseHead): void => parts.beforeResponseHooks?.(exchange, response);
  const after = (response: ResponseHead): void => parts.afterResponseHooks(exchange, response);
  const broken = parts.brokenResponseHook;
  if (broken !== undefined) {
    return {
      maxBodyBytes,
      whole: () =>
        Promise.reject(
          new ResponseHookFailed(broken, new PluginFailure('DRIVER_UNAVAILABLE', 'its driver is not there')),
        ),
    };
  }
  if (run === undefined) {
    return {
      maxBodyBytes,
      head: (response) => {
        before(response);
        after(response);
      },
    };
  }
  if (run.readsResponse) {
    return {
      maxBodyBytes,
      whole: async (response) => {
        before(response);
        const edited = await runResponseHooks(exchange, to, run, response, deadlineMs, parts);
        after(edited);
        return edited;
      },
    };
  }
  return {
    maxBodyBytes,
    head: async (response) => {
      before(response);
      const { status, headers } = response;
      const edited = await runResponseHooks(exchange, to, run, { status, headers, body: emptyBody }, deadlineMs, parts);
      response.status = edited.status;
      if (edited.headers !== headers) headers.replace(edited.headers);
      after(response);
    },
  };
}

async function runResponseHooks(
  exchange: Exchange,
  to: UpstreamRequest | undefined,
  run: ChainRun,
  response: ResponseState,
  deadlineMs: number,
  parts: ProxyParts,
): Promise<ResponseState> {
  const request = RequestMessage.of(requestOfResponse(exchange, to));
  const outcomes = await runHooks(
    run,
    exchange,
    parts,
    ResponseMessage.of(response),
    request,
    emptySession,
    deadlineMs,
  );
  let edited = response;
  for (let i = 0; i < run.hooks.length; i++) {
    const hook = run.hooks[i] as HookSpec;
    const answer: HookAnswer | undefined = outcomes[i]?.answer;
    if (answer === undefined) {
      const failure =
        outcomes[i]?.failure ?? new PluginFailure('DRIVER_UNAVAILABLE', `hook "${hook.name}" was not run`);
      if (hook.onError === 'continue') {
        parts.observer.problem(exchange, `hook "${hook.name}" failed`, failure, hook);
        continue;
      }
      throw new ResponseHookFailed(hook, failure);
    }
    if (answer.response !== undefined) edited = ResponseMessage.of(edited).after(answer.response, parts.contract).state;
  }
  return edited;
}

/** Run the response hooks on an answer of the gateway's own, as on an upstream's. Undefined: a hook failed, and the client knows. */
export async function answerLocally(
  exchange: Exchange,
  answer: ResponseState,
  parts: ProxyParts,
): Promise<ResponseState | undefined> {
  parts.beforeResponseHooks?.(exchange, answer);
  let edited = answer;
  const run = narrowed(parts.response, exchange);
  if (run !== undefined) {
    try {
      edited = await runResponseHooks(exchange, undefined, run, answer, exchange.deadlineMs, parts);
    } catch (error) {
      answerProxyError(exchange, error, parts);
      return undefined;
    }
  }
  parts.afterResponseHooks(exchange, edited);
  return edited;
}

/** Hop-by-hop headers, which the proxy takes out before a response hook sees the request (RFC 9110 §7.6.1). */
const hopByHop = [
  'Connection',
  'Keep-Alive',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Connection',
  'Te',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
];

/** The request that response hooks see: the one that went upstream, with its absolute URL (spec/coprocess-contract §2.5). */
function requestOfResponse(exchange: Exchange, to: UpstreamRequest | undefined): RequestState {
  const state = ensureState(exchange);
  if (to === undefined) return state;
  const headers = state.headers.clone();
  for (const name of hopByHop) headers.delete(name);
  return {
    ...state,
    method: to.method,
    parkedMethod: undefined,
    url: parseTarget(to.origin + to.target),
    rewrite: undefined,
    headers,
  };
}

function answerProxyError(exchange: Exchange, error: unknown, parts: ProxyParts): void {
  if (error instanceof ResponseHookFailed) {
    parts.observer.problem(exchange, `hook "${error.hook.name}" failed`, error.failure, error.hook);
    return answerFailure(exchange, error.hook, error.failure, parts);
  }
  const reason = error instanceof UpstreamError ? error.reason : 'FAILED';
  parts.observer.problem(exchange, 'the upstream gave no response', error as Error);
  const [status, message] = proxyErrors[reason];
  refuse(exchange, parts.preciseErrors ? preciseStatus[reason] : status, message, parts);
}

/** What the contract answers (spec/platform-contract §5 "Proxy failures"). */
const proxyErrors: Record<UpstreamError['reason'], readonly [status: number, message: string]> = {
  UNREACHABLE: [500, 'There was a problem proxying the request'],
  NO_SUCH_HOST: [500, 'Upstream host lookup failed'],
  TIMED_OUT: [504, 'Upstream service reached hard timeout.'],
  FAILED: [500, 'There was a problem proxying the request'],
  BODY_TOO_LARGE: [500, 'There was a problem proxying the request'],
};

const preciseStatus: Record<UpstreamError['reason'], number> = {
  UNREACHABLE: 503,
  NO_SUCH_HOST: 503,
  TIMED_OUT: 504,
  FAILED: 502,
  BODY_TOO_LARGE: 502,
};
