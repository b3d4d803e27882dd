/** What a hook reads of a body: nothing, its text (UTF-8), its bytes, or what its JSON says. */
export type BodyKind = 'none' | 'text' | 'bytes' | 'json';

/** The body as it was asked for. It is changed by assigning to it; JSON also by changing what it holds. */
export type WithBody<Kind extends BodyKind> = Kind extends 'text'
  ? { body: string }
  : Kind extends 'bytes'
    ? { get body(): Uint8Array; set body(bytes: Uint8Array | string) }
    : Kind extends 'json'
      ? { body: unknown }
      : unknown;

/** The client's request. What is changed here is what the upstream, and later hooks, get. */
export type PluginRequest<Kind extends BodyKind = 'none'> = RequestHead & WithBody<Kind>;

export interface RequestHead {
  method: string;
  /**
   * Path and query. Assigning moves the request to another path of the upstream, or, as `tyk://api-id/path`, to another API of this
   * gateway.
   */
  url: string;
  /** The path, as it is written in the URL: escapes are kept. It begins with the API's listen path. */
  path: string;
  readonly query: QueryParams;
  readonly headers: RequestHeaders;
  readonly scheme: 'http' | 'https';
  /** What the client asked for as `Host` or `:authority`. */
  readonly host: string;
  /** The request target as the client wrote it. */
  readonly requestUri: string;
}

/** Request headers by name, in any case. Of a repeated header the first value counts. */
export interface RequestHeaders extends Iterable<[name: string, value: string]> {
  get(name: string): string | null;
  has(name: string): boolean;
  /** Replaces all values of the header. @throws {TypeError} for a name or value that HTTP does not allow. */
  set(name: string, value: string): void;
  delete(name: string): void;
}

/** The query, decoded. */
export interface QueryParams extends Iterable<[name: string, value: string]> {
  /** The first value. */
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string): boolean;
  /** Replaces all values of the parameter. */
  set(name: string, value: string): void;
  delete(name: string): void;
}

/** The upstream's response. What is changed here is what the client, and later hooks, get. */
export type PluginResponse<Kind extends BodyKind = 'none'> = ResponseHead & WithBody<Kind>;

export interface ResponseHead {
  status: number;
  readonly headers: ResponseHeaders;
}

/** Response headers by name, in any case; each may have several values. */
export interface ResponseHeaders extends Iterable<[name: string, value: string]> {
  /** The first value. */
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string): boolean;
  /** Replaces all values of the header. @throws {TypeError} for a name or value that HTTP does not allow. */
  set(name: string, value: string): void;
  /** Adds one more value. @throws {TypeError} for a name or value that HTTP does not allow. */
  append(name: string, value: string): void;
  delete(name: string): void;
}

/** The request that a response belongs to, as the upstream got it. */
export type SentRequest = Readonly<Omit<RequestHead, 'headers' | 'query'>> & {
  readonly headers: Pick<RequestHeaders, 'get' | 'has' | typeof Symbol.iterator>;
  readonly query: Pick<QueryParams, 'get' | 'getAll' | 'has' | typeof Symbol.iterator>;
};
