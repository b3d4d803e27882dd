import { performance } from 'node:perf_hooks';
import type { HookAnswer, HookOutcome, Reply } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import { meaningOf, PluginFailure } from '../../contract/failure.ts';
import { defaultRefusal } from '../../contract/overrides.ts';
import type { HookSpec } from '../../contract/plugin-set.ts';
import { RequestMessage } from '../../contract/request-message.ts';
import { applyRequestEdits, type ContractOptions, type RequestState } from '../../contract/request-state.ts';
import type { Dispatcher, HookRun } from '../dispatch/dispatcher.ts';
import type { Exchange } from '../exchange.ts';
import { BodyError, mayHaveBody, readBody } from '../object/body.ts';
import { stateOf } from '../object/client-request.ts';
import { type ReplyOptions, sendError, sendReply } from '../replies.ts';
import { findToken, type Session, type Sessions, sessionJson } from '../session/index.ts';
import { clientAddress, type ForwardedFor } from './client-address.ts';
import type { EventName, Events } from './events.ts';
import type { ApiObserver } from './observer.ts';

/** What every step of a chain may use. */
export interface ChainParts {
  readonly dispatcher: Dispatcher;
  readonly contract: ContractOptions;
  readonly replies: ReplyOptions;
  /** Failures answer with a status that tells them apart, instead of the contract's. */
  readonly preciseErrors: boolean;
  readonly maxBodyBytes: number;
  /** Which headers tell a client's address. */
  readonly forwardedFor: ForwardedFor;
  readonly observer: ApiObserver;
  /** Undefined for an API without event handlers. */
  readonly events: Events | undefined;
  readonly sessions: Sessions;
  /** Sends what a script answered as it is: other than the answers of other hooks it passes the API's response hooks. */
  readonly answerOfScript?: (exchange: Exchange, hook: HookSpec, reply: Reply) => Promise<void>;
}

/** Drivers of scripts, which the original does not run in what it calls its coprocess. */
export function isScript(hook: HookSpec): boolean {
  return hook.driver === 'otto' || hook.driver === 'javascript';
}

/** One step of a chain. True: the client has its answer, or is gone. */
export type Step = (exchange: Exchange) => boolean | Promise<boolean>;

/** Several steps as one; undefined for none. */
export function inOrder(steps: readonly Step[]): Step | undefined {
  if (steps.length < 2) return steps[0];
  return async (exchange) => {
    for (const step of steps) if (await step(exchange)) return true;
    return false;
  };
}

/** A run of consecutive hooks, as the chain knows it. */
export interface ChainRun {
  readonly run: HookRun;
  readonly hooks: readonly HookSpec[];
  /** Some hook reads the request's body. */
  readonly readsBody: boolean;
  /** Some response hook reads the response's body. */
  readonly readsResponse: boolean;
  /** Sum of the hooks' limits, in milliseconds. */
  readonly timeoutMs: number;
  /** Pre and auth hooks never see a session. */
  readonly seesSession: boolean;
  /** Some hook is a script that asks for the session. */
  readonly seesSessionJson: boolean;
  /** Some hooks have conditions: the run of those that a request is for; undefined when it is for none. */
  readonly narrow?: (exchange: Exchange) => ChainRun | undefined;
}

/** The run as it is for a request. */
export function narrowed(run: ChainRun | undefined, exchange: Exchange): ChainRun | undefined {
  return run?.narrow === undefined ? run : run.narrow(exchange);
}

/** What happens with the session that an auth hook returns. */
export type AcceptSession = (exchange: Exchange, answer: HookAnswer) => boolean | Promise<boolean>;

/** A step that runs request hooks and applies what they answer. */
export function hookStep(all: ChainRun, parts: ChainParts, acceptSession: AcceptSession | undefined): Step {
  return async (exchange) => {
    const state = ensureState(exchange);
    const chainRun = narrowed(all, exchange);
    if (chainRun === undefined) return false;
    if (chainRun.readsBody && !(await ensureBody(exchange, state, parts))) return true;
    const outcomes = await runHooks(chainRun, exchange, parts, undefined);
    return applyOutcomes(chainRun, exchange, state, outcomes, parts, acceptSession);
  };
}

/** The request as hooks see it; made once. */
export function ensureState(exchange: Exchange): RequestState {
  exchange.state ??= stateOf(exchange.request);
  return exchange.state;
}

/** Read the request's body; once. False: that failed, and the client knows. */
export async function ensureBody(exchange: Exchange, state: RequestState, parts: ChainParts): Promise<boolean> {
  if (exchange.bodyRead) return true;
  exchange.bodyRead = true;
  if (!mayHaveBody(exchange.request)) return true;
  try {
    state.body = await readBody(exchange.request, parts.maxBodyBytes);
    return true;
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    parts.observer.problem(exchange, 'the body could not be read', error);
    if (error.reason === 'TOO_LARGE') refuse(exchange, 413, 'Request body is too large', parts);
    return false;
  }
}

