import type { Api } from '../../definitions/api.ts';
import type { ChainRun, Step } from '../hooks.ts';
import type { FixedError, RequestStepParts } from '../request-steps.ts';

export function authSteps(
  _api: Api,
  _run: ChainRun | undefined,
  _problem: FixedError | undefined,
  _parts: RequestStepParts,
): Step[] {
  return [];
}
export function limitSteps(_api: Api, _parts: RequestStepParts): Step[] {
  return [];
}
export function apiRateStep(_api: Api, _parts: RequestStepParts): Step | undefined {
  return undefined;
}
