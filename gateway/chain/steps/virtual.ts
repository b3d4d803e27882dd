import type { HookAnswer, Reply } from '../../../contract/answer.ts';
import { PluginFailure } from '../../../contract/failure.ts';
import type { SetReport } from '../../../contract/plugin-set.ts';
import type { VirtualRule } from '../../definitions/api-version.ts';
import { firstMatch } from '../../definitions/endpoint-path.ts';
import type { Exchange } from '../../exchange.ts';
import { conditionalRun } from '../chain.ts';
import { endpointMethod, endpointPaths } from '../endpoint-paths.ts';
import { type ChainRun, ensureBody, ensureState, refuse, replaceMetadata, runHooks, type Step } from '../hooks.ts';
import type { RequestStepParts } from '../request-steps.ts';
import { versionOf } from './request-rules.ts';

/** Virtual endpoints: a function answers in place of the upstream; what it answers passes the response hooks (spec/platform-contract §1.9). */
export function virtualStep(report: SetReport, parts: RequestStepParts): Step {
  const runs = new Map<VirtualRule, ChainRun>();
  const runOf = (rule: VirtualRule): ChainRun => {
    let run = runs.get(rule);
    if (run === undefined) {
      run = conditionalRun(report, [rule.hook]);
      runs.set(rule, run);
    }
    return run;
  };

  return async (exchange) => {
    const rule = firstMatch(versionOf(exchange).endpoints.virtual, endpointMethod(exchange), endpointPaths(exchange));
    if (rule === undefined) return false;
    const state = ensureState(exchange);
    if (!(await ensureBody(exchange, state, parts))) return true;
    try {
      const { reply, sessionMetadata } = await call(rule, runOf(rule), exchange, parts);
      if (sessionMetadata !== undefined) replaceMetadata(exchange, sessionMetadata, parts);
      await parts.answerOfScript?.(exchange, rule.hook, reply);
      return true;
    } catch (error) {
      const failure = PluginFailure.from(error);
      parts.observer.problem(exchange, `virtual endpoint "${rule.functionName}" failed`, failure, rule.hook);
      if (rule.proxyOnError) return false;
      refuse(exchange, 500, failed, parts);
      return true;
    }
  };
}

const failed = 'Error during virtual endpoint execution. Contact Administrator for more details.';

/** @throws {PluginFailure} */
async function call(
  rule: VirtualRule,
  run: ChainRun,
  exchange: Exchange,
  parts: RequestStepParts,
): Promise<HookAnswer & { readonly reply: Reply }> {
  if (rule.requireSession && exchange.caller === undefined) {
    throw new PluginFailure('REPLY_INVALID', 'the function asks for a session, and nobody is known here');
  }
  if (parts.driverProblem !== undefined) throw new PluginFailure('DRIVER_UNAVAILABLE', 'scripts are switched off');
  const [outcome] = await runHooks(run, exchange, parts, undefined);
  const { answer, failure } = outcome ?? {};
  if (answer?.reply === undefined) throw failure ?? new PluginFailure('REPLY_INVALID', 'the function gave no answer');
  return { ...answer, reply: answer.reply };
}
