import { Cancellation } from '../../contract/cancellation.ts';
import { PluginFailure } from '../../contract/failure.ts';
import type { Host, HostLog } from '../driver.ts';
import { createGuest, type Guest, type GuestAnswer, type GuestCall } from '../guest/index.ts';
import { askGateway } from './gateway-services.ts';
import { guestProgram } from './guest-program.ts';
import type { ResolvedOptions } from './options.ts';
import type { GuestSettings, Install, InstallReport } from './protocol.ts';
import { stuckSet } from './watchdog-cells.ts';

/** A guest, and the sets that it was told to load since it was last found without one. */
interface Place {
  readonly guest: Guest;
  readonly installed: Set<number>;
  /** Sets of the calls that it owes, by the number of the call, in order. */
  readonly owed: Map<number, number>;
}

/** What the pool knows of a set. */
export interface PooledSet {
  readonly install: Install;
  /** Bytes of `install`, which guests get. */
  readonly message: Buffer;
  readonly host: Host;
  /** Where its calls go first, so that it is loaded once. */
  readonly home: number;
  /** When its scripts last ran into a limit, in the order of the clock; old ones are dropped. */
  strikesMs: number[];
  /** A guest of its own, once its scripts proved to be a burden to others. */
  own: Place | undefined;
  /** Refused until then. */
  refusedUntilMs: number;
}

/** So many limits within {@link strikeWindowMs}, and a set gets a guest of its own; so many more, and it is refused for a while. */
const strikesToMove = 2;
const strikesToRefuse = 6;
const strikeWindowMs = 30_000;
const refusalMs = 1000;
/** Calls that wait at home before another guest is asked: it would have to load the set first. */
const crowd = 8;
/** A guest that has said nothing for so long while it owes answers is held up by a script, in milliseconds; most take less than one. */
const stalledMs = 25;

/** The guest processes that all sets share. A set is loaded where it is called, and again when that guest had to be replaced. */
export class Pool {
  private readonly options: ResolvedOptions;
  private readonly log: HostLog;
  /** Where sets are at home, and last, if that is one only, another that takes its calls while it is started again. */
  private readonly places: Place[];
  private readonly sets = new Map<number, PooledSet>();
  private lastSet = 0;
  private lastCall = 0;

  constructor(options: ResolvedOptions, log: HostLog) {
    this.options = options;
    this.log = log;
    const places = Math.max(options.processes, 2);
    this.places = Array.from({ length: places }, (_, i) => this.openPlace(`javascript guest ${i + 1}`));
  }

  /** Load a set. When no guest can do that now, there are no reports, and the set is loaded when it is first called. */
  async add(
    install: Omit<Install, 'set'>,
    host: Host,
  ): Promise<{ set: PooledSet; reports: InstallReport | undefined }> {
    const numbered: Install = { set: ++this.lastSet, ...install };
    const set: PooledSet = {
      install: numbered,
      message: Buffer.from(JSON.stringify(numbered)),
      host,
      home: numbered.set % this.options.processes,
      strikesMs: [],
      own: undefined,
      refusedUntilMs: 0,
    };
    this.sets.set(numbered.set, set);
    try {
      const answer = await this.installAt(
        this.places[set.home] as Place,
        set,
        performance.now() + loadTimeoutMs,
        never,
      );
      for (const { guest } of this.places) guest.wake();
      const { reports, apart } = answer.message as { reports?: InstallReport; apart?: string };
      if (typeof apart === 'string') {
        const { apiId } = install;
        host.log(
          'info',
          `scripts of ${apiId} run in a fresh context each time, which costs up to a millisecond: ${apart}`,
          {
            apiId,
          },
        );
      }
      return { set, reports };
    } catch (error) {
      const { apiId } = install;
      host.log('warn', `scripts of ${apiId} are loaded when they are called: ${(error as Error).message}`, { apiId });
      return { set, reports: undefined };
    }
  }

  /** @throws {PluginFailure} */
  async call(set: PooledSet, call: GuestCall): Promise<GuestAnswer> {
    const now = performance.now();
    if (set.refusedUntilMs > now) {
      throw new PluginFailure(
        'OVERLOADED',
        `the scripts of ${set.install.apiId} ran into their limits too often: refused for a moment`,
      );
    }
    const place = set.own ?? this.choose(set);
    try {
      return this.judged(set, await this.callAt(place, set, call));
    } catch (error) {
      const failure = PluginFailure.from(error);
      // The guest died under this call. Whose fault it was is known by now; the others go elsewhere.
      if (failure.reason !== 'DRIVER_UNAVAILABLE' || set.own !== undefined || call.cancellation.cancelled)
        throw failure;
      if (set.strikesMs.some((strikeMs) => strikeMs >= now)) throw failure;
      return this.judged(set, await this.callAt(this.other(place), set, call));
    }
  }

