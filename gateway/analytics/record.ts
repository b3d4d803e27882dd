import { performance } from 'node:perf_hooks';
import { fromByteString } from '../../contract/text.ts';
import type { Exchange } from '../exchange.ts';
import { mayHaveBody } from '../object/body.ts';
import type { Copies } from './copies.ts';
import { pathsOf, type RecordedPaths } from './paths.ts';
import { rawRequest, rawResponse } from './raw.ts';
import { tagsOf } from './tags.ts';

/** What of a record the exchange does not know. */
export interface RecordFacts {
  readonly status: number;
  /** The client's address. */
  readonly client: string;
  readonly host: string;
  /** To the head of the upstream's response; 0 without one. */
  readonly upstreamMs: number;
  /** Name of the caller's key in the store; of nobody's, what an empty key is called. */
  readonly key: string;
  /** The tracked endpoint's path, as the definition has it. */
  readonly tracked: string | undefined;
  readonly copies: Copies | undefined;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

/**
 * The record of a request, field by field as tyk-pump reads it (spec/platform-contract §9.2): names of Go fields, moments as seconds and
 * nanoseconds, durations in milliseconds.
 */
export function recordOf(exchange: Exchange, facts: RecordFacts) {
  const { api, caller, request } = exchange;
  const { status, client, host, upstreamMs, key, tracked, copies, nowMs } = facts;
  const now = new Date(nowMs);
  const totalMs = performance.now() - exchange.startedMs;
  const total = Math.trunc(totalMs);
  const paths: RecordedPaths = pathsOf(exchange);
  return {
    Method: exchange.state?.method ?? request.method ?? '',
    Host: host,
    Path: tracked ?? paths.path,
    RawPath: paths.path,
    ContentLength: contentLength(exchange),
    UserAgent: fromByteString(exchange.state?.headers.get('User-Agent') ?? request.headers['user-agent'] ?? ''),
    Day: now.getDate(),
    Month: now.getMonth() + 1,
    Year: now.getFullYear(),
    Hour: now.getHours(),
    ResponseCode: status,
    APIKey: key,
    TimeStamp: moment(nowMs),
    APIVersion: api.versions.single === undefined ? exchange.version?.name || unversioned : unversioned,
    APIName: api.name,
    APIID: api.id,
    OrgID: api.orgId,
    OauthID: caller?.session.oauth_client_id ?? '',
    RequestTime: total,
    RawRequest: copies === undefined ? '' : rawRequest(exchange, paths.target, copies),
    RawResponse: copies === undefined ? '' : rawResponse(copies),
    IPAddress: client,
    Geo: noPlace,
    Network: noNetwork,
    Latency: { Total: total, Upstream: Math.trunc(upstreamMs), Gateway: Math.trunc(totalMs - upstreamMs) },
    Tags: tagsOf(exchange, key),
    Alias: caller?.session.alias ?? '',
    TrackPath: tracked !== undefined,
    ExpireAt: moment(api.tracking.expireMs > 0 ? nowMs + api.tracking.expireMs : centuryLater(nowMs)),
    ApiSchema: '',
    OriginalPath: paths.original,
    ListenPath: api.listen.path,
    GraphQLStats: noGraph,
    CollectionName: '',
  };
}

const unversioned = 'Non Versioned';

// What is not looked up has Go's zero values.
const noPlace = {
  Country: { ISOCode: '' },
  City: { GeoNameID: 0, Names: null },
  Location: { Latitude: 0, Longitude: 0, TimeZone: '' },
};
const noNetwork = { OpenConnections: 0, ClosedConnection: 0, BytesIn: 0, BytesOut: 0 };
const noGraph = {
  Variables: '',
  RootFields: null,
  Types: null,
  Errors: null,
  OperationType: 0,
  HasErrors: false,
  IsGraphQL: false,
};

/** Seconds and nanoseconds: how the original's library writes a time. */
function moment(unixMs: number): [seconds: number, nanoseconds: number] {
  const seconds = Math.floor(unixMs / 1000);
  return [seconds, Math.trunc(unixMs - seconds * 1000) * 1_000_000];
}

/** Records that are to stay for good. */
function centuryLater(unixMs: number): number {
  const date = new Date(unixMs);
  return date.setUTCFullYear(date.getUTCFullYear() + 100);
}

/** Bytes of the request's body; -1: the client did not say. */
function contentLength({ request, state, bodyRead }: Exchange): number {
  if (state !== undefined && bodyRead) return state.body.length;
  const length = request.headers['content-length'];
  if (length !== undefined) return Number(length);
  return mayHaveBody(request) ? -1 : 0;
}
