import { type Configuration, definitionOptions } from '../../configuration/index.ts';
import { type LoadedDefinitions, loadDefinitions } from '../../definitions/index.ts';
import { createRouter } from '../../router.ts';
import { type Plan, planRequest } from './plan.ts';
import type { SampleRequest } from './sample.ts';

/**
 * The plan of a request by the definitions on disk: no plugin is loaded, so what plugins say of themselves is not known, and the hooks of
 * bundles are not there. @throws {Error} when the folder cannot be read.
 */
export async function planOffline(configuration: Configuration, sample: SampleRequest): Promise<Plan> {
  const { definitions, routing } = configuration;
  const loaded = await loadDefinitions(definitions.folder, definitionOptions(configuration));
  const served = loaded.apis.filter(({ active, internal }) => active && !internal);
  const routes = served.map((api) => {
    const { path, pathPattern, domain, domainPattern } = api.listen;
    const host = routing.customDomains ? { domain, domainPattern } : {};
    return { ...host, path, pathPattern, entry: { api, report: undefined } };
  });
  const plan = planRequest(sample, createRouter(routes, routing.strict).find);
  return { ...plan, why: [plan.why, ...notes(plan, loaded)].join('; ') };
}

function notes({ api }: Plan, { apis, refusals }: LoadedDefinitions): readonly string[] {
  const bundle = apis.find(({ id }) => id === api?.id)?.plugins.bundle ?? '';
  if (bundle !== '') return [`the hooks of its bundle "${bundle}" are known to a gateway that runs`];
  if (api !== undefined || refusals.length === 0) return [];
  return [
    `definitions were refused, "interpose validate" says why: ${refusals.map(({ source }) => source).join(', ')}`,
  ];
}
