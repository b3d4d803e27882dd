import { performance } from 'node:perf_hooks';
import { type CallContext, type Metadata, ServerError, Status } from 'nice-grpc';
import type { HookAnswer, HookOutcome } from '../contract/answer.ts';
import type { TraceContext } from '../contract/call.ts';
import { Cancellation } from '../contract/cancellation.ts';
import { meaningOf, PluginFailure } from '../contract/failure.ts';
import type { HookSpec, PluginSet } from '../contract/plugin-set.ts';
import { answerServedObject, readServedObject } from '../contract/served-object.ts';
import { WireError } from '../contract/wire/reader.ts';
import type { HostLog } from '../drivers/driver.ts';
import { DispatcherDefinition } from '../proto/gen/coprocess_object.ts';
import type { Coprocess } from './coprocess.ts';
import { passThrough } from './pass-through.ts';
import { ServedHooks } from './served-hooks.ts';

/** `coprocess.Dispatcher` with messages as bytes: Objects are read and written field by field, and unknown fields survive. */
export const dispatcherServiceDefinition = {
  dispatch: passThrough(DispatcherDefinition, DispatcherDefinition.methods.dispatch),
  dispatchEvent: passThrough(DispatcherDefinition, DispatcherDefinition.methods.dispatchEvent),
};

export interface DispatcherService {
  dispatch(object: Buffer, context: CallContext): Promise<Buffer>;
  dispatchEvent(event: Buffer): Promise<Buffer>;
  /** The plugin sets that may be called from now on. */
  serve(sets: readonly PluginSet[]): void;
  /** Resolves when no call is open. */
  drain(): Promise<void>;
}

/** The contract of a plugin server, over what is installed here: any gateway that calls plugin servers can call our plugins. */
export function createDispatcherService(coprocess: Coprocess, log: HostLog): DispatcherService {
  let served = new ServedHooks([]);
  const open = new Set<Promise<Buffer>>();

  async function dispatch(object: Buffer, context: CallContext): Promise<Buffer> {
    try {
      return await run(object, context);
    } catch (error) {
      throw toServerError(error);
    }
  }

  async function run(object: Buffer, context: CallContext): Promise<Buffer> {
    const call = readServedObject(object);
    const found = served.find(call.hookName, call.hookType, call.apiId);
    if ('why' in found) throw new ServerError(Status.UNIMPLEMENTED, found.why);
    const { digest, hook } = found;
    const cancellation = new Cancellation();
    const cancel = (): void => cancellation.cancel();
    context.signal.addEventListener('abort', cancel, { once: true });
    const { request, response, session, metadata } = call;
    const deadlineMs = performance.now() + hook.timeoutMs;
    const trace = traceContext(context.metadata);
    const outcomes = coprocess.run(digest, [hook.index], {
      request,
      response,
      session,
      metadata,
      deadlineMs,
      cancellation,
      trace,
    });
    return answerServedObject(object, answerOf(await before(outcomes, hook, cancellation)));
  }

  return {
    dispatch(object, context) {
      const answer = dispatch(object, context);
      open.add(answer);
      void answer.catch(() => {}).finally(() => open.delete(answer));
      return answer;
    },

    async dispatchEvent(event) {
      log('debug', 'a gateway told of an event; no plugin here takes events', { bytes: event.length });
      return noEventReply;
    },

    serve(sets) {
      served = new ServedHooks(sets);
    },

    async drain() {
      await Promise.allSettled(open);
    },
  };
}

/** A caller may have set no deadline, and trusted code may not watch its own. */
async function before<T>(outcomes: Promise<T> | T, hook: HookSpec, cancellation: Cancellation): Promise<T> {
  if (!(outcomes instanceof Promise)) return outcomes;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new PluginFailure('HOOK_TIMED_OUT', `hook "${hook.name}" had not answered after ${hook.timeoutMs} ms`));
    cancellation.cancel();
  }, hook.timeoutMs);
  try {
    return await Promise.race([outcomes, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const noEventReply = Buffer.alloc(0);

function answerOf(outcomes: readonly HookOutcome[]): HookAnswer {
  const outcome = outcomes[0];
  if (outcome?.answer !== undefined) return outcome.answer;
  throw outcome?.failure ?? new PluginFailure('HOOK_THREW', 'the hook gave no answer');
}

function toServerError(error: unknown): ServerError {
  if (error instanceof ServerError) return error;
  if (error instanceof WireError) {
    return new ServerError(Status.INVALID_ARGUMENT, `the message is not a coprocess.Object: ${error.message}`);
  }
  const failure = PluginFailure.from(error);
  return new ServerError(meaningOf(failure.reason).grpcStatus, `${failure.reason}: ${failure.message}`);
}

function traceContext(metadata: Metadata): TraceContext | undefined {
  const traceparent = metadata.get('traceparent');
  if (traceparent === undefined) return undefined;
  const tracestate = metadata.get('tracestate');
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}
