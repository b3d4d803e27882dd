/** How Python plugins are run. */
export interface PythonDriverOptions {
  /** Program that runs the guests: a path, or a name on PATH. The packages that it can import are those of plugins. @default python3 */
  readonly interpreter?: string;
  /** Version that is asked for, as `3.11`: then `python3.11` is looked for in place of a plain `python3`. */
  readonly version?: string | undefined;
  /** Programs in place of it for hooks that name one of them. @default {} */
  readonly environments?: Readonly<Record<string, string>>;
  /** More folders for `import`, after those of the interpreter. @default [] */
  readonly path?: readonly string[];
  /** Where the `path` of a hook without a bundle is looked up; undefined: such hooks do not exist, as in the original. */
  readonly pluginsFolder?: string | undefined;
  /**
   * What a hook means whose function is not there, or whose module does not load: the plugin set is refused, or it is loaded and calls of
   * the hook fail, as in the original.
   * @default refuse
   */
  readonly missing?: 'refuse' | 'failCalls';
  /** Memory of one guest. @default 512 MiB */
  readonly memoryLimitBytes?: number;
  /** Time without calls after which a guest is ended; the next call starts it again. @default 5 minutes */
  readonly idleMs?: number;
  /** Guests that may be running and idle; beyond that the one that has been idle longest is ended. @default 32 */
  readonly maxWarmGuests?: number;
  /** How long a guest may ignore the end of a call before it is killed. @default 500 ms */
  readonly cancelGraceMs?: number;
  /** How long the modules of a plugin may take to load. @default 30 s */
  readonly startTimeoutMs?: number;
  /** Environment variables for plugins, in addition to those that every guest gets. @default {} */
  readonly env?: Readonly<Record<string, string>>;
}

export type ResolvedOptions = Required<Omit<PythonDriverOptions, 'version'>>;

/** Fill in defaults. */
export function resolveOptions({ version, ...options }: PythonDriverOptions): ResolvedOptions {
  const { interpreter = 'python3' } = options;
  return {
    environments: {},
    path: [],
    missing: 'refuse',
    memoryLimitBytes: 512 * 1024 * 1024,
    idleMs: 5 * 60 * 1000,
    maxWarmGuests: 32,
    cancelGraceMs: 500,
    startTimeoutMs: 30_000,
    env: {},
    ...options,
    pluginsFolder: options.pluginsFolder,
    interpreter: interpreter === 'python3' && version !== undefined ? `python${version}` : interpreter,
  };
}
