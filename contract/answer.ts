import type { PluginFailure } from './failure.ts';

/**
 * What hooks answer: edits, a reply, or a failure. Every driver speaks these, and the gateway applies them; nothing else
 * crosses between the two.
 *
 * Header names and values are *byte strings*: one character per byte (latin1), as Node's HTTP parser gives them and as the
 * wire takes them. `contract/text.ts` converts from and to text.
 */

export type HeaderPair = readonly [name: string, value: string];

/** Changes to a request, applied in the order of the fields (spec/coprocess-contract §3.1). A missing field changes nothing. */
export interface RequestEdits {
  readonly body?: Buffer;
  readonly deleteHeaders?: readonly string[];
  /** Each replaces all values of its header. */
  readonly setHeaders?: readonly HeaderPair[];
  readonly deleteParams?: readonly string[];
  /** Each replaces all values of its query parameter. */
  readonly addParams?: readonly (readonly [name: string, value: string])[];
  /** An absolute path or URL; its path counts, its query only while a URL rewrite is pending. */
  readonly url?: string;
  /** In place of the query, as it goes upstream; empty: none. Applied last, whatever the fields above made of it. */
  readonly query?: string;
  readonly method?: string;
}

/** Changes to a response. `headers`, when given, are all headers of the response, in order. */
export interface ResponseEdits {
  readonly status?: number;
  readonly headers?: readonly HeaderPair[];
  readonly body?: Buffer;
}

/** An answer to the client in place of the upstream's. */
export interface Reply {
  readonly status: number;
  readonly headers: readonly HeaderPair[];
  readonly body: Buffer;
  /** The body is the message of an error template: JSON, or XML when the request's Content-Type says so. */
  readonly template: boolean;
}

/** Where a hook's time went, in microseconds: waiting for its turn, travelling, running. */
export interface HookTiming {
  queueUs: number;
  wireUs: number;
  runUs: number;
}

/** What a hook answered. */
export interface HookAnswer {
  /** Edits of a request hook. They are applied before a reply is looked at. */
  readonly request?: RequestEdits;
  /** Edits of a response hook. */
  readonly response?: ResponseEdits;
  readonly reply?: Reply;
  /** A `coprocess.SessionState`, set by an auth hook. */
  readonly session?: Uint8Array;
  /** In place of `session`: JSON with the names of stored sessions, from scripts, whose metadata may hold values of any type. */
  readonly sessionJson?: string;
  /** Takes the place of the session's metadata, which is stored: a JSON object. */
  readonly sessionMetadata?: string;
  /** Entries of `coprocess.Object.metadata`; merged over the session's metadata. */
  readonly metadata?: readonly (readonly [key: string, value: string])[];
  /** Set by drivers that know it; the coprocess fills in what they leave out. */
  readonly timing?: Partial<HookTiming>;
}

/** An answer or a failure, of one hook, with its timing. */
export interface HookOutcome {
  readonly answer?: HookAnswer;
  readonly failure?: PluginFailure;
  readonly timing: HookTiming;
}
