import type { BlockList } from 'node:net';
import type { BodyUse, HookSpec } from '../../contract/plugin-set.ts';
import type { ApiVersion, HeaderSteps } from './api-version.ts';
import type { IdExtractor } from './id-extractor.ts';
import type { TextPattern } from './text-pattern.ts';

/**
 * One API, whatever format its definition had: everything the gateway needs to serve it, resolved and checked. Lists hold only
 * what is enabled; an absent field is a switch that is off.
 */
export interface Api {
  readonly id: string;
  readonly orgId: string;
  readonly name: string;
  /** Where it was read from, for messages. */
  readonly source: string;
  readonly format: 'classic' | 'oas';
  /** When false, the API is known to the control API and has no route. */
  readonly active: boolean;
  /** Loaded, and reached by `tyk://` only. */
  readonly internal: boolean;
  readonly expires?: Expiry;
  /** Segment tags; they also go into traces. */
  readonly tags: readonly string[];
  readonly listen: ListenRule;
  readonly target: TargetRule;
  readonly plugins: PluginRule;
  readonly auth: AuthRule;
  readonly sessions: SessionRule;
  readonly versions: VersionRule;
  readonly cors?: CorsRule;
  readonly ipAccess: IpAccessRule;
  readonly limits: LimitRule;
  readonly tracking: TrackingRule;
  /** `$tyk_context.` variables are filled in. */
  readonly contextVariables: boolean;
  /** One of them asks for form values: the body of a form is read. */
  readonly contextReadsForm: boolean;
  /** Header edits of `response_processors`, in order; they come after those of the version and before response hooks. */
  readonly responseProcessors: readonly HeaderSteps[];
  readonly eventHandlers: readonly EventHandler[];
  /** Span per built-in step, as well as per hook. */
  readonly detailedTracing: boolean;
}

/** A moment in unix milliseconds; -Infinity for a date that cannot be read, which counts as past. */
export type Expiry = number;

export interface ListenRule {
  /** Host that the API answers on; absent: all. May hold `{name}` or `{name:regex}` parts: then `domainPattern` is there. */
  readonly domain?: string;
  /** Matches a whole host name. */
  readonly domainPattern?: TextPattern;
  /** As the definition has it: a prefix of the paths that the API answers. */
  readonly path: string;
  /** The listen path has `{name}` parts: matches it at the start of a path, and captures their values in order. */
  readonly pathPattern?: TextPattern;
  /** Take the listen path off before the target's path is put in front. */
  readonly strip: boolean;
}

export interface TargetRule {
  /** Upstream base URLs; one, or several in turn (one may occur more often: its weight). Each is in `bases` too, in parts. */
  readonly urls: readonly string[];
  readonly bases: readonly TargetBase[];
  /** Send the client's Host instead of the target's. */
  readonly preserveHost: boolean;
  /** Keep a trailing slash that the joined path ends in (`disable_strip_slash`). */
  readonly keepTrailingSlash: boolean;
  readonly tls: UpstreamTls;
}

/** A target URL in parts. */
export interface TargetBase {
  /** `http://host:port`, `https://...` or `h2c://...`; `tyk://name` sends requests to another API of this gateway. */
  readonly origin: string;
  /** `host` or `host:port`, as it stands in the URL. */
  readonly host: string;
  /** Encoded, as it stands in the URL; empty without one. */
  readonly path: string;
  readonly query?: string;
}

export interface UpstreamTls {
  readonly insecureSkipVerify: boolean;
  readonly ca?: string;
  readonly minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL names, separated by colons. */
  readonly ciphers?: string;
}

export interface PluginRule {
  /** The definition's driver, as it stands there. */
  readonly driver: string;
  /**
   * There are hooks, and no driver of this name exists (it may be empty): request hooks answer 500 "Internal Server Error", response hooks
   * 500 "Middleware error" (recorded). Such hooks are in `hooks` with this driver, and must not be installed.
   */
  readonly unknownDriver?: string;
  /**
   * API-level hooks that can run, phase by phase, in the definition's order; at most one of type `auth`. A keyless API has none of the types
   * `auth` and `postKeyAuth`; an API with a bundle has none at all, for the bundle's manifest names them.
   */
  readonly hooks: readonly ApiHook[];
  /** Hooks of single endpoints, of all versions: of `EndpointRules.plugins`, type `post`, and of `EndpointRules.virtual`, type `virtual`. */
  readonly endpointHooks: readonly ApiHook[];
  readonly configData?: Readonly<Record<string, unknown>>;
  readonly configDataDisabled: boolean;
  /** The `custom_middleware_bundle` text; empty without one, or when it is disabled. */
  readonly bundle: string;
  /** The same, whether it is disabled or not: hooks are told its hash (recorded). */
  readonly bundleNamed: string;
  /** Names in `bundle`: one, or several that are merged. */
  readonly bundles: readonly string[];
}

