import type { Address, ClientTls } from './network.ts';

export interface Definitions {
  readonly folder: string;
  /** Reload when files in the folder change. */
  readonly watch: boolean;
  /** Names of features that a definition may ask for in vain. */
  readonly ignoreFeatures: readonly string[];
  /** Values of `secrets://KEY` in definitions. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface Plugins {
  /** Where relative paths of local plugins are looked up, in this order. */
  readonly folders: readonly string[];
  /** The operator's second word for plugins with `isolation: none` where gateway and coprocess are one process. */
  readonly trustedInProcess: boolean;
  /** The operator's second word for auth hooks with `onError: continue`. */
  readonly authMayContinue: boolean;
}

export interface Bundles {
  /** Fetch bundles; those that were unpacked before load in any case. */
  readonly download: boolean;
  /** http, https or file URL; undefined: APIs with a bundle cannot be loaded. */
  readonly baseUrl: string | undefined;
  readonly insecureSkipVerify: boolean;
  /** PEM text of the key that bundles must be signed with; undefined: signatures are not asked for. */
  readonly publicKey: string | undefined;
  /** Take bundles on disk as they are. */
  readonly skipVerifyExisting: boolean;
  /** Holds one folder per unpacked bundle. */
  readonly folder: string;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  /** How often servers are asked for new revisions; 0: never. */
  readonly pollMs: number;
}

export interface CoprocessLink {
  /** gRPC targets of coprocesses; none: it runs in this process. */
  readonly targets: readonly string[];
  /** Where `interpose coprocess` listens. */
  readonly listen: Address;
  /** Mutual TLS of both ends of the link. */
  readonly tls: ClientTls | undefined;
}

export interface PluginServer {
  /** A gRPC target: `host:port`, `dns:///host:port`, `unix:path`, `xds:///name`. */
  readonly target: string;
  readonly timeoutMs: number;
  readonly tls: ClientTls | undefined;
  readonly authority: string | undefined;
  /** Largest answer, in bytes. */
  readonly maxReceiveBytes: number;
  /** Largest call, in bytes. */
  readonly maxSendBytes: number;
  readonly roundRobin: boolean;
  readonly maxConcurrentCalls: number;
}

/** What all guest processes have in common. */
export interface Guests {
  /** A guest that had no call for this long ends, and starts again on need. */
  readonly idleTimeoutMs: number;
  /** Grace between cancelling a call and killing its guest. */
  readonly killGraceMs: number;
  /** Start when a plugin is installed, or on the first call. */
  readonly start: 'install' | 'call';
  /** What plugins in TypeScript, Python and Lua find in their environment beyond the few variables that every guest gets. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface JavaScript {
  /** Longest run of a script's hook; instead of `limits.hookTimeoutMs`. */
  readonly timeoutMs: number;
  /** CPU time per call. */
  readonly cpuMs: number;
  /** Memory of one plugin set. */
  readonly memoryBytes: number;
  /** Guest processes of the pool. */
  readonly processes: number;
  /** A script that is run before the plugin's. */
  readonly library: string | undefined;
  /** Scripts' own requests may go to private and loopback addresses. */
  readonly privateAddresses: boolean;
}

export interface Python {
  /** Program that runs the guests: a path, or a name on PATH. */
  readonly interpreter: string;
  /** Version that is asked for, as `3.11`; undefined: what `interpreter` is. */
  readonly version: string | undefined;
  /** Programs that hooks may pick in place of it, by name. */
  readonly environments: Readonly<Record<string, string>>;
  /** More folders for `import`. */
  readonly path: readonly string[];
  readonly memoryBytes: number;
}

export interface Lua {
  readonly engine: 'auto' | 'luajit' | 'wasm';
  /** Program for `luajit`: a path, or a name on PATH. */
  readonly interpreter: string;
  readonly memoryBytes: number;
}
