import type { DefinitionOptions } from '../definitions/index.ts';
import type { Configuration } from './configuration.ts';

/** What a configuration says about reading definitions. */
export function definitionOptions({
  definitions,
  limits,
  routing,
  plugins,
  javascript,
  python,
  coprocess,
  compatibility,
}: Configuration): Partial<DefinitionOptions> {
  return {
    ignoreFeatures: definitions.ignoreFeatures,
    pythonEnvironments: coprocess.targets.length > 0 ? undefined : Object.keys(python.environments),
    hookTimeoutMs: limits.hookTimeoutMs,
    driverTimeoutMs: { otto: javascript.timeoutMs, javascript: javascript.timeoutMs },
    secrets: definitions.secrets,
    authMayContinue: plugins.authMayContinue,
    customDomains: routing.customDomains,
    virtualBlobs: compatibility.virtualBlobs,
    matching: { prefix: routing.prefixMatching, suffix: routing.suffixMatching },
  };
}