/** Run hooks, with everything that watches them. `withoutCaller` is the session that they see when nobody is known. */
export async function runHooks(
  chainRun: ChainRun,
  exchange: Exchange,
  parts: ChainParts,
  response: HookCall['response'],
  request: RequestMessage = RequestMessage.of(exchange.state as RequestState),
  withoutCaller?: Uint8Array,
  deadlineMs: number = exchange.deadlineMs,
): Promise<readonly HookOutcome[]> {
  const span = exchange.span?.beginHooks(chainRun.hooks[0]?.type ?? '');
  const call: HookCall = {
    request,
    response,
    session: chainRun.seesSession ? (exchange.caller?.proto() ?? withoutCaller) : undefined,
    metadata: chainRun.seesSession ? exchange.caller?.metadata : undefined,
    ...(chainRun.seesSessionJson && exchange.caller && { sessionJson: sessionText(exchange.caller.session) }),
    deadlineMs: Math.min(deadlineMs, performance.now() + chainRun.timeoutMs),
    cancellation: exchange.cancellation,
    trace: span?.context ?? parts.observer.clientContext(exchange.request),
  };
  const outcomes = await parts.dispatcher.dispatch(chainRun.run, call);
  span?.end(chainRun.hooks, outcomes);
  parts.observer.hooks(exchange, chainRun.hooks, outcomes);
  return outcomes;
}

/** A session is the same object for as long as it does not change. */
function sessionText(session: Session): string {
  let text = sessionTexts.get(session);
  if (text === undefined) {
    text = sessionJson(session);
    sessionTexts.set(session, text);
  }
  return text;
}

const sessionTexts = new WeakMap<Session, string>();

async function applyOutcomes(
  chainRun: ChainRun,
  exchange: Exchange,
  state: RequestState,
  outcomes: readonly HookOutcome[],
  parts: ChainParts,
  acceptSession: AcceptSession | undefined,
): Promise<boolean> {
  for (let i = 0; i < chainRun.hooks.length; i++) {
    const hook = chainRun.hooks[i] as HookSpec;
    const outcome = outcomes[i];
    try {
      if (outcome?.answer === undefined) {
        throw outcome?.failure ?? new PluginFailure('DRIVER_UNAVAILABLE', `hook "${hook.name}" was not run`);
      }
      const { answer } = outcome;
      if (answer.request !== undefined) applyRequestEdits(state, answer.request, parts.contract);
      if (answer.sessionMetadata !== undefined) replaceMetadata(exchange, answer.sessionMetadata, parts);
      if (answer.reply !== undefined) {
        if (answer.reply.template || parts.answerOfScript === undefined || !isScript(hook)) {
          sendHookReply(exchange, state, answer.reply, parts);
        } else await parts.answerOfScript(exchange, hook, answer.reply);
        return true;
      }
      if (hook.type === 'auth' && acceptSession !== undefined && (await acceptSession(exchange, answer))) return true;
    } catch (error) {
      const failure = PluginFailure.from(error);
      if (failure.reason !== 'CANCELLED') parts.observer.problem(exchange, `hook "${hook.name}" failed`, failure, hook);
      if (hook.onError === 'continue') continue;
      answerFailure(exchange, hook, failure, parts);
      return true;
    }
  }
  return exchange.response.destroyed;
}

/** What a script returns as metadata of the session takes the place of what there was. */
export function replaceMetadata(exchange: Exchange, json: string, parts: ChainParts): void {
  if (exchange.caller === undefined) return;
  const metadata = JSON.parse(json) as Record<string, unknown>;
  exchange.caller = parts.sessions.replaceMetadata(exchange.caller, exchange.api, metadata);
}

function sendHookReply(exchange: Exchange, state: RequestState, reply: Reply, parts: ChainParts): void {
  if (!reply.template) return sendReply(exchange.response, reply);
  fireEvent('AuthFailure', 'Auth Failure', exchange, parts);
  const message = reply.body.toString('utf8');
  sendError(exchange.response, reply.status, message, state.headers.get('Content-Type'), parts.replies, reply.headers);
}

/** Answer for a hook that failed (spec/coprocess-contract §3.5). An answer that cannot be honoured is a 500 in every phase. */
export function answerFailure(exchange: Exchange, hook: HookSpec, failure: PluginFailure, parts: ChainParts): void {
  if (failure.reason === 'CANCELLED' && exchange.response.destroyed) return;
  if (parts.preciseErrors) return refuse(exchange, meaningOf(failure.reason).httpStatus, 'Middleware error', parts);
  // spec/platform-contract §1.5
  if (isScript(hook) && hook.type !== 'response') {
    return refuse(exchange, 500, 'Internal Server Error', parts);
  }
  if (hook.type === 'auth' && failure.reason !== 'REPLY_INVALID') return refuse(exchange, 403, defaultRefusal, parts);
  refuse(exchange, 500, 'Middleware error', parts);
}

/** Tell the API's event handlers of a request that is refused. */
export function fireEvent(
  event: EventName,
  message: string,
  exchange: Exchange,
  { events, forwardedFor }: Pick<ChainParts, 'events' | 'forwardedFor'>,
  Reason?: string,
): void {
  if (events === undefined) return;
  const { auth } = exchange.api;
  const key = findToken(auth.custom ? auth.customSource : auth.tokenSource, ensureState(exchange));
  const told = Reason === undefined ? { Key: key ?? '' } : { Reason };
  events.fire(event, exchange, { Message: message, Origin: clientAddress(exchange.request, forwardedFor), ...told });
}

/** Answer with an error of the gateway's own. */
export function refuse(exchange: Exchange, status: number, message: string, parts: Pick<ChainParts, 'replies'>): void {
  const type = exchange.state?.headers.get('Content-Type') ?? exchange.request.headers['content-type'];
  sendError(exchange.response, status, message, type, parts.replies);
}
