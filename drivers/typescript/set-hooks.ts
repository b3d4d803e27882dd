import type { HookAnswer } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import { PluginFailure } from '../../contract/failure.ts';
import type { HookReport, HookSpec } from '../../contract/plugin-set.ts';
import type { LoadedHooks } from '../driver.ts';
import type { Bundle } from './build.ts';
import { isolatedPlace, type Place, type Surroundings, trustedPlace } from './places.ts';
import { FileWatch } from './watch.ts';

interface OpenPlace {
  readonly place: Place;
  bundle: Bundle;
}

/** The hooks of one plugin set, each in its place; loaded anew when their source is saved, if that was asked for. */
export class SetHooks implements LoadedHooks {
  reports: readonly HookReport[] = [];
  private readonly hooks: readonly HookSpec[];
  private readonly surroundings: Surroundings;
  private readonly places: OpenPlace[] = [];
  /** By hook index. */
  private rooms: (LoadedHooks | undefined)[] = [];
  private watch: FileWatch | undefined;
  private reloading: Promise<void> = Promise.resolve();
  private closed: boolean = false;

  constructor(hooks: readonly HookSpec[], surroundings: Surroundings) {
    this.hooks = hooks;
    this.surroundings = surroundings;
  }

  /** Load all, once. What cannot be loaded is in the reports. */
  async load(): Promise<void> {
    const { allowTrusted, watch } = this.surroundings.options;
    const trusted = this.hooks.filter((hook) => hook.isolation === 'none');
    const isolated = this.hooks.filter((hook) => hook.isolation !== 'none');
    const reports = new Map<HookSpec, HookReport>();
    if (trusted.length > 0 && !allowTrusted) for (const hook of trusted) reports.set(hook, refusal(hook));
    else if (trusted.length > 0) await this.openPlace(trustedPlace(trusted, this.surroundings), reports);
    if (isolated.length > 0) await this.openPlace(isolatedPlace(isolated, this.surroundings), reports);
    this.reports = this.hooks.map((hook) => reports.get(hook) as HookReport);
    if (watch) {
      this.watch = new FileWatch(() => {
        this.reloading = this.reloading.then(() => this.reload());
      });
      this.watchInputs();
    }
  }

  run(hook: HookSpec, call: HookCall): HookAnswer | Promise<HookAnswer> {
    const room = this.rooms[hook.index];
    if (room === undefined) throw new PluginFailure('HOOK_UNKNOWN', `hook "${hook.name}" is not loaded`);
    return room.run(hook, call);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.watch?.close();
    await this.reloading;
    await Promise.all(this.places.map(({ place }) => place.close()));
  }

  private async openPlace(place: Place, reports: Map<HookSpec, HookReport>): Promise<void> {
    const bundle = await place.bundle();
    this.places.push({ place, bundle });
    try {
      const room = await place.open(bundle, () => {});
      for (const [i, hook] of place.hooks.entries()) {
        reports.set(hook, room.reports[i] as HookReport);
        this.rooms[hook.index] = room;
      }
    } catch (error) {
      for (const hook of place.hooks) reports.set(hook, { ready: false, reason: (error as Error).message });
    }
  }

  /** Load what was saved, or keep what there is: all of the set, or nothing of it. */
  private async reload(): Promise<void> {
    const { host, set } = this.surroundings;
    if (this.closed) return;
    try {
      const bundles = await Promise.all(this.places.map(({ place }) => place.bundle()));
      const old = this.places.map(({ bundle }) => bundle);
      for (const [i, open] of this.places.entries()) open.bundle = bundles[i] as Bundle;
      this.watchInputs();
      if (bundles.every((bundle, i) => isSame(bundle, old[i] as Bundle))) return;
      for (const bundle of bundles) refuseUnbuilt(bundle);
      const rooms: (LoadedHooks | undefined)[] = [];
      for (const { place, bundle } of this.places) {
        const room = await place.open(bundle, (reports) => this.accept(place, reports));
        for (const hook of place.hooks) rooms[hook.index] = room;
      }
      this.rooms = rooms;
      host.log('info', `the typescript plugins of ${set.apiId} were reloaded`, { apiId: set.apiId });
    } catch (error) {
      host.log('error', `the typescript plugins of ${set.apiId} stay as they were: ${(error as Error).message}`, {
        apiId: set.apiId,
      });
    }
  }

  /** @throws {Error} when a new version cannot take the place of the old one. */
  private accept(place: Place, reports: readonly HookReport[]): void {
    for (const [i, hook] of place.hooks.entries()) {
      const report = reports[i];
      const before = this.reports[this.hooks.indexOf(hook)];
      if (report === undefined || !report.ready) throw new Error(report?.reason ?? 'a hook was not reported on');
      // The gateway has been told that bodies may stream past this hook.
      if (before?.ready && before.body === 'none' && report.body === 'buffered') {
        throw new Error(`${hook.path}: hook "${hook.name}" now reads the body: reload the API to let it`);
      }
    }
  }

  private watchInputs(): void {
    this.watch?.watch(this.places.flatMap(({ bundle }) => bundle.inputs));
  }
}

function refusal(hook: HookSpec): HookReport {
  return {
    ready: false,
    reason: `hook "${hook.name}" asks for "isolation": "none", and trusted plugins are not allowed here: allow them in the configuration, or leave "isolation" out`,
  };
}

function isSame(a: Bundle, b: Bundle): boolean {
  return [...a.modules].every(([path, built]) => JSON.stringify(built) === JSON.stringify(b.modules.get(path)));
}

function refuseUnbuilt(bundle: Bundle): void {
  const reasons = [...bundle.modules.values()].flatMap((built) => ('reason' in built ? [built.reason] : []));
  if (reasons.length > 0) throw new Error(reasons.join('; '));
}
