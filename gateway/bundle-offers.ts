import type { BundleVerdict } from '../contract/bundle-news.ts';
import { type BundleReport, isLoaded, type SetReport } from '../contract/plugin-set.ts';
import type { Origin } from './bundle-reports.ts';
import type { Api } from './definitions/api.ts';
import { toBundleSet } from './definitions/plugin-set.ts';
import type { GatewayParts } from './gateway.ts';
import { inParallel } from './reload/in-parallel.ts';
import type { PluginFiles } from './reload/plugin-files.ts';
import { type Revision, revise } from './revise.ts';
import type { World } from './world.ts';

/** A new revision of a bundle that a coprocess has found. */
export interface BundleOffer {
  readonly bundle: string;
  readonly revision: BundleReport;
  /** How often it has not loaded in time, although there was a coprocess to load it. @default 0 */
  readonly tries?: number;
}

/** Offers that wait to be tried, in the order in which they came. */
export class BundleOffers {
  private waiting: BundleOffer[] = [];

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  put(offer: BundleOffer): void {
    const { bundle, revision } = offer;
    this.waiting = this.waiting.filter((one) => one.bundle !== bundle || one.revision.digest !== revision.digest);
    this.waiting.push(offer);
  }

  /** One of each bundle; the next one is to be judged by what that leads to. */
  take(): readonly BundleOffer[] {
    const taken = [...new Map([...this.waiting].reverse().map((offer) => [offer.bundle, offer])).values()].reverse();
    this.waiting = this.waiting.filter((offer) => !taken.includes(offer));
    return taken;
  }
}

/** An API with a new revision of its bundle. */
export interface Tried {
  readonly bundle: SetReport;
  readonly revision: Revision;
}

interface Trial {
  /** Absent: nothing can be said now. */
  readonly verdict?: BundleVerdict;
  /** It is to be tried again. */
  readonly again?: BundleOffer;
  /** What takes the place of what is there: nothing that serves when it is refused. */
  readonly revisions: ReadonlyMap<Api, Tried>;
}

/** A revision that does not load in `limits.startTimeoutMs` so often is refused: each try costs a load. */
const maxTries = 3;

/** APIs that are loaded at once. */
const atOnce = 32;

/**
 * Load a new revision of a bundle for all APIs that use it. It is taken when each API that serves now can serve with it, and one at least
 * can; else all of it is let go of again.
 */
export async function tryOffer(
  offer: BundleOffer,
  apis: readonly Api[],
  old: World | undefined,
  parts: GatewayParts,
  files: PluginFiles,
  signal: AbortSignal,
): Promise<Trial> {
  const { bundle, revision, tries = 0 } = offer;
  const users = apis.filter(({ plugins }) => plugins.bundle === bundle);
  const { digest } = revision;
  const serves = ({ id }: Api): boolean => {
    const served = old?.byId.get(id);
    return served !== undefined && isLoaded(served.report);
  };
  const revisions = new Map<Api, Tried>();
  if (users.length === 0) return { revisions };
  if (users.every((api) => serves(api) && old?.origins.get(api.id)?.bundleDigest === digest)) {
    return { verdict: { bundle, digest }, revisions };
  }
  const report: SetReport = { digest: toBundleSet(bundle).digest, hooks: [], bundle: revision };
  await inParallel(users, atOnce, async (definition) => {
    const origin: Origin = { definition, bundleDigest: digest, pluginFiles: files.of(definition) };
    revisions.set(definition, { bundle: report, revision: await revise(origin, report, parts, signal) });
  });
  const tried = [...revisions];
  const isTaken =
    tried.every(([api, one]) => one.revision.problem === undefined || !serves(api)) &&
    tried.some(([, one]) => one.revision.problem === undefined);
  if (isTaken) {
    parts.log('info', `bundle "${bundle}" serves in a new revision`, { digest });
    return { verdict: { bundle, digest }, revisions };
  }
  for (const [, one] of tried) {
    const { problem, report: installed } = one.revision;
    if (problem === undefined && installed.hooks.length > 0) parts.dispatcher.uninstall(installed.digest);
  }
  if (signal.aborted) {
    const counted = parts.dispatcher.available ? tries + 1 : tries;
    if (counted < maxTries) return { revisions: new Map(), again: { ...offer, tries: counted } };
  }
  // Those that do not serve anyway say what is wrong with the latest.
  const failed = new Map(tried.filter(([api, one]) => one.revision.problem !== undefined && !serves(api)));
  const reasons = tried.flatMap(([api, one]) =>
    one.revision.problem === undefined ? [] : [`API "${api.id}": ${one.revision.problem}`],
  );
  const more = reasons.length > 3 ? `; and ${reasons.length - 3} more` : '';
  const refused = `${reasons.slice(0, 3).join('; ')}${more}`;
  parts.log('error', `a new revision of bundle "${bundle}" is refused, the last good one stays: ${refused}`, {
    digest,
  });
  return { verdict: { bundle, digest, refused }, revisions: failed };
}
