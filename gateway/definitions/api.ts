import type { HookSpec } from '../../contract/plugin-set.ts';

/** One API, whatever format its definition had: everything the gateway needs to serve it, resolved and checked. */
export interface Api {
  readonly id: string;
  readonly orgId: string;
  readonly name: string;
  /** Where it was read from, for messages. */
  readonly source: string;
  /** Loaded, and reached by `tyk://` only. */
  readonly internal: boolean;
  readonly listen: ListenRule;
  readonly target: TargetRule;
  readonly plugins: PluginRule;
  readonly auth: AuthRule;
  /** Span per built-in step, as well as per hook. */
  readonly detailedTracing: boolean;
}

export interface ListenRule {
  /** Host that the API answers on; absent: all. */
  readonly domain?: string;
  /** As the definition has it: a prefix of the paths that the API answers. */
  readonly path: string;
  /** Take the listen path off before the target's path is put in front. */
  readonly strip: boolean;
}

export interface TargetRule {
  /** Upstream base URLs; one, or several in turn. */
  readonly urls: readonly string[];
  /** Send the client's Host instead of the target's. */
  readonly preserveHost: boolean;
  /** Keep a trailing slash that the joined path ends in (`disable_strip_slash`). */
  readonly keepTrailingSlash: boolean;
  readonly tls: UpstreamTls;
}

export interface UpstreamTls {
  readonly insecureSkipVerify: boolean;
  readonly ca?: string;
}

export interface PluginRule {
  /** The definition's driver, as it stands there. */
  readonly driver: string;
  readonly hooks: readonly HookSpec[];
  readonly configData?: Readonly<Record<string, unknown>>;
  /** The `custom_middleware_bundle` text; empty without one. */
  readonly bundle: string;
}

export interface AuthRule {
  readonly keyless: boolean;
  /** The definition asks for its custom auth plugin. */
  readonly custom: boolean;
  /** The definition asks for keys (also when it asks for nothing else). */
  readonly token: boolean;
  /** Whose session later steps see; empty: the last one's. */
  readonly baseIdentity: string;
}
