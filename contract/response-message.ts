import type { ResponseEdits } from './answer.ts';
import { canonicalName } from './canonical.ts';
import { HeaderList } from './header-list.ts';
import type { ContractOptions } from './request-state.ts';
import type { ResponseState } from './response-state.ts';
import { isUtf8ByteString } from './text.ts';
import { WireReader } from './wire/reader.ts';
import { WireWriter } from './wire/writer.ts';

/** Field numbers of `coprocess.ResponseObject` and of `coprocess.Header`. */
const f = { statusCode: 1, headers: 4, multivalueHeaders: 5, key: 1, values: 2 } as const;

/** The response of a call, as state, as wire bytes, or both: see `RequestMessage`. */
export class ResponseMessage {
  private stateNow: ResponseState | undefined;
  private headNow: Buffer | undefined;
  private notUtf8Now: boolean | undefined;
  readonly body: Buffer;

  private constructor(state: ResponseState | undefined, head: Buffer | undefined, body: Buffer) {
    this.stateNow = state;
    this.headNow = head;
    this.body = body;
  }

  /** A message about this state, which must not change while the message is in use. */
  static of(state: ResponseState): ResponseMessage {
    return new ResponseMessage(state, undefined, state.body);
  }

  /** A message that arrived: a `coprocess.ResponseObject` without bodies, and the body. */
  static fromWire(head: Buffer, body: Buffer): ResponseMessage {
    return new ResponseMessage(undefined, head, body);
  }

  get state(): ResponseState {
    this.stateNow ??= readResponseHead(this.headNow as Buffer, this.body);
    return this.stateNow;
  }

  /** A `coprocess.ResponseObject` without `body` and `raw_body`. */
  get head(): Buffer {
    if (this.headNow === undefined) {
      const writer = new WireWriter(4 * 1024);
      writeResponseHead(writer, this.stateNow as ResponseState);
      this.headNow = writer.copy();
    }
    return this.headNow;
  }

  get notUtf8(): boolean {
    this.notUtf8Now ??= this.state.headers.raw().some((text) => !isUtf8ByteString(text));
    return this.notUtf8Now;
  }

  /** The message that the next hook gets, or the response that goes on: names are canonical, and the length is the body's. */
  after(edits: ResponseEdits, options: ContractOptions): ResponseMessage {
    const { status, headers, body } = this.state;
    return ResponseMessage.of({
      status: edits.status ?? status,
      headers: headersAfter(headers, edits, options),
      body: edits.body ?? body,
    });
  }
}

function headersAfter(old: HeaderList, { headers, body }: ResponseEdits, options: ContractOptions): HeaderList {
  if (headers === undefined && body === undefined) return old;
  const next = headers === undefined ? old.clone() : new HeaderList();
  for (const [name, value] of headers ?? []) next.add(options.keepHeaderCase ? name : canonicalName(name), value);
  if (body !== undefined) next.set('Content-Length', String(body.length));
  return next;
}

function writeResponseHead(writer: WireWriter, state: ResponseState): void {
  writer.uint(f.statusCode, state.status);
  const headers = state.headers;
  for (let i = 0; i < headers.size; i++) {
    if (headers.isRepeat(i)) continue;
    const name = headers.nameAt(i);
    writer.mapEntry(f.headers, name, headers.valueAt(i));
    const start = writer.begin(f.multivalueHeaders);
    writer.string(f.key, name);
    for (const value of headers.all(name)) writer.string(f.values, value);
    writer.finish(start);
  }
}

function readResponseHead(head: Buffer, body: Buffer): ResponseState {
  const headers = new HeaderList();
  let status = 0;
  const reader = WireReader.ofText(head);
  while (reader.next()) {
    if (reader.field === f.statusCode) status = reader.int32();
    else if (reader.field === f.multivalueHeaders) {
      const header = reader.message();
      let name = '';
      while (header.next()) {
        if (header.field === f.key) name = header.string();
        else if (header.field === f.values) headers.add(name, header.string());
        else header.skip();
      }
    } else reader.skip();
  }
  return { status, headers, body };
}
