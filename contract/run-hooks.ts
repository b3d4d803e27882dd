import type { HookAnswer, HookOutcome } from './answer.ts';
import type { HookCall } from './call.ts';
import { PluginFailure } from './failure.ts';
import type { HookSpec } from './plugin-set.ts';
import type { ContractOptions } from './request-state.ts';
import { hookContext, isSampled } from './trace.ts';

/** Runs one hook. Never throws and never rejects: a failure is an outcome. */
export type RunHook = (hook: HookSpec, call: HookCall) => HookOutcome | Promise<HookOutcome>;

/**
 * Run consecutive hooks of one plugin set: each sees the edits of the one before it. The outcomes stand in the hooks' order and end
 * with the first reply or the first failure that is not to be passed over. Answers at once when every hook does.
 */
export function runHooks(
  set: readonly HookSpec[],
  indexes: readonly number[],
  call: HookCall,
  contract: ContractOptions,
  runHook: RunHook,
): readonly HookOutcome[] | Promise<readonly HookOutcome[]> {
  const outcomes: HookOutcome[] = [];
  let current: HookCall | undefined = call;
  for (let at = 0; at < indexes.length; at++) {
    const hook = set[indexes[at] as number];
    if (hook === undefined) return failedRun(1, unknownIndex(indexes[at] as number));
    const outcome = runHook(hook, callAt(current, at));
    if (outcome instanceof Promise) {
      return finishLater(set, indexes, at, outcome, outcomes, current, contract, runHook);
    }
    current = proceed(hook, outcome, at === indexes.length - 1, outcomes, current, contract);
    if (current === undefined) break;
  }
  return outcomes;
}

/** The rest of a run, from the first hook on that did not answer at once. */
async function finishLater(
  set: readonly HookSpec[],
  indexes: readonly number[],
  start: number,
  first: Promise<HookOutcome>,
  outcomes: HookOutcome[],
  call: HookCall,
  contract: ContractOptions,
  runHook: RunHook,
): Promise<readonly HookOutcome[]> {
  let current: HookCall | undefined = call;
  for (let at = start; at < indexes.length; at++) {
    const hook = set[indexes[at] as number];
    if (hook === undefined) return failedRun(1, unknownIndex(indexes[at] as number));
    const outcome: HookOutcome = await (at === start ? first : runHook(hook, callAt(current, at)));
    current = proceed(hook, outcome, at === indexes.length - 1, outcomes, current, contract);
    if (current === undefined) break;
  }
  return outcomes;
}

/** Note an outcome. Returns what the next hook gets, or undefined when there is none. */
function proceed(
  hook: HookSpec,
  outcome: HookOutcome,
  last: boolean,
  outcomes: HookOutcome[],
  call: HookCall,
  contract: ContractOptions,
): HookCall | undefined {
  outcomes.push(outcome);
  const { answer } = outcome;
  // After the last hook nobody needs the next call, but a URL that is none is this hook's failure, and must be told as such.
  if (last && answer?.request?.url === undefined) return undefined;
  if (answer === undefined) return hook.onError === 'continue' ? call : undefined;
  if (answer.reply !== undefined) return undefined;
  try {
    return next(call, answer, contract);
  } catch (error) {
    outcomes[outcomes.length - 1] = { failure: PluginFailure.from(error), timing: outcome.timing };
    return hook.onError === 'continue' ? call : undefined;
  }
}

/** The call as the hook at this position of the run gets it: its trace context is that hook's own. */
function callAt(call: HookCall, position: number): HookCall {
  if (position === 0 || !isSampled(call.trace)) return call;
  return { ...call, trace: hookContext(call.trace, position) };
}

/** The same call with this answer's edits in it. */
function next(call: HookCall, answer: HookAnswer, contract: ContractOptions): HookCall {
  const request = answer.request === undefined ? call.request : call.request.after(answer.request, contract);
  const response =
    answer.response === undefined || call.response === undefined
      ? call.response
      : call.response.after(answer.response, contract);
  const { sessionMetadata = call.sessionMetadata } = answer;
  if (request === call.request && response === call.response && sessionMetadata === call.sessionMetadata) return call;
  return { ...call, request, response, sessionMetadata };
}

/**
 * The outcomes of a run that failed as a whole (no link, deadline passed, queue full): every hook of it failed, so each one's policy
 * is asked and none is passed over because of another's.
 */
export function failedRun(hooks: number, failure: PluginFailure): readonly HookOutcome[] {
  const outcome: HookOutcome = { failure, timing: { queueUs: 0, wireUs: 0, runUs: 0 } };
  return hooks === 1 ? [outcome] : new Array<HookOutcome>(hooks).fill(outcome);
}

function unknownIndex(index: number): PluginFailure {
  return new PluginFailure('HOOK_UNKNOWN', `the plugin set has no hook number ${index}`);
}
