/**
 * Which plugins an API runs, as data: what the gateway asks a coprocess to install. Two sets with the same content have the
 * same digest and are the same set. `hooks` are in the order of the definition, phase by phase.
 */
export interface PluginSet {
  /** Hex SHA-256 over the rest: see {@link digestOf} in plugin-set-digest.ts. */
  readonly digest: string;
  readonly apiId: string;
  readonly orgId: string;
  /** The definition's `config_data`; absent when there is none or it is disabled. */
  readonly configData?: Readonly<Record<string, unknown>>;
  /** The definition disables its config data: scripts then have no such key at all; without any they have null. */
  readonly configDataDisabled?: boolean;
  /** Name of the bundle that the files come from; absent for local files and for `grpc`. */
  readonly bundle?: string;
  /** Bundle that the definition names, where that is another than `bundle`: it is disabled. */
  readonly bundleNamed?: string;
  /** Digest of the content that the hooks were read from: a coprocess whose bundle of that name is another refuses the set. */
  readonly bundleDigest?: string;
  /** State of the plugin files as the gateway sees them; another state makes another set. Says nothing to drivers. */
  readonly pluginFiles?: string;
  readonly hooks: readonly HookSpec[];
}

/** `virtual`: a function that answers in place of the upstream; `event`: a handler that nobody waits for. Both are scripts only. */
export type HookType = 'pre' | 'auth' | 'postKeyAuth' | 'post' | 'response' | 'virtual' | 'event';

/** One hook of a plugin set. */
export interface HookSpec {
  /** Position in the set. */
  readonly index: number;
  readonly type: HookType;
  readonly driver: string;
  /** Function or export name; for `grpc` the `hook_name`. */
  readonly name: string;
  /** Source file as the definition has it; empty for `grpc`. */
  readonly path: string;
  readonly code?: string;
  readonly rawBodyOnly: boolean;
  readonly requireSession: boolean;
  /** Name of the plugin server, for `grpc`; absent for the default one. */
  readonly server?: string;
  /** Longest run of this hook, in milliseconds. */
  readonly timeoutMs: number;
  /** What a failure of this hook means for the request. Auth hooks reject unless the operator said otherwise twice. */
  readonly onError: 'reject' | 'continue';
  /** `none`: trusted code runs inside the coprocess; `process` (default): in a guest of its own. */
  readonly isolation?: 'none' | 'process';
  /** Guests that run this hook's plugin set side by side; absent: the driver decides. */
  readonly instances?: number;
  /** Name of the interpreter that runs it, out of the configuration's, for `python`; absent for the default one. */
  readonly environment?: string;
}

/** What a hook reads of the body of its message: nothing (the body streams past it), or all of it. */
export type BodyUse = 'none' | 'buffered';

export type HookReport =
  | {
      readonly ready: true;
      /** What it reads of its own message: of the request, or in a response hook of the response. */
      readonly body: BodyUse;
      /** A response hook that is also shown the request's body. */
      readonly requestBody?: boolean;
    }
  | { readonly ready: false; readonly reason: string };

/** What became of an install: the set is loaded when every hook is ready, and refused as a whole otherwise. */
export interface SetReport {
  readonly digest: string;
  /** One per hook of the set, in its order. */
  readonly hooks: readonly HookReport[];
  /** Why the set as a whole was refused (its bundle, say), beside what the hooks say. */
  readonly refused?: string;
  /** What the set's bundle turned out to be. */
  readonly bundle?: BundleReport;
}

/** A bundle that was fetched, verified and unpacked. */
export interface BundleReport {
  /** Hex SHA-256 over manifest and files. */
  readonly digest: string;
  /** The manifest's `custom_middleware`, as it stands there: it takes the place of the definition's. */
  readonly customMiddleware: Readonly<Record<string, unknown>>;
}

export function isLoaded(report: SetReport): boolean {
  return report.refused === undefined && report.hooks.every((hook) => hook.ready);
}
