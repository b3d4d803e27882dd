import { type HookType, isLoaded, type SetReport } from '../../contract/plugin-set.ts';
import type { Configuration, HashFunction } from '../configuration/index.ts';
import type { Api } from '../definitions/api.ts';
import type { ApiVersion, EndpointRules } from '../definitions/api-version.ts';
import { runsOf } from './chain.ts';
import { contextStep } from './context.ts';
import { type ChainParts, hookStep, inOrder, refuse, type Step } from './hooks.ts';
import { rateStatusStep } from './rate-status.ts';
import { corsStep } from './steps/cors.ts';
import { endpointPluginStep } from './steps/endpoint-plugins.ts';
import { type AnswerAsUpstream, mockStep } from './steps/mock.ts';
import { bodySizeStep, ipStep, methodStep, requestHeadersStep, rewriteStep } from './steps/request-rules.ts';
import { apiRateStep, authSteps, limitSteps } from './steps/session-steps.ts';
import { movedPathStep, versionStep } from './steps/version.ts';
import { virtualStep } from './steps/virtual.ts';
import { versions } from './versions.ts';

export interface RequestStepParts extends ChainParts {
  /** How names of extracted sessions are put together. */
  readonly keyHashFunction: HashFunction | undefined;
  /** Statuses and texts in the operator's words, by the id of a refusal. */
  readonly errorMessages: Configuration['errors']['messages'];
  /** How an API whose plugins are not loaded answers. */
  readonly notLoaded: FixedError;
  /** The API's driver is unknown, or switched off: how request hooks answer. Response hooks fail after the upstream was asked. */
  readonly driverProblem: FixedError | undefined;
}

export interface FixedError {
  readonly status: number;
  readonly message: string;
}

/** The steps of an API's requests, in the contract's order (spec/coprocess-contract §4). A step that has nothing to do is left out. */
export function requestSteps(api: Api, report: SetReport, parts: RequestStepParts, answer: AnswerAsUpstream): Step[] {
  const { driverProblem } = parts;
  if (driverProblem === undefined && !isLoaded(report)) return [refusal(parts.notLoaded, parts)];
  const hooks = (...phases: HookType[]): Step | undefined => {
    if (!api.plugins.hooks.some((hook) => phases.includes(hook.type))) return undefined;
    if (driverProblem !== undefined) return refusal(driverProblem, parts);
    return inOrder(runsOf(api, report, phases).map((run) => hookStep(run, parts, undefined)));
  };
  const built = betweenHooks(api, report, parts, answer);
  const endpoints = driverProblem === undefined ? endpointPluginStep(api, report, parts) : undefined;
  const first = [versionStep(api, parts), api.cors && corsStep(api.cors)];
  // Without a step of ours between them, all hooks are one run: one call.
  if (api.auth.keyless && built.length === 0 && endpoints === undefined)
    return present([...first, hooks('pre', 'post')]);
  const authRun = driverProblem === undefined ? runsOf(api, report, ['auth'])[0] : undefined;
  return present([
    ...first,
    hooks('pre'),
    ...built.slice(0, 3),
    ...(api.auth.keyless
      ? []
      : [...authSteps(api, authRun, driverProblem, parts), hooks('postKeyAuth'), ...limitSteps(api, parts)]),
    apiRateStep(api, parts),
    ...built.slice(3),
    endpoints,
    hooks('post'),
  ]);
}

/** The short chain of the status path: who calls, and what are their limits. Undefined for APIs without keys. */
export function statusSteps(api: Api, report: SetReport, parts: RequestStepParts): Step[] | undefined {
  if (api.auth.keyless || !isLoaded(report)) return undefined;
  const run = parts.driverProblem === undefined ? runsOf(api, report, ['auth'])[0] : undefined;
  return present([
    versionStep(api, parts),
    ipStep(api, parts),
    ...authSteps(api, run, parts.driverProblem, parts),
    rateStatusStep(parts),
  ]);
}

/** What stands between pre and post hooks, whoever calls: first what may refuse, then what changes. */
function betweenHooks(
  api: Api,
  report: SetReport,
  parts: RequestStepParts,
  answer: AnswerAsUpstream,
): (Step | undefined)[] {
  const has = (test: (version: ApiVersion) => boolean): boolean => versions(api).some(test);
  const rules = (kind: keyof EndpointRules): boolean =>
    has((version) => (version.endpoints[kind] as readonly unknown[]).length > 0);
  const refusing = [
    (rules('access') || has((v) => v.endpoints.closed)) && api.plugins.hooks.some((hook) => hook.type === 'pre')
      ? movedPathStep(parts)
      : undefined,
    inOrder(
      present([
        ipStep(api, parts),
        rules('bodySizes') || has((v) => Number.isFinite(v.maxBodyBytes)) ? bodySizeStep(parts) : undefined,
      ]),
    ),
    contextStep(api, parts),
  ];
  const changing = [
    rules('requestHeaders') || has((v) => v.requestHeaders.set.length + v.requestHeaders.delete.length > 0)
      ? requestHeadersStep()
      : undefined,
    rules('rewrites') ? rewriteStep(parts) : undefined,
    rules('methods') ? methodStep() : undefined,
    rules('mocks') ? mockStep(answer, parts) : undefined,
    rules('virtual') ? virtualStep(report, parts) : undefined,
  ];
  const all = [...refusing, ...changing];
  return all.every((step) => step === undefined) && api.limits.api === undefined && !rules('rateLimits') ? [] : all;
}

function present(steps: readonly (Step | undefined)[]): Step[] {
  return steps.filter((step) => step !== undefined);
}

function refusal(error: FixedError, parts: ChainParts): Step {
  return (exchange) => {
    refuse(exchange, error.status, error.message, parts);
    return true;
  };
}
