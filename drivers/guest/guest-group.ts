import type { GuestAnswer, GuestCall } from './call.ts';
import { createGuest, type Guest, type GuestStatus } from './guest.ts';
import type { GuestLoaded } from './loaded.ts';
import type { GuestOptions } from './options.ts';

/** As many guests as asked for, that look like one: a call goes to the one with the fewest of those that are ready. */
export function createGuests(options: GuestOptions, instances: number): Guest {
  if (instances === 1) return createGuest(options);
  const name = (i: number): string => `${options.name}, instance ${i + 1} of ${instances}`;
  return new GuestGroup(Array.from({ length: instances }, (_, i) => createGuest({ ...options, name: name(i) })));
}

class GuestGroup implements Guest {
  private readonly guests: readonly Guest[];

  constructor(guests: readonly Guest[]) {
    this.guests = guests;
  }

  get status(): GuestStatus {
    const all = this.guests.map((guest) => guest.status);
    const sum = (key: 'openCalls' | 'waitingCalls' | 'rssBytes' | 'deaths'): number =>
      all.reduce((total, status) => total + status[key], 0);
    return {
      state: (['ready', 'starting'] as const).find((state) => all.some((one) => one.state === state)) ?? 'stopped',
      pid: all.find(({ pid }) => pid !== undefined)?.pid,
      openCalls: sum('openCalls'),
      waitingCalls: sum('waitingCalls'),
      rssBytes: sum('rssBytes'),
      deaths: sum('deaths'),
    };
  }

  async start(): Promise<GuestLoaded> {
    const [loaded] = await Promise.all(this.guests.map((guest) => guest.start()));
    return loaded as GuestLoaded;
  }

  call(call: GuestCall): Promise<GuestAnswer> {
    let best = this.guests[0] as Guest;
    for (const guest of this.guests) {
      if (!guest.ready) guest.wake();
      if (guest.ready === best.ready ? guest.openCalls < best.openCalls : guest.ready) best = guest;
    }
    return best.call(call);
  }

  wake(): void {
    for (const guest of this.guests) guest.wake();
  }

  get ready(): boolean {
    return this.guests.some((guest) => guest.ready);
  }

  get openCalls(): number {
    return this.guests.reduce((total, guest) => total + guest.openCalls, 0);
  }

  get silentMs(): number {
    return Math.min(...this.guests.map((guest) => guest.silentMs));
  }

  async replace(load: object, accept: (loaded: GuestLoaded) => void): Promise<void> {
    for (const guest of this.guests) await guest.replace(load, accept);
  }

  async close(): Promise<void> {
    await Promise.all(this.guests.map((guest) => guest.close()));
  }
}
