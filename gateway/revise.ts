import { isLoaded, type PluginSet, type SetReport } from '../contract/plugin-set.ts';
import type { Origin } from './bundle-reports.ts';
import type { Api } from './definitions/api.ts';
import { toPluginSet } from './definitions/plugin-set.ts';
import type { GatewayParts } from './gateway.ts';

/** A new revision of an API; `problem` says why it cannot serve. */
export interface Revision {
  readonly api: Api;
  readonly report: SetReport;
  readonly problem?: string;
}

/** Load an API's plugins: those of its bundle, if it has one, else those that the definition names. */
export async function revise(
  { definition, pluginFiles }: Origin,
  bundle: SetReport | undefined,
  parts: GatewayParts,
  signal: AbortSignal,
): Promise<Revision> {
  const install = async (api: Api, bundleDigest?: string): Promise<Revision> => {
    const set = toPluginSet(api, bundleDigest, pluginFiles);
    if (set.hooks.length === 0) return { api, report: { digest: set.digest, hooks: [] } };
    const report = await parts.dispatcher.install(set, signal);
    return isLoaded(report) ? { api, report } : { api, report, problem: whyNot(set, report) };
  };
  if (bundle === undefined) return install(definition);
  if (bundle.bundle === undefined || !isLoaded(bundle)) {
    const refused = bundle.refused ?? 'its bundle could not be loaded';
    return { api: definition, report: { digest: bundle.digest, hooks: [], refused }, problem: refused };
  }
  const { api, problem } = parts.bundleHooks(definition, bundle.bundle.customMiddleware);
  if (problem === undefined) return install(api, bundle.bundle.digest);
  const { digest } = bundle;
  return { api, report: { digest, hooks: [], refused: problem, bundle: bundle.bundle }, problem };
}

/** Why a set was refused, hook by hook. */
export function whyNot(set: PluginSet, report: SetReport): string {
  if (report.refused !== undefined) return report.refused;
  return report.hooks
    .flatMap((hook, i) => (hook.ready ? [] : [`${set.hooks[i]?.type} hook "${set.hooks[i]?.name}": ${hook.reason}`]))
    .join('; ');
}
