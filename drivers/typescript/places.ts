import { pathToFileURL } from 'node:url';
import type { HookReport, HookSpec, PluginSet } from '../../contract/plugin-set.ts';
import type { Host, LoadedHooks } from '../driver.ts';
import {
  createGuests,
  type Guest,
  GuestHooks,
  type GuestLoaded,
  instancesOf,
  loadMembers,
  type WarmGuests,
} from '../guest/index.ts';
import type { Bundle, Bundler } from './build.ts';
import type { Gate } from './gate.ts';
import type { ResolvedOptions } from './options.ts';
import { loadTrusted } from './trusted.ts';

/** Where hooks of a set run: a guest of their own, or this process. Opened once, and again whenever their source has changed. */
export interface Place {
  readonly hooks: readonly HookSpec[];
  /** Bundle the source as it is now. */
  bundle(): Promise<Bundle>;
  /**
   * Load what was bundled. The second time and later the hooks before stay in use until `accept` has found no fault with the reports.
   * @throws what `accept` throws. @throws {PluginFailure} when the guest does not come up.
   */
  open(bundle: Bundle, accept: (reports: readonly HookReport[]) => void): Promise<LoadedHooks>;
  close(): Promise<void>;
}

/** What places are made from. */
export interface Surroundings {
  readonly set: PluginSet;
  readonly host: Host;
  /** Where the source files are. */
  readonly folder: string;
  readonly options: ResolvedOptions;
  readonly bundler: Bundler;
  readonly warm: WarmGuests;
  /** Guests are started a few at a time. */
  readonly starts: Gate;
}

let lastOwner = 0;

/** A guest process for these hooks, and for nothing else. */
export function isolatedPlace(hooks: readonly HookSpec[], surroundings: Surroundings): Place {
  const { set, host, folder, options, bundler, warm, starts } = surroundings;
  const owner = `guest ${++lastOwner}`;
  const bundles: Bundle[] = [];
  let guest: Guest | undefined;

  async function start(load: object): Promise<GuestLoaded> {
    const program = await bundler.guestProgram();
    const guestOptions = {
      name: `typescript guest of ${set.apiId}`,
      command: process.execPath,
      args: [...nodeOptions(await bundler.outputFolder, folder, options.memoryLimitBytes), program],
      env: options.env,
      cwd: folder,
      load,
      host,
      memoryLimitBytes: options.memoryLimitBytes,
      cancelGraceMs: options.cancelGraceMs,
      startTimeoutMs: options.startTimeoutMs,
      idleMs: options.idleMs,
      warm,
    };
    guest = createGuests(guestOptions, instancesOf(hooks));
    return starts.run(guest.start.bind(guest));
  }

  return {
    hooks,

    async bundle() {
      const bundle = await bundler.bundle(folder, pathsOf(hooks), owner);
      bundles.push(bundle);
      return bundle;
    },

    async open(bundle, accept) {
      const load = {
        ...loadMembers(set, hooks, (hook) => toModule(bundle, hook)),
        folder,
      };
      let loaded: GuestLoaded | undefined;
      if (guest === undefined) loaded = await start(load);
      else {
        await guest.replace(load, (replacement) => {
          accept(replacement.reports);
          loaded = replacement;
        });
      }
      return new GuestHooks(guest as Guest, hooks, loaded as GuestLoaded);
    },

    async close() {
      await guest?.close();
      await Promise.all(bundles.map((bundle) => bundler.remove(bundle)));
    },
  };
}

/** This very process. Its modules cannot be unloaded, so a set that is installed again finds those it had. */
export function trustedPlace(hooks: readonly HookSpec[], surroundings: Surroundings): Place {
  const { set, host, folder, bundler } = surroundings;
  return {
    hooks,
    bundle: () => bundler.bundle(folder, pathsOf(hooks), `trusted ${set.digest}`),

    async open(bundle, accept) {
      const loaded = await loadTrusted(set, hooks, bundle, folder, host);
      accept(loaded.reports);
      return loaded;
    },

    close: async () => {},
  };
}

/** What Node is told about a guest: it may read its own program and its folder, and write, start or attach to nothing. */
function nodeOptions(programs: string, folder: string, memoryLimitBytes: number): string[] {
  const heapMib = Math.floor((memoryLimitBytes - nodeItselfBytes) / 1024 / 1024);
  return [
    '--permission',
    `--allow-fs-read=${programs}`,
    `--allow-fs-read=${folder}`,
    '--enable-source-maps',
    `--max-old-space-size=${heapMib}`,
  ];
}

/** What is resident beside the heap for JavaScript: the program, its stacks and compiled code. */
const nodeItselfBytes = 64 * 1024 * 1024;

function pathsOf(hooks: readonly HookSpec[]): string[] {
  return hooks.map((hook) => hook.path);
}

function toModule(bundle: Bundle, hook: HookSpec): { module: string } | { reason: string } {
  const built = bundle.modules.get(hook.path);
  if (built === undefined) return { reason: `${hook.path} was not bundled` };
  return 'reason' in built ? built : { module: pathToFileURL(built.file).href };
}
