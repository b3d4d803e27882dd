import type { ApiHook, Expiry, RateLimit, TargetBase } from './api.ts';
import type { TextPattern } from './text-pattern.ts';
import type { TextTemplate } from './text-template.ts';

/** What of an API may differ from version to version. An unversioned API has one. */
export interface ApiVersion {
  readonly name: string;
  readonly expires?: Expiry;
  /** Instead of the API's target. */
  readonly target?: TargetBase;
  /** For every path. Those of single endpoints come first. */
  readonly requestHeaders: HeaderSteps;
  readonly responseHeaders: HeaderSteps;
  /** Infinity: none. */
  readonly maxBodyBytes: number;
  /** Longest wait for the upstream's response, for endpoints that say none; Infinity: none. */
  readonly timeoutMs: number;
  readonly endpoints: EndpointRules;
}

/** Header edits: deletions first. */
export interface HeaderSteps {
  /** Canonical names. */
  readonly delete: readonly string[];
  /** Each replaces all values of its header. Names are canonical. */
  readonly set: readonly (readonly [name: string, value: TextTemplate])[];
}

/** Rules of single endpoints, by kind. Of each kind the first that matches counts (see `firstMatch`). */
export interface EndpointRules {
  /** Mock replies, ignored, blocked, allowed and internal paths, in the order in which they are asked; the first that speaks decides. */
  readonly access: readonly AccessRule[];
  /** There is an allow list: paths that are in no rule of `access` are refused. */
  readonly closed: boolean;
  /** Mocks that answer after the request hooks (OAS). */
  readonly mocks: readonly MockRule[];
  readonly requestHeaders: readonly HeaderRule[];
  readonly responseHeaders: readonly HeaderRule[];
  readonly rewrites: readonly RewriteRule[];
  readonly methods: readonly MethodRule[];
  readonly bodySizes: readonly BodySizeRule[];
  readonly timeouts: readonly TimeoutRule[];
  readonly rateLimits: readonly RateLimitRule[];
  readonly virtual: readonly VirtualRule[];
  /** Endpoint plugins: all that match run, in this order, before the API's post hooks. */
  readonly plugins: readonly EndpointPlugin[];
  readonly tracked: readonly EndpointRule[];
  readonly untracked: readonly EndpointRule[];
}

/** The endpoint that a rule is for. */
export interface EndpointRule {
  /** As the definition has it. */
  readonly path: string;
  /** Upper case; empty: any. */
  readonly method: string;
  readonly pattern: TextPattern;
}

export type AccessRule =
  /** Let through without keys, limits or quota. */
  | (EndpointRule & { readonly action: 'ignore' })
  | (EndpointRule & { readonly action: 'allow' })
  | (EndpointRule & { readonly action: 'block' })
  /** For `tyk://` requests only. */
  | (EndpointRule & { readonly action: 'internal' })
  | (EndpointRule & { readonly action: 'reply'; readonly reply: FixedReply });

export interface FixedReply {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

export interface MockRule extends EndpointRule {
  /** The answer, unless the request asks for another of `examples`. */
  readonly reply: FixedReply;
  /** Given when the mock comes from the OpenAPI document's examples: what a request may choose from. */
  readonly examples?: readonly MockExample[];
  /** What of it counts where a request does not ask for something else. */
  readonly wanted?: Pick<MockExample, 'status' | 'contentType' | 'name'>;
}

/** One example of the OpenAPI document. */
export interface MockExample {
  readonly status: number;
  readonly contentType: string;
  /** Empty for an unnamed one. */
  readonly name: string;
  readonly reply: FixedReply;
}

export interface HeaderRule extends EndpointRule {
  readonly headers: HeaderSteps;
}

/**
 * The request's path and query, listen path included, are matched: as they were sent, and if that fails percent-decoded. The first
 * trigger that fires says where the request goes, else `to`.
 */
export interface RewriteRule extends EndpointRule {
  readonly match: TextPattern;
  /** `$1`, `$2`: groups of `match`. */
  readonly to: TextTemplate;
  readonly triggers: readonly RewriteTrigger[];
}

export interface RewriteTrigger {
  readonly on: 'all' | 'any';
  readonly conditions: readonly RewriteCondition[];
  /** `$tyk_context.trigger-N-name-M`: what condition `name` of trigger N matched, group M. */
  readonly to: TextTemplate;
}

export interface RewriteCondition {
  readonly source: 'header' | 'query' | 'path' | 'session' | 'context' | 'body';
  /** Canonical for headers; empty for `body`. */
  readonly key: string;
  readonly pattern: TextPattern;
  /** Holds when the pattern does not match. */
  readonly negate: boolean;
}

export interface MethodRule extends EndpointRule {
  readonly to: string;
}

export interface BodySizeRule extends EndpointRule {
  readonly maxBodyBytes: number;
}

export interface TimeoutRule extends EndpointRule {
  readonly timeoutMs: number;
}

export interface RateLimitRule extends EndpointRule {
  readonly limit: RateLimit;
}

/** A JavaScript function that answers in place of the upstream. */
export interface VirtualRule extends EndpointRule {
  readonly functionName: string;
  /** A file, or the script itself. */
  readonly script: { readonly path: string } | { readonly code: string };
  readonly requireSession: boolean;
  /** When the function fails, ask the upstream. */
  readonly proxyOnError: boolean;
  /** One of `Api.plugins.endpointHooks`. */
  readonly hook: ApiHook;
}

export interface EndpointPlugin extends EndpointRule {
  /** One of `Api.plugins.endpointHooks`. */
  readonly hook: ApiHook;
}
