/** How upstreams are connected to. */
export interface UpstreamOptions {
  /** Most connections to one HTTP/1.1 origin; requests beyond them wait. @default 1024 */
  readonly connections?: number;
  /** Longest wait for a connection, TLS included, in milliseconds. @default 10000 */
  readonly connectTimeoutMs?: number;
  /** How long an HTTP/1.1 connection is kept without a request, unless the upstream asks for less, in milliseconds. @default 4000 */
  readonly idleConnectionMs?: number;
  /** Longest silence within a response body, in milliseconds; 0: no limit. @default 300000 */
  readonly idleBodyTimeoutMs?: number;
  /** Most HTTP/2 sessions with one origin. @default 4 */
  readonly sessions?: number;
  /** Most streams on one HTTP/2 session at a time; the upstream may ask for less. @default 100 */
  readonly streamsPerSession?: number;
  /** How often an HTTP/2 session with streams is asked whether it lives, in milliseconds. @default 30000 */
  readonly pingIntervalMs?: number;
  /** How long an HTTP/2 session is kept without a stream, in milliseconds. @default 90000 */
  readonly idleSessionMs?: number;
  /** What `close()` gives requests under way to finish, in milliseconds. @default 10000 */
  readonly drainTimeoutMs?: number;
}

export type ResolvedUpstreamOptions = Required<UpstreamOptions>;

const defaults: ResolvedUpstreamOptions = {
  connections: 1024,
  connectTimeoutMs: 10_000,
  idleConnectionMs: 4_000,
  idleBodyTimeoutMs: 300_000,
  sessions: 4,
  streamsPerSession: 100,
  pingIntervalMs: 30_000,
  idleSessionMs: 90_000,
  drainTimeoutMs: 10_000,
};

/** Options for which 0 means something. */
const mayBeZero: ReadonlySet<string> = new Set(['idleBodyTimeoutMs', 'drainTimeoutMs']);

/** @throws {RangeError} naming the option that is unknown or no integer in range. */
export function resolveUpstreamOptions(options: UpstreamOptions): ResolvedUpstreamOptions {
  const resolved = { ...defaults };
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(defaults, name))
      throw new RangeError(`upstream option "${name}" is unknown; known: ${Object.keys(defaults).join(', ')}`);
    if (!Number.isInteger(value) || value < (mayBeZero.has(name) ? 0 : 1)) {
      throw new RangeError(`upstream option "${name}" must be a positive integer, got ${JSON.stringify(value)}`);
    }
    resolved[name as keyof ResolvedUpstreamOptions] = value;
  }
  return resolved;
}
