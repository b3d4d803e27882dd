import type { SetReport } from '../contract/plugin-set.ts';
import { isLoaded } from '../contract/plugin-set.ts';
import { type ServedApi, serveApi } from './chain/served-api.ts';
import type { Api } from './definitions/api.ts';
import { toPluginSet } from './definitions/plugin-set.ts';
import type { GatewayParts } from './gateway.ts';
import { createRouter, type Route, type Router } from './router.ts';

/** All APIs of one moment: what a reload builds aside, and swaps in at once. */
export interface World {
  readonly router: Router<ServedApi | RefusedApi>;
  /** By API id; internal ones too. */
  readonly byId: ReadonlyMap<string, ServedApi>;
  /** APIs that could not be loaded, and why. */
  readonly problems: readonly LoadProblem[];
}

export interface LoadProblem {
  /** The definition's file, and the API where it is known. */
  readonly source: string;
  readonly api?: string;
  readonly message: string;
  /** Where the API would have answered. */
  readonly place?: { readonly path: string; readonly domain: string } | undefined;
}

/** How requests are answered where an API was refused. */
export interface RefusedApi {
  readonly refused: LoadProblem;
}

/**
 * Build a world: install each API's plugins, and compile it. An API whose definition or plugins do not load keeps its last good revision;
 * a new one answers with an error until it does. Unchanged revisions are taken over from `old`.
 */
export async function buildWorld(
  apis: readonly Api[],
  refused: readonly LoadProblem[],
  old: World | undefined,
  parts: GatewayParts,
): Promise<World> {
  const byId = new Map<string, ServedApi>();
  const problems: LoadProblem[] = [...refused];
  const resolve = resolver(apis, byId);
  await inParallel(apis, installsAtOnce, async (api) => {
    const last = old?.byId.get(api.id);
    // The loader gives the same object for a definition that has not changed.
    if (last?.api === api && isLoaded(last.report)) {
      byId.set(api.id, last);
      return;
    }
    const report = await install(api, parts);
    if (!isLoaded(report)) {
      problems.push({ source: api.source, api: api.id, message: `${api.source}: ${whyNot(api, report)}` });
      if (last !== undefined && isLoaded(last.report)) {
        byId.set(api.id, last);
        return;
      }
    }
    byId.set(api.id, serveApi(api, report, { ...parts.apiParts(api), resolve }));
  });
  const { routing } = parts.configuration;
  for (const problem of refused) {
    const last = old?.byId.get(problem.api ?? '');
    if (last !== undefined && isLoaded(last.report) && !byId.has(last.api.id)) byId.set(last.api.id, last);
  }
  const routes: Route<ServedApi | RefusedApi>[] = [];
  for (const served of byId.values()) {
    const { active, internal, listen } = served.api;
    if (active && !internal)
      routes.push({ domain: routing.customDomains ? listen.domain : undefined, path: listen.path, entry: served });
  }
  for (const problem of refused) {
    const { place, api } = problem;
    if (place === undefined || !place.path.startsWith('/') || byId.has(api ?? '')) continue;
    const domain = routing.customDomains && place.domain !== '' ? place.domain : undefined;
    routes.push({ domain, path: place.path, entry: { refused: problem } });
  }
  return { router: createRouter(routes, routing.strict), byId, problems };
}

/** A bundle download or a guest's start takes time, not processor: more at once is faster, up to what an upstream bears. */
const installsAtOnce = 32;

async function install(api: Api, parts: GatewayParts): Promise<SetReport> {
  const set = toPluginSet(api);
  if (set.hooks.length === 0) return { digest: set.digest, hooks: [] };
  return parts.dispatcher.install(set);
}

function whyNot(api: Api, report: SetReport): string {
  if (report.refused !== undefined) return report.refused;
  const hooks = [...api.plugins.hooks, ...api.plugins.endpointHooks];
  return report.hooks
    .flatMap((hook, i) => (hook.ready ? [] : [`${hooks[i]?.type} hook "${hooks[i]?.name}": ${hook.reason}`]))
    .join('; ');
}

/** `tyk://` names an API by its id, or by its name in the form `my-api`. */
function resolver(apis: readonly Api[], byId: ReadonlyMap<string, ServedApi>): (name: string) => ServedApi | undefined {
  const ids = new Map<string, string>();
  for (const api of apis) ids.set(slug(api.name), api.id);
  return (name) => byId.get(name) ?? byId.get(ids.get(slug(name)) ?? '');
}

function slug(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}

async function inParallel<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await work(items[next++] as Item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
