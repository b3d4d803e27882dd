import { resolve } from 'node:path';
import type { Driver } from '../driver.ts';
import { createGuests } from './guest-group.ts';
import { GuestHooks, instancesOf, loadMembers, notReady } from './guest-hooks.ts';
import type { GuestOptions } from './options.ts';

/** A language whose guest half speaks the protocol of docs/guest-protocol.md, and needs nothing else of the host. */
export interface GuestDriverOptions extends Omit<GuestOptions, 'name' | 'load' | 'host'> {
  /** As they stand in definitions. */
  readonly names: readonly string[];
  /** Where the `path` of a hook is looked up; the guest gets the full path as `file`. */
  readonly pluginsFolder: string;
}

/** A driver that runs each plugin set in a guest process of its own. */
export function createGuestDriver(options: GuestDriverOptions): Driver {
  const { names, pluginsFolder, ...guestOptions } = options;
  return {
    names,

    async load(set, hooks, host, bundleFolder) {
      const load = loadMembers(set, hooks, (hook) => ({ file: resolve(bundleFolder ?? pluginsFolder, hook.path) }));
      const name = `${names[0]} guest of ${set.apiId}`;
      const guest = createGuests({ ...guestOptions, name, load, host }, instancesOf(hooks));
      try {
        return new GuestHooks(guest, hooks, await guest.start());
      } catch (error) {
        await guest.close();
        return notReady(hooks, error);
      }
    },

    // Each set's hooks close their guest.
    close: async () => {},
  };
}
