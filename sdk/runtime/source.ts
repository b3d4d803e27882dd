/**
 * A call as the runtime gets it: out of the coprocess's own objects when a plugin is trusted, out of a frame when it runs in a guest. The
 * first has byte strings and the second text, so whoever reads a string sends it through `text`.
 */
export interface CallSource {
  readonly request: RequestSource;
  /** Only in response hooks. */
  readonly response: ResponseSource | undefined;
  /** A `coprocess.SessionState`. */
  readonly session: Uint8Array | undefined;
  readonly traceparent: string | undefined;
  /** When the wait ends, on the clock of `performance.now()`. */
  readonly deadlineMs: number;
}

export interface RequestSource {
  readonly method: string;
  readonly url: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly requestUri: string;
  /** `url` is the target of a URL rewrite that has not taken effect yet: its query can be changed in the URL only. */
  readonly rewriting: boolean;
  /** Name, value, name, value, ...; names in canonical form. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  text(raw: string): string;
}

export interface ResponseSource {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
  text(raw: string): string;
}
