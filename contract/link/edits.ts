import type { HeaderPair, Reply, RequestEdits, ResponseEdits } from '../answer.ts';
import type { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import * as f from './fields.ts';

/** A body that travels beside its message: what it belongs to, its size, and what takes it when it is there. */
export interface AwaitedBody {
  readonly part: number;
  readonly bytes: number;
  readonly put: (body: Buffer) => void;
}

/** Gets a body that is too long for the batch. */
export type SendBody = (part: number, body: Buffer) => void;

export function writeRequestEdits(
  writer: WireWriter,
  field: number,
  edits: RequestEdits,
  part: number,
  send: SendBody,
): void {
  const start = writer.begin(field);
  if (edits.body !== undefined) {
    writeBody(writer, edits.body, f.requestEdits.body, f.requestEdits.bodyBytes, part, send);
  }
  if (edits.deleteHeaders !== undefined) {
    for (const name of edits.deleteHeaders) writer.string(f.requestEdits.deleteHeaders, name);
  }
  if (edits.setHeaders !== undefined) writePairs(writer, f.requestEdits.setHeaders, edits.setHeaders);
  if (edits.deleteParams !== undefined) {
    for (const name of edits.deleteParams) writer.string(f.requestEdits.deleteParams, name);
  }
  if (edits.addParams !== undefined) writePairs(writer, f.requestEdits.addParams, edits.addParams);
  if (edits.url !== undefined) writer.string(f.requestEdits.url, edits.url);
  if (edits.method !== undefined) writer.string(f.requestEdits.method, edits.method);
  if (edits.query === '') writer.uint(f.requestEdits.queryRemoved, 1);
  else if (edits.query !== undefined) writer.string(f.requestEdits.query, edits.query);
  writer.finish(start);
}

export function writeResponseEdits(
  writer: WireWriter,
  field: number,
  edits: ResponseEdits,
  part: number,
  send: SendBody,
): void {
  const start = writer.begin(field);
  if (edits.status !== undefined) writer.uint(f.responseEdits.status, edits.status);
  if (edits.headers !== undefined) {
    writer.uint(f.responseEdits.headersReplaced, 1);
    writePairs(writer, f.responseEdits.headers, edits.headers);
  }
  if (edits.body !== undefined) {
    writeBody(writer, edits.body, f.responseEdits.body, f.responseEdits.bodyBytes, part, send);
  }
  writer.finish(start);
}

export function writeReply(writer: WireWriter, field: number, reply: Reply, part: number, send: SendBody): void {
  const start = writer.begin(field);
  writer.uint(f.reply.status, reply.status);
  writePairs(writer, f.reply.headers, reply.headers);
  writeBody(writer, reply.body, f.reply.body, f.reply.bodyBytes, part, send);
  if (reply.template) writer.uint(f.reply.template, 1);
  writer.finish(start);
}

function writePairs(writer: WireWriter, field: number, pairs: readonly HeaderPair[]): void {
  // A pair has the layout of a map entry: name and value are its fields 1 and 2.
  for (const [name, value] of pairs) writer.mapEntry(field, name, value);
}

function writeBody(
  writer: WireWriter,
  body: Buffer,
  inlineField: number,
  sizeField: number,
  part: number,
  send: SendBody,
): void {
  if (body.length <= f.maxInlineBodyBytes) {
    writer.bytes(inlineField, body);
  } else {
    writer.uint(sizeField, body.length);
    send(part, body);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function readRequestEdits(reader: WireReader, part: number, awaited: AwaitedBody[]): RequestEdits {
  const edits: Mutable<RequestEdits> = {};
  let deleteHeaders: string[] | undefined;
  let setHeaders: HeaderPair[] | undefined;
  let deleteParams: string[] | undefined;
  let addParams: HeaderPair[] | undefined;
  while (reader.next()) {
    switch (reader.field) {
      case f.requestEdits.setHeaders:
        setHeaders ??= [];
        setHeaders.push(reader.mapEntry());
        break;
      case f.requestEdits.deleteHeaders:
        deleteHeaders ??= [];
        deleteHeaders.push(reader.string());
        break;
      case f.requestEdits.deleteParams:
        deleteParams ??= [];
        deleteParams.push(reader.string());
        break;
      case f.requestEdits.addParams:
        addParams ??= [];
        addParams.push(reader.mapEntry());
        break;
      case f.requestEdits.url:
        edits.url = reader.string();
        break;
      case f.requestEdits.method:
        edits.method = reader.string();
        break;
      case f.requestEdits.query:
        edits.query = reader.string();
        break;
      case f.requestEdits.queryRemoved:
        if (reader.bool()) edits.query = '';
        break;
      case f.requestEdits.body:
        edits.body = reader.view();
        break;
      case f.requestEdits.bodyBytes:
        awaited.push(awaitedBody(part, reader.uint(), edits));
        break;
      default:
        reader.skip();
    }
  }
  if (deleteHeaders !== undefined) edits.deleteHeaders = deleteHeaders;
  if (setHeaders !== undefined) edits.setHeaders = setHeaders;
  if (deleteParams !== undefined) edits.deleteParams = deleteParams;
  if (addParams !== undefined) edits.addParams = addParams;
  return edits;
}

export function readResponseEdits(reader: WireReader, part: number, awaited: AwaitedBody[]): ResponseEdits {
  const edits: Mutable<ResponseEdits> = {};
  const headers: HeaderPair[] = [];
  while (reader.next()) {
    if (reader.field === f.responseEdits.status) edits.status = reader.uint();
    else if (reader.field === f.responseEdits.headersReplaced) {
      if (reader.bool()) edits.headers = headers;
    } else if (reader.field === f.responseEdits.headers) headers.push(reader.mapEntry());
    else if (reader.field === f.responseEdits.body) edits.body = reader.view();
    else if (reader.field === f.responseEdits.bodyBytes) awaited.push(awaitedBody(part, reader.uint(), edits));
    else reader.skip();
  }
  return edits;
}

export function readReply(reader: WireReader, part: number, awaited: AwaitedBody[]): Reply {
  const headers: HeaderPair[] = [];
  const reply: Mutable<Reply> = { status: 0, headers, body: Buffer.alloc(0), template: false };
  while (reader.next()) {
    if (reader.field === f.reply.status) reply.status = reader.uint();
    else if (reader.field === f.reply.headers) headers.push(reader.mapEntry());
    else if (reader.field === f.reply.body) reply.body = reader.view();
    else if (reader.field === f.reply.template) reply.template = reader.bool();
    else if (reader.field === f.reply.bodyBytes) awaited.push(awaitedBody(part, reader.uint(), reply));
    else reader.skip();
  }
  return reply;
}

function awaitedBody(part: number, bytes: number, owner: { body?: Buffer }): AwaitedBody {
  return {
    part,
    bytes,
    put: (body) => {
      owner.body = body;
    },
  };
}
