import type { BundleVerdict } from '../contract/bundle-news.ts';
import type { SetReport } from '../contract/plugin-set.ts';
import { isLoaded } from '../contract/plugin-set.ts';
import { Turn } from '../contract/turn.ts';
import { type BundleOffer, type Tried, tryOffer } from './bundle-offers.ts';
import { BundleReports, type Origin, sameOrigin } from './bundle-reports.ts';
import { createEvents, eventSet } from './chain/events.ts';
import { type ServedApi, serveApi } from './chain/served-api.ts';
import type { Api, ListenRule } from './definitions/api.ts';
import { hostPattern, listenPattern } from './definitions/endpoint-path.ts';
import type { GatewayParts } from './gateway.ts';
import { inParallel } from './reload/in-parallel.ts';
import { type LookAtFiles, PluginFiles } from './reload/plugin-files.ts';
import { revise, whyNot } from './revise.ts';
import { createRouter, type Route, type Router } from './router.ts';

/** All APIs of one moment: what a reload builds aside, and swaps in at once. */
export interface World {
  readonly router: Router<ServedApi | RefusedApi>;
  /** By API id; internal ones too. */
  readonly byId: ReadonlyMap<string, ServedApi>;
  /** By id, or by name in the form `my-api`: internal ones too. */
  find(nameOrId: string): ServedApi | undefined;
  /** APIs that could not be loaded, and why. */
  readonly problems: readonly LoadProblem[];
  /** Coprocesses could not be reached in time: another try may be all it takes. */
  readonly incomplete: boolean;
  /** What each API that is served was made from, by id. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly pluginFiles: PluginFiles;
}

export interface LoadProblem {
  /** The definition's file, and the API where it is known. */
  readonly source: string;
  readonly api?: string;
  readonly message: string;
  /** It did not load now, but the last revision that did still serves. */
  readonly lastServes?: boolean;
  /** Where the API would have answered. */
  readonly place?: { readonly path: string; readonly domain: string } | undefined;
}

export interface WorldParts extends GatewayParts {
  /** Find an API that a request is to go on in, among those that are served then. */
  readonly resolve: World['find'];
}

/** How requests are answered where an API was refused. */
export interface RefusedApi {
  readonly refused: LoadProblem;
}

/** What a world is built from. */
export interface WorldPlan {
  readonly apis: readonly Api[];
  readonly refused: readonly LoadProblem[];
  /** New revisions of bundles, to be served if all APIs that use them can. */
  readonly offers: readonly BundleOffer[];
  /** All that is not offered stays as it was, changed or not. */
  readonly offersOnly: boolean;
}

export interface BuiltWorld {
  readonly world: World;
  readonly verdicts: readonly BundleVerdict[];
  /** Offers that could not be tried in time. */
  readonly untried: readonly BundleOffer[];
}

/**
 * Build a world: install each API's plugins, and compile it. An API whose definition or plugins do not load keeps its last good revision;
 * a new one answers with an error until it does. Unchanged revisions are taken over from `old`.
 */
