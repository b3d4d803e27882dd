import type { Api, AuthRule } from './api.ts';
import { readIdExtractor } from './classic-auth.ts';
import { HookReader } from './classic-plugins.ts';
import { Fields, type JsonObject } from './fields.ts';
import { type DefinitionOptions, defaultDefinitionOptions } from './options.ts';
import { type Refusal, Report } from './problem.ts';

/** An API with the hooks of its bundle, or why it cannot have them. */
export interface Bundled {
  readonly api: Api;
  readonly refusal?: Refusal;
  readonly warnings: readonly string[];
}

/**
 * Give an API the hooks of its bundle: the manifest's `custom_middleware` takes the place of the definition's, whole; everything else stays
 * (spec/platform-contract §3.6). Hooks of single endpoints stay too, and keep their places in the plugin set.
 */
export function withBundleHooks(
  definition: Api,
  middleware: JsonObject,
  options?: Partial<DefinitionOptions>,
): Bundled {
  const settled = { ...defaultDefinitionOptions, ...options };
  const source = `${definition.source}: bundle "${definition.plugins.bundle}"`;
  const report = new Report(source, settled.ignoreFeatures);
  const fields = new Fields(middleware, 'custom_middleware', report);
  const { keyless, custom, standard } = definition.auth;
  const taken = definition.plugins.endpointHooks.filter((hook) => hook.index >= 0).length;
  const reader = new HookReader(fields, settled, taken);
  reader.readAll({ keyless, customAuth: custom, bundled: false });
  const { extractor: _, ...rest } = definition.auth;
  const { authHook } = reader;
  const extractor = authHook === undefined ? undefined : readIdExtractor(fields, authHook);
  const auth: AuthRule = {
    ...rest,
    token: standard || authHook === undefined,
    ...(extractor === undefined ? {} : { extractor }),
  };
  const { unknownDriver, ...plugins } = definition.plugins;
  // Endpoint hooks without a driver stay without one.
  const api = { ...definition, auth, plugins: { ...plugins, ...(unknownDriver && { unknownDriver }), ...reader.own } };
  const { problems, warnings, kind } = report;
  if (kind === undefined) return { api, warnings };
  const { id, listen } = definition;
  const refusal = { source, kind, problems, id, listenPath: listen.path, domain: listen.domain ?? '' };
  return { api, refusal, warnings };
}
