import { Encoder } from '@msgpack/msgpack';
import type { Configuration } from '../configuration/index.ts';
import type { Api } from '../definitions/api.ts';
import { hashOfName } from '../session/index.ts';
import type { Store } from '../store/index.ts';
import { apiRecorder } from './api-recorder.ts';
import { type RecordCounts, RecordWriter, type RecordWriterOptions } from './record-writer.ts';
import type { ApiRecorder } from './recording.ts';

/** One record per request, in the store, where tyk-pump reads them. */
export interface Analytics {
  /** To be asked once per revision of an API; undefined when there are to be no records of it. */
  forApi(api: Api): ApiRecorder | undefined;
  readonly counts: RecordCounts;
  /** Write what waits. To be closed before the store. */
  close(): Promise<void>;
}

/** Undefined when the configuration asks for no records. */
export function openAnalytics(
  { analytics, keys, routing }: Configuration,
  store: Store,
  log: RecordWriterOptions['log'],
): Analytics | undefined {
  if (!analytics.enabled) return undefined;
  const { lists } = store;
  if (lists === undefined) throw new Error('"analytics.enabled" needs a Redis: set "store.kind" to redis');
  const writer = new RecordWriter({
    lists,
    maxRecords: analytics.maxQueuedRecords,
    expireMs: analytics.expireMs,
    multipleKeys: analytics.multipleKeys,
    calmMs: 10_000,
    log,
  });
  const encoder = new Encoder();
  const options = {
    forwardedFor: routing.forwardedFor,
    ignoredIps: new Set(analytics.ignoredIps),
    detailed: analytics.detailed,
    maxBodyBytes: analytics.maxBodyBytes,
    noKey: keys.hash ? hashOfName('') : '',
    // At once, so that the size of what waits is known, and no batch holds up the requests of its moment.
    write: (record: object) => writer.push(bufferOf(encoder.encode(record))),
    failed: (error: Error) => writer.drop(1, error.message),
  };
  return {
    forApi: (api) => apiRecorder(api, options),
    counts: writer,
    close: () => writer.close(),
  };
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