export async function buildWorld(
  { apis, refused, offers, offersOnly }: WorldPlan,
  old: World | undefined,
  parts: WorldParts,
): Promise<BuiltWorld> {
  const byId = new Map<string, ServedApi>();
  const origins = new Map<string, Origin>();
  const problems: LoadProblem[] = [...refused];
  let incomplete = false;
  const signal = AbortSignal.timeout(parts.configuration.limits.startTimeoutMs);
  const bundles = new BundleReports(parts.dispatcher, signal);
  const turn = new Turn();
  // At the start nothing can be loaded before there is a coprocess; later, all that is as it was goes on without.
  const look: LookAtFiles = (names) => parts.dispatcher.lookAtFiles(names, old === undefined ? signal : undefined);
  const files = await PluginFiles.look(apis, old?.pluginFiles, look, turn);
  const tried = new Map<Api, Tried>();
  const verdicts: BundleVerdict[] = [];
  const untried: BundleOffer[] = [];
  for (const offer of offers) {
    const trial = await tryOffer(offer, apis, old, parts, files, signal);
    if (trial.verdict !== undefined) verdicts.push(trial.verdict);
    else if (trial.again !== undefined) untried.push(trial.again);
    for (const [api, one] of trial.revisions) tried.set(api, one);
  }
  const changed: Api[] = [];
  for (const definition of apis) {
    const { id } = definition;
    const origin: Origin = { definition, bundleDigest: undefined, pluginFiles: files.of(definition) };
    if (tried.has(definition)) changed.push(definition);
    else if (offersOnly && old !== undefined) stay(definition, old);
    else if (definition.plugins.bundle === '' && canKeep(id, origin)) keep(id);
    else changed.push(definition);
    if (turn.isOver) await turn.next();
  }

  function canKeep(id: string, origin: Origin): boolean {
    const last = old?.byId.get(id);
    return last !== undefined && isLoaded(last.report) && sameOrigin(origin, old?.origins.get(id));
  }

  function keep(id: string): void {
    byId.set(id, old?.byId.get(id) as ServedApi);
    origins.set(id, old?.origins.get(id) as Origin);
  }

  function stay({ id, source }: Api, last: World): void {
    if (last.byId.has(id)) keep(id);
    problems.push(...last.problems.filter((problem) => problem.api === id && problem.source === source));
    incomplete = last.incomplete;
  }

  await inParallel(changed, installsAtOnce, async (definition) => {
    const { id, source } = definition;
    const last = old?.byId.get(id);
    if (turn.isOver) await turn.next();
    const trial = tried.get(definition);
    const bundle = trial?.bundle ?? (await bundles.of(definition));
    const pluginFiles = files.of(definition);
    const origin: Origin = { definition, bundleDigest: bundle?.bundle?.digest, pluginFiles };
    if (trial === undefined && canKeep(id, origin)) return keep(id);
    const { api, report, problem } = trial?.revision ?? (await revise(origin, bundle, parts, signal));
    if (problem !== undefined) {
      incomplete ||= signal.aborted;
      problems.push({ source, api: id, message: `${source}: ${problem}` });
      if (last !== undefined && isLoaded(last.report)) return keep(id);
      // An API whose bundle cannot be had is not there at all (recorded).
      if (report.bundle === undefined && bundle !== undefined && parts.bundleFailureUnroutes) return;
    }
    const handlers = await installEvents(api, pluginFiles, parts, signal);
    const events = createEvents(api, handlers, parts);
    const installed = [report, handlers].flatMap((one) =>
      one !== undefined && one.hooks.length > 0 && isLoaded(one) ? [one.digest] : [],
    );
    byId.set(id, serveApi(api, report, { ...parts.apiParts(api), resolve: parts.resolve, events, installed }));
    origins.set(id, origin);
  });
  bundles.close();
  const { routing } = parts.configuration;
  for (const problem of refused) {
    const last = old?.byId.get(problem.api ?? '');
    if (last === undefined || !isLoaded(last.report) || byId.has(last.api.id)) continue;
    byId.set(last.api.id, last);
    const origin = old?.origins.get(last.api.id);
    if (origin !== undefined) origins.set(last.api.id, origin);
  }
  const routes: Route<ServedApi | RefusedApi>[] = [];
  for (const served of byId.values()) {
    const { active, internal, listen } = served.api;
    const host = routing.customDomains ? listen : anyHost;
    if (active && !internal)
      routes.push({ ...listen, domain: host.domain, domainPattern: host.domainPattern, entry: served });
    if (turn.isOver) await turn.next();
  }
  for (const problem of refused) {
    const { place, api } = problem;
    if (place === undefined || !place.path.startsWith('/') || byId.has(api ?? '')) continue;
    const domain = routing.customDomains && place.domain !== '' ? place.domain : undefined;
    const { path } = place;
    try {
      const patterns = {
        domainPattern: domain === undefined ? undefined : hostPattern(domain),
        pathPattern: listenPattern(path),
      };
      routes.push({ domain, path, ...patterns, entry: { refused: problem } });
    } catch {
      // Nobody can tell which requests it would have answered.
    }
  }
  const world: World = {
    router: createRouter(routes, routing.strict),
    byId,
    find: resolver(byId),
    problems: problems.map(withState),
    incomplete,
    origins,
    pluginFiles: files,
  };
  return { world, verdicts, untried };

  function withState(problem: LoadProblem): LoadProblem {
    const served = byId.get(problem.api ?? '');
    return { ...problem, lastServes: served !== undefined && isLoaded(served.report) };
  }
}

const anyHost: Pick<ListenRule, 'domain' | 'domainPattern'> = {};

/** A bundle download or a guest's start takes time, not processor: more at once is faster, up to what an upstream bears. */
const installsAtOnce = 32;

/** Load an API's event handlers. One that does not load is not called, and the API serves without it (recorded). */
async function installEvents(
  api: Api,
  pluginFiles: string | undefined,
  { dispatcher, log }: GatewayParts,
  signal: AbortSignal,
): Promise<SetReport | undefined> {
  const set = eventSet(api, pluginFiles);
  if (set === undefined) return undefined;
  const report = await dispatcher.install(set, signal);
  if (!isLoaded(report)) log('warn', `${api.source}: its event handlers are not called: ${whyNot(set, report)}`);
  return report;
}

/** `tyk://` names an API by its id, or by its name in the form `my-api`. */
function resolver(byId: ReadonlyMap<string, ServedApi>): World['find'] {
  let bySlug: Map<string, ServedApi> | undefined;
  return (name) => {
    const named = byId.get(name);
    if (named !== undefined) return named;
    bySlug ??= new Map([...byId.values()].map((served) => [slug(served.api.name), served]));
    return bySlug.get(slug(name));
  };
}

function slug(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}
