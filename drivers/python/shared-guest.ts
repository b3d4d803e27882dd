import { fileURLToPath } from 'node:url';
import { Cancellation } from '../../contract/cancellation.ts';
import type { HookSpec, PluginSet } from '../../contract/plugin-set.ts';
import { specMap } from '../../contract/spec-map.ts';
import type { Host } from '../driver.ts';
import { createGuests, type Guest, type WarmGuests } from '../guest/index.ts';
import type { PythonSource } from './modules.ts';
import type { ResolvedOptions } from './options.ts';

const program = fileURLToPath(new URL('guest.py', import.meta.url));
const descriptors = fileURLToPath(new URL('../../proto/gen/descriptors.binpb', import.meta.url));

/** A hook as the guest asks for it, when it is to run it for the first time. */
interface HookEntry {
  readonly module: number;
  readonly name: string;
  readonly type: string;
  readonly rawBodyOnly: boolean;
  readonly spec: Readonly<Record<string, string>>;
}

interface Probed {
  readonly session: 'protobuf' | 'json';
  readonly problems: readonly (string | null)[];
}

/**
 * The guest of one bundle, shared by count: the plugin sets of all APIs that use the bundle run in it, so that a module's globals are one
 * for all of them (recorded). Which set a call is for, the number of its hook tells.
 */
export class SharedGuest {
  readonly guest: Guest;
  readonly source: PythonSource;
  private readonly entries = new Map<number, HookEntry>();
  /** Of the sets in use, the oldest first. */
  private readonly hosts = new Set<Host>();
  private readonly startTimeoutMs: number;
  private lastEntry = 0;

  constructor(
    name: string,
    source: PythonSource,
    options: ResolvedOptions,
    instances: number,
    warm: WarmGuests,
    log: Host['log'],
  ) {
    this.source = source;
    this.startTimeoutMs = options.startTimeoutMs;
    const { modules, paths } = source;
    this.guest = createGuests(
      {
        name,
        command: options.interpreter,
        // Nothing is written beside the plugin's sources: they are what was verified.
        args: ['-u', '-B', program, descriptors],
        env: { PYTHONIOENCODING: 'utf-8', ...options.env },
        load: { modules, paths: [...paths, ...options.path] },
        host: { log, request: (service, args) => this.serve(service, args) },
        memoryLimitBytes: options.memoryLimitBytes,
        idleMs: options.idleMs,
        cancelGraceMs: options.cancelGraceMs,
        startTimeoutMs: options.startTimeoutMs,
        warm,
      },
      instances,
    );
  }

  get inUse(): boolean {
    return this.hosts.size > 0;
  }

  attach(host: Host): void {
    this.hosts.add(host);
  }

  /** Let go of a set: its hooks are not called any more. */
  detach(host: Host, entries: Iterable<number>): void {
    this.hosts.delete(host);
    for (const entry of entries) this.entries.delete(entry);
  }

  /** Number by which the guest is to know a hook of a set. */
  add(set: PluginSet, hook: HookSpec): number {
    const { name, type, rawBodyOnly } = hook;
    const module = this.source.moduleOf(hook);
    this.entries.set(++this.lastEntry, { module, name, type, rawBodyOnly, spec: specMap(set) });
    return this.lastEntry;
  }

  /**
   * How the guest wants sessions, and why hooks cannot run, in their order; null for those that can.
   * @throws {PluginFailure} when the guest does not start.
   */
  async probe(hooks: readonly HookSpec[]): Promise<Probed> {
    const { session } = await this.guest.start();
    const wanted = hooks.map((hook) => ({ module: this.source.moduleOf(hook), name: hook.name }));
    const { message } = await this.guest.call({
      members: `"probe":${JSON.stringify(wanted)}`,
      parts: [],
      deadlineMs: performance.now() + this.startTimeoutMs,
      cancellation: new Cancellation(),
    });
    return { session, problems: message.problems as (string | null)[] };
  }

  private async serve(service: string, args: unknown): Promise<unknown> {
    if (service !== 'python.hook') return [...this.hosts].at(-1)?.request(service, args);
    const entry = this.entries.get((args as { hook: number }).hook);
    if (entry === undefined) throw new Error('this hook is not in use any more');
    return entry;
  }
}
