import type { TlsVersion } from './network.ts';

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
