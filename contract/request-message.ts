import type { HeaderPair, RequestEdits } from './answer.ts';
import { HeaderList } from './header-list.ts';
import { parseQuery } from './query.ts';
import {
  applyRequestEdits,
  type ContractOptions,
  cloneRequest,
  type RequestState,
  requestState,
  visibleMethod,
  visibleRequestUri,
  visibleUrl,
} from './request-state.ts';
import { isUtf8ByteString } from './text.ts';
import { parseTarget } from './url.ts';
import { WireReader } from './wire/reader.ts';
import { WireWriter } from './wire/writer.ts';

/** Field numbers of `coprocess.MiniRequestObject`. */
const f = { headers: 1, url: 5, params: 6, returnOverrides: 10, method: 11, requestUri: 12, scheme: 13 } as const;

/** `return_overrides` as it is sent: `response_code` -1, which means none (a negative int32 takes ten bytes). */
const noOverride = Buffer.from([0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);

const none: readonly HeaderPair[] = [];

/**
 * The request of a call. It exists as state (where it was made), as wire bytes (where it arrived), or both; each is made from the
 * other at most once, and only when asked for. It does not change: {@link after} gives the next one.
 */
export class RequestMessage {
  private stateNow: RequestState | undefined;
  private headNow: Buffer | undefined;
  private notUtf8Now: boolean | undefined;
  private readonly originalUrl: string | undefined;
  /** Second and further values of headers, which the head has no place for. */
  private readonly repeatedHeaders: readonly HeaderPair[];
  /** The whole body; empty when no hook of the run reads it. */
  readonly body: Buffer;

  private constructor(
    state: RequestState | undefined,
    head: Buffer | undefined,
    body: Buffer,
    originalUrl?: string,
    repeatedHeaders: readonly HeaderPair[] = none,
  ) {
    this.repeatedHeaders = repeatedHeaders;
    this.originalUrl = originalUrl;
    this.stateNow = state;
    this.headNow = head;
    this.body = body;
  }

  /** A message about this state, which must not change while the message is in use. */
  static of(state: RequestState): RequestMessage {
    return new RequestMessage(state, undefined, state.body);
  }

  /**
   * A message that arrived: a `coprocess.MiniRequestObject` without bodies, and the body. While a URL rewrite is pending, the head
   * has its target, and `originalUrl` is what it is rewritten from.
   */
  static fromWire(
    head: Buffer,
    body: Buffer,
    originalUrl?: string,
    repeatedHeaders?: readonly HeaderPair[],
  ): RequestMessage {
    return new RequestMessage(undefined, head, body, originalUrl, repeatedHeaders);
  }

  get state(): RequestState {
    if (this.stateNow === undefined) {
      this.stateNow = readRequestHead(this.headNow as Buffer, this.body, this.originalUrl);
      for (const [name, value] of this.repeatedHeaders) this.stateNow.headers.add(name, value);
    }
    return this.stateNow;
  }

  /** A `coprocess.MiniRequestObject` without `body` and `raw_body`. */
  get head(): Buffer {
    if (this.headNow === undefined) {
      scratch.reset();
      writeRequestHead(scratch, this.stateNow as RequestState);
      this.headNow = scratch.copy();
    }
    return this.headNow;
  }

  /** Write the head in place, without a copy of it when there is none yet. */
  writeHead(writer: WireWriter): void {
    if (this.headNow !== undefined) writer.raw(this.headNow);
    else writeRequestHead(writer, this.stateNow as RequestState);
  }

  /** Some text in the head is not UTF-8: Tyk's wire cannot carry it. */
  get notUtf8(): boolean {
    this.notUtf8Now ??= !isUtf8Request(this.state);
    return this.notUtf8Now;
  }

  /** The message that the next hook gets. @throws {PluginFailure} `REPLY_INVALID` */
  after(edits: RequestEdits, options: ContractOptions): RequestMessage {
    const next = cloneRequest(this.state);
    applyRequestEdits(next, edits, options);
    return RequestMessage.of(next);
  }
}

const scratch = new WireWriter(16 * 1024);

function writeRequestHead(writer: WireWriter, state: RequestState): void {
  const headers = state.headers;
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    if (name !== 'Host' && !headers.isRepeat(i)) writer.mapEntry(f.headers, name, headers.valueAt(i));
  }
  if (state.host !== '') writer.mapEntry(f.headers, 'Host', state.host);
  writer.string(f.url, visibleUrl(state));
  // The query of the original URL, also while a rewrite is pending.
  if (state.url.query !== undefined) {
    for (const [key, values] of parseQuery(state.url.query)) writer.mapEntry(f.params, key, values[0] as string);
  }
  writer.bytes(f.returnOverrides, noOverride);
  writer.string(f.method, visibleMethod(state));
  writer.string(f.requestUri, visibleRequestUri(state));
  writer.string(f.scheme, state.scheme);
}

/** Only what plugins see came over the wire, so the state holds only that: first values, one visible URL and method. */
function readRequestHead(head: Buffer, body: Buffer, originalUrl: string | undefined): RequestState {
  const headers = new HeaderList();
  let [url, method, requestUri, scheme, host] = ['/', '', '', 'http', ''];
  const reader = WireReader.ofText(head);
  while (reader.next()) {
    if (reader.field === f.headers) {
      const [name, value] = reader.mapEntry();
      if (name === 'Host') host = value;
      else headers.add(name, value);
    } else if (reader.field === f.url) url = reader.string();
    else if (reader.field === f.method) method = reader.string();
    else if (reader.field === f.requestUri) requestUri = reader.string();
    else if (reader.field === f.scheme) scheme = reader.string();
    else reader.skip();
  }
  return requestState({
    method,
    url: parseTarget(originalUrl ?? url),
    rewrite: originalUrl === undefined ? undefined : parseTarget(url),
    requestUri,
    scheme: scheme === 'https' ? 'https' : 'http',
    host,
    headers,
    body,
  });
}

function isUtf8Request(state: RequestState): boolean {
  const headers = state.headers.raw();
  for (let i = 0; i < headers.length; i++) if (!isUtf8ByteString(headers[i] as string)) return false;
  if (!isUtf8ByteString(state.host) || !isUtf8ByteString(state.requestUri)) return false;
  if (!isUtf8ByteString(visibleUrl(state)) || !isUtf8ByteString(visibleMethod(state))) return false;
  if (state.url.query?.includes('%') !== true) return true;
  for (const [key, values] of parseQuery(state.url.query)) {
    if (!isUtf8ByteString(key) || !isUtf8ByteString(values[0] as string)) return false;
  }
  return true;
}
