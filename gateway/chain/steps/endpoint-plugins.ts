import type { SetReport } from '../../../contract/plugin-set.ts';
import type { Api } from '../../definitions/api.ts';
import type { EndpointPlugin } from '../../definitions/api-version.ts';
import { matches } from '../../definitions/endpoint-path.ts';
import { conditionalRun } from '../chain.ts';
import { splitAtConditions } from '../conditions.ts';
import { endpointMethod, endpointPaths } from '../endpoint-paths.ts';
import { type ChainParts, hookStep, inOrder, type Step } from '../hooks.ts';
import { versionOf } from './request-rules.ts';

/** Plugins of single endpoints: all that match run, in order, before the API's post hooks. */
export function endpointPluginStep(api: Api, report: SetReport, parts: ChainParts): Step | undefined {
  if (api.plugins.endpointHooks.length === 0) return undefined;
  // Which plugins match is a matter of the path, so the runs are made on first need and kept.
  const steps = new Map<string, Step>();
  const stepFor = (plugins: readonly EndpointPlugin[]): Step => {
    const key = plugins.map((plugin) => plugin.hook.index).join();
    let step = steps.get(key);
    if (step === undefined) {
      const runs = splitAtConditions(plugins.map((plugin) => plugin.hook));
      step = inOrder(runs.map((hooks) => hookStep(conditionalRun(report, hooks), parts, undefined))) as Step;
      steps.set(key, step);
    }
    return step;
  };
  return (exchange) => {
    const paths = endpointPaths(exchange);
    const method = endpointMethod(exchange);
    const plugins = versionOf(exchange).endpoints.plugins.filter((plugin) => matches(plugin, method, paths));
    return plugins.length === 0 ? false : stepFor(plugins)(exchange);
  };
}
