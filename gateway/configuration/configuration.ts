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
  readonly rateLimits: RateLimits;
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

export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

export interface Listener {
  readonly address: Address;
  readonly tls: ListenerTls | undefined;
  /** HTTP/2: by ALPN with TLS, by prior knowledge without. */
  readonly http2: boolean;
  /** HTTP/1.1 connections stay open between requests. */
  readonly keepAlive: boolean;
}

/** PEM texts. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface ListenerTls extends KeyPair {
  /** Certificates for other server names (SNI). */
  readonly serverNames: readonly (KeyPair & { readonly name: string })[];
  /** When given, clients must show a certificate that it signed. */
  readonly ca: string | undefined;
  /** Ask clients for a certificate; without `ca` any is taken, and none as well. */
  readonly requestClientCertificate: boolean;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** OpenSSL cipher list; undefined: Node's. */
  readonly ciphers: string | undefined;
}

/** How we show ourselves to, and check, a server that we call. PEM texts. */
export interface ClientTls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Name to check in the server's certificate instead of the target's host. */
  readonly serverName: string | undefined;
  readonly insecureSkipVerify: boolean;
}

export interface Control {
  readonly enabled: boolean;
  /** undefined: on the listeners themselves, beside the APIs. */
  readonly address: Address | undefined;
  /** Of its own address. */
  readonly tls: ListenerTls | undefined;
  /** What `X-Tyk-Authorization` must carry. undefined: `/tyk/*` is not served; health, readiness and metrics are. */
  readonly secret: string | undefined;
  /** Host name that the control API answers to; undefined: any. */
  readonly hostname: string | undefined;
  /** Paths with a leading slash. */
  readonly healthPath: string;
  readonly readyPath: string;
}

