import { createHash } from 'node:crypto';
import { goJson } from './go-json.ts';
import type { PluginSet } from './plugin-set.ts';

/** The `spec` map that every hook of a set gets (spec/coprocess-contract §2.3). */
export function specMap(set: PluginSet): Record<string, string> {
  return {
    OrgID: set.orgId,
    APIID: set.apiId,
    bundle_hash: createHash('md5')
      .update(set.bundleNamed ?? set.bundle ?? '')
      .digest('hex'),
    ...(set.configData && Object.keys(set.configData).length > 0 && { config_data: goJson(set.configData) }),
  };
}
