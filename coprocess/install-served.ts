import { isLoaded, type PluginSet } from '../contract/plugin-set.ts';
import type { HostLog } from '../drivers/driver.ts';
import type { Coprocess } from './coprocess.ts';

/**
 * Install plugin sets for gateways that are not ours. Hooks of external servers are left to those gateways: they have a plugin server of
 * their own. @returns the sets that loaded; the others are told of in the log.
 */
export async function installServed(
  coprocess: Coprocess,
  sets: readonly PluginSet[],
  log: HostLog,
): Promise<PluginSet[]> {
  const ours = sets.filter((set) => set.hooks.some((hook) => hook.driver !== 'grpc'));
  const reports = await Promise.all(ours.map((set) => coprocess.install(set)));
  return ours.filter((set, i) => {
    const report = reports[i];
    const loaded = report !== undefined && isLoaded(report);
    if (!loaded) log('warn', 'plugins are not offered to foreign gateways: they did not load', { api: set.apiId });
    return loaded;
  });
}
