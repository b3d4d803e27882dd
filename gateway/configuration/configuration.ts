import type { Control, Listener } from './types/network.ts';
import type {
  Bundles,
  CoprocessLink,
  Definitions,
  Guests,
  JavaScript,
  Lua,
  PluginServer,
  Plugins,
  Python,
} from './types/plugins.ts';
import type { Analytics, Keys, Store } from './types/state.ts';
import type { Log, Tracing } from './types/telemetry.ts';
import type { Errors, Limits, Routing, UpstreamDefaults } from './types/traffic.ts';

export type * from './types/network.ts';
export type * from './types/plugins.ts';
export type * from './types/state.ts';
export type * from './types/telemetry.ts';
export type * from './types/traffic.ts';

/**
 * What a process runs by: resolved, checked, with nothing left out. `undefined` as a value means "none"; no key is ever missing.
 * What users write, with a description of every key, is in schema.ts and docs/configuration.md. Times are milliseconds, sizes are
 * bytes, paths are absolute, PEM texts have been read, and a limit that is off is `Infinity`.
 */
export interface Configuration {
  /** Where it came from, for messages. */
  readonly source: string;
  /** What the operator should hear at start, one sentence each. */
  readonly warnings: readonly string[];
  readonly listeners: readonly Listener[];
  readonly control: Control;
  readonly definitions: Definitions;
  /** One file (a map from id to policy) or a folder (one policy per file). */
  readonly policies: { readonly path: string };
  readonly plugins: Plugins;
  readonly bundles: Bundles;
  readonly coprocess: CoprocessLink;
  /** External plugin servers by name; hooks that name none use `default`. */
  readonly servers: Readonly<Record<string, PluginServer>>;
  readonly store: Store;
  readonly keys: Keys;
  readonly routing: Routing;
  readonly upstream: UpstreamDefaults;
  readonly tracing: Tracing | undefined;
  /** Prometheus metrics, on the control address. */
  readonly metrics: { readonly enabled: boolean; readonly path: string };
  readonly analytics: Analytics;
  readonly log: Log;
  readonly limits: Limits;
  readonly errors: Errors;
  readonly contract: { readonly keepHeaderCase: boolean };
  readonly guests: Guests;
  readonly javascript: JavaScript;
  readonly typescript: { readonly memoryBytes: number };
  readonly python: Python;
  readonly lua: Lua;
  readonly compatibility: Compatibility;
}

/** What only matters to those who come with a tyk.conf. Natively all that can be on is on. */
export interface Compatibility {
  /** The configuration was a tyk.conf: behave as the original where the safe thing and the same thing agree. */
  readonly tykConf: boolean;
  /** `coprocess_options.enable_coprocess`. */
  readonly coprocessEnabled: boolean;
  /** `enable_jsvm`. */
  readonly jsvmEnabled: boolean;
  /** `disable_virtual_path_blobs`: virtual endpoints may not carry their code in the definition. */
  readonly virtualBlobs: boolean;
  /** Why the default plugin server of the tyk.conf cannot be used at all; undefined: it can. */
  readonly defaultServerProblem: string | undefined;
  /** `management_node`: bundles are not loaded. */
  readonly managementNode: boolean;
}