  async remove(set: PooledSet): Promise<void> {
    const { set: number } = set.install;
    this.sets.delete(number);
    if (set.own !== undefined) return set.own.guest.close();
    for (const place of this.places) {
      if (!place.installed.delete(number) || place.guest.status.state !== 'ready') continue;
      const gone = {
        members: `"remove":true,"set":${number}`,
        parts: [],
        deadlineMs: performance.now() + 1000,
        cancellation: never,
      };
      place.guest.call(gone).catch(() => {});
    }
  }

  async close(): Promise<void> {
    const own = [...this.sets.values()].flatMap((set) => set.own ?? []);
    await Promise.all([...this.places, ...own].map(({ guest }) => guest.close()));
  }

  private async callAt(place: Place, set: PooledSet, call: GuestCall): Promise<GuestAnswer> {
    const { set: number } = set.install;
    if (!place.installed.has(number)) await this.installAt(place, set, call.deadlineMs, call.cancellation);
    const answer = await this.owedBy(place, number, call);
    if (answer.message.missing !== true) return answer;
    await this.installAt(place, set, call.deadlineMs, call.cancellation);
    return this.owedBy(place, number, call);
  }

  private async owedBy(place: Place, set: number, call: GuestCall): Promise<GuestAnswer> {
    const number = ++this.lastCall;
    place.owed.set(number, set);
    try {
      return await place.guest.call(call);
    } finally {
      place.owed.delete(number);
    }
  }

  private async installAt(
    place: Place,
    set: PooledSet,
    deadlineMs: number,
    cancellation: Cancellation,
  ): Promise<GuestAnswer> {
    const { set: number } = set.install;
    place.installed.add(number);
    const members = `"install":true,"set":${number}`;
    return place.guest.call({ members, parts: [set.message], deadlineMs, cancellation });
  }

  private choose(set: PooledSet): Place {
    const home = this.places[set.home] as Place;
    if (!home.guest.ready) {
      const standIn = this.places.find(({ guest }) => guest.ready);
      if (standIn !== undefined) home.guest.wake();
      return standIn ?? home;
    }
    // Calls that come now do not wait behind a script that goes on and on; the set that it is of stays where it is.
    const [running] = home.guest.silentMs < stalledMs ? [] : home.owed.values();
    if (running !== undefined && running !== set.install.set) {
      return this.places.find(({ guest }) => guest.silentMs < stalledMs) ?? home;
    }
    if (home.guest.openCalls < crowd) return home;
    let least = home;
    for (const place of this.places) if (place.guest.openCalls < least.guest.openCalls - crowd) least = place;
    return least;
  }

  private other(place: Place): Place {
    return this.places.find((one) => one !== place) ?? place;
  }

  /** Count limits that scripts ran into. */
  private judged(set: PooledSet, answer: GuestAnswer): GuestAnswer {
    const failed = answer.message.failed as { reason?: unknown } | undefined;
    if (failed?.reason === 'HOOK_TIMED_OUT') this.strike(set);
    return answer;
  }

  private strike(set: PooledSet): void {
    const now = performance.now();
    set.strikesMs = [...set.strikesMs.filter((strikeMs) => strikeMs > now - strikeWindowMs), now];
    const { apiId } = set.install;
    const strikes = set.strikesMs.length;
    if (strikes >= strikesToMove && set.own === undefined) {
      this.log('warn', `scripts of ${apiId} keep running into their limits: they get a guest of their own`, { apiId });
      set.own = this.openPlace(`javascript guest of ${apiId}`);
    } else if (strikes >= strikesToRefuse) {
      set.refusedUntilMs = now + refusalMs;
    }
  }

  private openPlace(name: string): Place {
    const { cpuMs, memoryLimitBytes, privateAddresses, library, cancelGraceMs, idleMs } = this.options;
    const settings: GuestSettings = {
      cpuMs,
      memoryMib: Math.floor(memoryLimitBytes / mebibyte),
      privateAddresses,
      library: library ?? null,
    };
    const guest = createGuest({
      name,
      command: process.execPath,
      args: guestProgram(),
      load: { hooks: [], settings },
      host: {
        log: (level, message, fields) => this.onLog(level, message, fields),
        request: (service, args) => this.onRequest(service, args),
      },
      cancelGraceMs,
      idleMs,
    });
    return { guest, installed: new Set(), owed: new Map() };
  }

  private onLog(...[level, message, fields]: Parameters<HostLog>): void {
    const stuck = stuckSet(message);
    const set = stuck === undefined ? undefined : this.sets.get(stuck);
    if (set !== undefined) {
      // What kills a guest is no burden to try twice.
      this.strike(set);
      this.strike(set);
    }
    this.log(level, message, fields);
  }

  private onRequest(service: string, args: unknown): Promise<unknown> {
    const { set: number, args: list } = args as { set: number; args: unknown[] };
    const set = this.sets.get(number);
    if (set === undefined) return Promise.reject(new Error('the scripts that ask are no longer loaded'));
    return askGateway(set.host, service, list, set.install);
  }
}

const never = new Cancellation();
/** A guest may take that long to start on a busy machine, and the set some time more. */
const loadTimeoutMs = 45_000;
const mebibyte = 1024 * 1024;