export interface Definitions {
  readonly folder: string;
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

export type Store = { readonly kind: 'memory' } | RedisStore;

export interface RedisStore {
  readonly kind: 'redis';
  readonly mode: 'single' | 'sentinel' | 'cluster';
  /** One for `single`; sentinels or cluster nodes else. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** Name of the master set, for `sentinel`. */
  readonly sentinelMaster: string | undefined;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  readonly tls: ClientTls | undefined;
  /** Longest wait for a connection or a command. */
  readonly timeoutMs: number;
}

export type HashFunction = 'murmur32' | 'murmur64' | 'murmur128' | 'sha256';

export interface Keys {
  /** Keys are stored by their hash. */
  readonly hash: boolean;
  /** For new keys; undefined: the old form, organisation and id put together. */
  readonly hashFunction: HashFunction | undefined;
  readonly hashFallbacks: readonly HashFunction[];
  readonly listHashed: boolean;
  /** Shorter ones are not looked up. */
  readonly minLength: number;
  /** Keys without access rights may be made, and open every API. */
  readonly allowMaster: boolean;
  /** Keys are found by their full name only. */
  readonly fullNameOnly: boolean;
  /** Lifetime of sessions that say none; 0: for ever. */
  readonly lifetimeMs: number;
  /** `lifetimeMs` holds whatever an API or session says. */
  readonly forceLifetime: boolean;
  readonly lifetimeRespectsExpiry: boolean;
  /** How long a session may be served from this process's memory; 0: never. */
  readonly cacheMs: number;
}

export interface RateLimits {
  readonly algorithm: 'leaky' | 'rolling' | 'sentinel' | 'fixed';
  /** Where the sliding log is used: in one transaction per request, or without. */
  readonly transactional: boolean;
  /** Rates below this are counted in the store when several gateways run. */
  readonly sharedBelow: number;
}

export interface Routing {
  /** A listen path `/foo` does not answer `/foobar`. */
  readonly strict: boolean;
  /** Endpoint paths match from the start of the path. */
  readonly prefixMatching: boolean;
  /** Endpoint paths match to the end of the path. */
  readonly suffixMatching: boolean;
  readonly skipUrlCleaning: boolean;
  readonly skipTargetPathEscaping: boolean;
  /** Honour `domain` of definitions. */
  readonly customDomains: boolean;
  /** APIs answer on this host only, unless they name a domain; undefined: any. */
  readonly hostname: string | undefined;
  readonly webSockets: boolean;
  /** Which entry of X-Forwarded-For is the client: none (the peer is), the first, or the n-th from the right. */
  readonly forwardedFor: 'ignore' | 'first' | number;
}

export interface UpstreamDefaults {
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly http2: boolean;
  readonly insecureSkipVerify: boolean;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  readonly ciphers: string | undefined;
  readonly ca: string | undefined;
  readonly keepAlive: boolean;
  readonly maxConnectionsPerHost: number;
}

export interface Tracing {
  readonly endpoint: string;
  readonly protocol: 'grpc' | 'http';
  /** Share of requests that begin a trace of their own, 0 to 1. */
  readonly ratio: number;
  /** A caller's decision to sample or not counts before `ratio`. */
  readonly parentBased: boolean;
  readonly serviceName: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly tls: ClientTls | undefined;
  readonly maxQueuedSpans: number;
  readonly maxBatchSpans: number;
  readonly batchDelayMs: number;
}

export interface Analytics {
  readonly enabled: boolean;
  /** Records carry raw requests and responses. */
  readonly detailed: boolean;
  readonly ignoredIps: readonly string[];
  readonly serializer: 'msgpack' | 'protobuf';
  readonly multipleKeys: boolean;
  /** How long records may wait in the store; Infinity: for ever. */
  readonly expireMs: number;
  readonly maxQueuedRecords: number;
}

export interface Log {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  readonly format: 'json' | 'text';
  /** One line per request. */
  readonly accessLog: boolean;
}

export interface Limits {
  /** Longest run of one hook that says no `timeoutMs` of its own. */
  readonly hookTimeoutMs: number;
  /** From a request's head to its response's head, hooks and upstream included. */
  readonly requestTimeoutMs: number;
  /** From a connection's, or the previous request's, end to the end of the request's head. */
  readonly headersTimeoutMs: number;
  /** Until the whole request was received. */
  readonly receiveTimeoutMs: number;
  /** An open connection without a request. */
  readonly keepAliveTimeoutMs: number;
  /** A request or response of which no byte moves. */
  readonly idleTimeoutMs: number;
  /** Requests in flight at the end of the process. */
  readonly drainTimeoutMs: number;
  /** Wait before draining begins, during which readiness already says no. */
  readonly drainDelayMs: number;
  /** Listeners open at the latest after this, loaded or not. */
  readonly startTimeoutMs: number;
  /** Largest body that is held in memory: one that a hook reads. */
  readonly maxBodyBytes: number;
  /** Largest request body at all, streamed ones included. */
  readonly maxRequestBodyBytes: number;
  /** Largest response body at all. */
  readonly maxResponseBodyBytes: number;
  readonly maxHeaderBytes: number;
  /** Calls that wait for a coprocess, a guest or a plugin server; beyond it they fail as overload. */
  readonly maxQueuedCalls: number;
  /** HTTP/2 streams per connection. */
  readonly maxConcurrentStreams: number;
  readonly maxConnections: number;
}

export interface Errors {
  /** Failures of hooks answer with a status that tells them apart. */
  readonly precise: boolean;
  readonly hideGenerator: boolean;
  /** Status and text by message id, as `auth.auth_field_missing`. */
  readonly messages: Readonly<
    Record<string, { readonly status: number | undefined; readonly message: string | undefined }>
  >;
  /** Folder with `error.json`, `error_404.xml` and the like; undefined: the built-in ones. */
  readonly templates: string | undefined;
}

/** What all guest processes have in common. */
export interface Guests {
  /** A guest that had no call for this long ends, and starts again on need. */
  readonly idleTimeoutMs: number;
  /** Grace between cancelling a call and killing its guest. */
  readonly killGraceMs: number;
  /** Start when a plugin is installed, or on the first call. */
  readonly start: 'install' | 'call';
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