/**
 * A hook with what only the gateway needs to know of it. `index` counts `hooks` and `endpointHooks` as one list, and is -1 when the
 * driver is unknown: such a hook is in no plugin set.
 */
export interface ApiHook extends HookSpec {
  /** What the definition says that the hook reads; absent: the coprocess reports it. */
  readonly body?: BodyUse;
  /** Run only when this holds; absent: always. */
  readonly when?: HookCondition;
}

/** All that are given must hold. */
export interface HookCondition {
  readonly methods?: readonly string[];
  /** Matches the path without the listen path. */
  readonly path?: TextPattern;
  /** A header, by canonical name, that must be there, with this value if one is given. */
  readonly header?: { readonly name: string; readonly value?: string };
  /** Share of requests, 0 to 100. */
  readonly percent?: number;
}

export interface AuthRule {
  readonly keyless: boolean;
  /** The definition asks for its custom auth plugin. */
  readonly custom: boolean;
  /**
   * The definition asks for keys (also when it asks for nothing else, or its custom auth plugin is missing). Whoever adds an auth hook, from a
   * bundle or a folder, makes it what `standard` says.
   */
  readonly token: boolean;
  /** The definition asks for keys in so many words (`use_standard_auth`). */
  readonly standard: boolean;
  /** Whose session later steps see; empty: the last one's. */
  readonly baseIdentity: string;
  /** Where a key is looked for. */
  readonly tokenSource: KeySource;
  /** Where the definition says that the custom auth plugin looks; the plugin itself decides. */
  readonly customSource: KeySource;
  /** Take credentials out of the request before it goes upstream. */
  readonly stripCredentials: boolean;
  /** Names the session that a custom auth plugin may be spared for. */
  readonly extractor?: IdExtractor;
}

/** Places of a credential; a cookie counts before a query parameter, and that before a header. */
export interface KeySource {
  /** Canonical name. */
  readonly header?: string;
  readonly param?: string;
  readonly cookie?: string;
}

export interface SessionRule {
  /** 0: as the gateway's configuration says. */
  readonly lifetimeMs: number;
  /** A session lives until its key expires, if that is later. */
  readonly lifetimeRespectsExpiry: boolean;
}

/** How a request finds its version. */
export interface VersionRule {
  /** By name. An unversioned API has one, `single`. */
  readonly byName: ReadonlyMap<string, ApiVersion>;
  /** The API is not versioned: each request is of this one. */
  readonly single?: ApiVersion;
  /** Version of requests that name none. */
  readonly defaultName: string;
  readonly location: 'header' | 'url-param' | 'url';
  /** Header (canonical) or query parameter. */
  readonly key: string;
  /** What names the version does not go upstream. */
  readonly stripVersion: boolean;
  /** With `url`: only a first segment that this matches names a version. */
  readonly urlPattern?: TextPattern;
  /** Versions that are APIs of their own; the request goes on there. */
  readonly children?: ChildVersions;
}

/** Versions that are other APIs (`definition.versions`). */
export interface ChildVersions {
  /** Name of this API as a version. */
  readonly baseName: string;
  /** API ids by version name. */
  readonly apiIds: ReadonlyMap<string, string>;
  /** `self`, a name in `apiIds`, or empty. */
  readonly defaultName: string;
  /** A name that is unknown counts as the default's. */
  readonly fallbackToDefault: boolean;
  /** Take what names the version out of the request. */
  readonly stripVersion: boolean;
}

export interface CorsRule {
  /** `*` for any; one may hold a `*`. */
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  /** `*` for any. */
  readonly allowedHeaders: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly allowCredentials: boolean;
  /** 0: not said. */
  readonly maxAgeSeconds: number;
  /** OPTIONS requests go to the upstream, past every request step. */
  readonly optionsPassthrough: boolean;
}

export interface IpAccessRule {
  /** Only these may come. */
  readonly allow?: BlockList;
  /** These may not. */
  readonly deny?: BlockList;
}

/** `count` requests in `seconds`. */
export interface RateLimit {
  readonly count: number;
  readonly seconds: number;
}

export interface LimitRule {
  /** Of all callers together. */
  readonly api?: RateLimit;
  readonly skipRateLimit: boolean;
  readonly skipQuota: boolean;
  /** `dont_set_quota_on_create`. */
  readonly keepQuotaOnCreate: boolean;
}

export interface TrackingRule {
  /** No analytics records for this API. */
  readonly off: boolean;
  /** Records carry raw requests and responses. */
  readonly detailed: boolean;
  /** Header names, lower case; their values become tags. */
  readonly tagHeaders: readonly string[];
  /** 0: as the gateway's configuration says. */
  readonly expireMs: number;
}

export type EventHandler =
  | {
      readonly kind: 'javascript';
      readonly event: string;
      /** Global name of the handler object. */
      readonly name: string;
      readonly path: string;
      readonly id: string;
    }
  | { readonly kind: 'coprocess'; readonly event: string; readonly name: string }
  | { readonly kind: 'log'; readonly event: string; readonly prefix: string };
