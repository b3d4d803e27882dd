import type { Accepted } from '../accept.ts';
import type { Hook } from '../hook.ts';
import type { Reply } from '../reply.ts';
import { toBuffer } from './body.ts';
import { type HookConstants, HookContext } from './context.ts';
import { HookRequest, type RequestEdits } from './request.ts';
import { HookResponse, type ResponseEdits } from './response.ts';
import type { CallSource } from './source.ts';

/** What a hook answered, as the guest protocol carries it: only what changed. */
export interface Answer {
  readonly members: {
    request?: RequestEdits;
    response?: ResponseEdits;
    reply?: { status: number; headers: readonly string[]; body: number | string };
    session?: object;
  };
  readonly parts: Buffer[];
}

/** A hook that is running, or has run. */
export interface HookRun {
  /** What the hook was given, with what it changed. */
  readonly message: HookRequest | HookResponse;
  readonly context: HookContext;
  readonly answer: Answer | Promise<Answer>;
}

/** What a hook returned is nothing that its phase can return. */
export class AnswerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AnswerError';
  }
}

/** Run a hook. Answers at once when the hook did. @throws what the hook throws. @throws {AnswerError} */
export function runHook(hook: Hook, constants: HookConstants, source: CallSource): HookRun {
  const context = new HookContext(constants, source);
  const message =
    hook.phase === 'response' && source.response !== undefined
      ? new HookResponse(source.response, hook.body)
      : new HookRequest(source.request, hook.body);
  const run = hook.run as (message: unknown, context: HookContext) => unknown;
  const result = run(message, context);
  const answer = isPromise(result)
    ? result.then((value) => collect(hook, message, value))
    : collect(hook, message, result);
  return { message, context, answer };
}

function collect(hook: Hook, message: HookRequest | HookResponse, result: unknown): Answer {
  const parts: Buffer[] = [];
  const members: Answer['members'] = {};
  const edits = message.edits(parts);
  if (edits !== undefined) {
    if (message instanceof HookResponse) members.response = edits as ResponseEdits;
    else members.request = edits as RequestEdits;
  }
  if (result !== undefined && result !== null && hook.phase !== 'response') addResult(hook, result, members, parts);
  return { members, parts };
}

function addResult(hook: Hook, result: unknown, members: Answer['members'], parts: Buffer[]): void {
  const { kind } = result as { kind?: unknown };
  if (kind === 'reply') {
    const { status, headers, body } = result as Reply;
    members.reply = { status, headers, body: typeof body === 'string' ? body : parts.push(toBuffer(body)) - 1 };
  } else if (kind === 'accept' && hook.phase === 'auth') members.session = (result as Accepted).session;
  else {
    const allowed = hook.phase === 'auth' ? 'accept(...) or reply(...)' : 'reply(...) or nothing';
    throw new AnswerError(`a hook of phase ${hook.phase} returns ${allowed}; this one returned ${describe(result)}`);
  }
}

function describe(result: unknown): string {
  if (typeof result !== 'object') return typeof result;
  const { kind } = result as { kind?: unknown };
  return kind === 'accept' ? 'accept(...)' : `an object with ${Object.keys(result as object).join(', ') || 'nothing'}`;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as Promise<unknown>).then === 'function';
}
