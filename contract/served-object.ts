import { isUtf8 } from 'node:buffer';
import type { HeaderPair, HookAnswer, Reply, RequestEdits, ResponseEdits } from './answer.ts';
import { PluginFailure } from './failure.ts';
import type { HookType } from './plugin-set.ts';
import { RequestMessage } from './request-message.ts';
import { ResponseMessage } from './response-message.ts';
import { isUtf8ByteString, toByteString } from './text.ts';
import { WireReader } from './wire/reader.ts';
import { WireWriter } from './wire/writer.ts';

/**
 * The other side of object.ts: a `coprocess.Object` that a foreign gateway sent to us, as a call, and an answer put into that Object. What
 * the answer does not touch goes back as the bytes that came, so fields that we do not know survive.
 */

/** Field numbers of `coprocess.Object`, `MiniRequestObject`, `ReturnOverrides`, `ResponseObject` and `Header`. */
const o = { hookType: 1, hookName: 2, request: 3, session: 4, metadata: 5, spec: 6, response: 7 } as const;
const q = {
  setHeaders: 2,
  deleteHeaders: 3,
  body: 4,
  url: 5,
  addParams: 7,
  deleteParams: 9,
  returnOverrides: 10,
  method: 11,
  rawBody: 14,
} as const;
const v = { responseCode: 1, responseError: 2, headers: 3, overrideError: 4, responseBody: 5 } as const;
const r = { statusCode: 1, rawBody: 2, body: 3, headers: 4, multivalueHeaders: 5 } as const;
const h = { key: 1, values: 2 } as const;

/** By value of the enum `coprocess.HookType`. */
const hookTypes: readonly (HookType | undefined)[] = [undefined, 'pre', 'post', 'postKeyAuth', 'auth', 'response'];

/** A call of one hook by a foreign gateway. */
export interface ServedObject {
  /** Undefined for `Unknown` and for values of later versions. */
  readonly hookType: HookType | undefined;
  readonly hookName: string;
  /** `spec.APIID`; empty without one. */
  readonly apiId: string;
  readonly request: RequestMessage;
  readonly response: ResponseMessage | undefined;
  readonly session: Buffer | undefined;
  /** The entries of `metadata`, as they stand in the message. */
  readonly metadata: Buffer | undefined;
}

/** @throws {WireError} */
export function readServedObject(message: Buffer): ServedObject {
  let [hookType, hookName, apiId] = [0, '', ''];
  let [request, session, response]: (Buffer | undefined)[] = [];
  const metadata: Buffer[] = [];
  const reader = new WireReader(message);
  while (reader.next()) {
    if (reader.field === o.hookType) hookType = reader.uint();
    else if (reader.field === o.hookName) hookName = reader.string();
    else if (reader.field === o.request) request = reader.view();
    else if (reader.field === o.session) session = reader.view();
    else if (reader.field === o.metadata) metadata.push(reader.whole());
    else if (reader.field === o.response) response = reader.view();
    else if (reader.field === o.spec) {
      const [key, value] = reader.mapEntry();
      if (key === 'APIID') apiId = value;
    } else reader.skip();
  }
  return {
    hookType: hookTypes[hookType],
    hookName,
    apiId,
    request: readRequest(request ?? Buffer.alloc(0)),
    response: response === undefined ? undefined : readResponse(response),
    session,
    metadata: metadata.length === 0 ? undefined : Buffer.concat(metadata),
  };
}

function readRequest(message: Buffer): RequestMessage {
  const { head, rawBody, body } = withoutBodies(message, q.rawBody, q.body);
  return RequestMessage.fromWire(head, rawBody ?? body ?? Buffer.alloc(0));
}

function readResponse(message: Buffer): ResponseMessage {
  const { head, rawBody, body } = withoutBodies(message, r.rawBody, r.body);
  return ResponseMessage.fromWire(head, rawBody ?? body ?? Buffer.alloc(0));
}

/** Callers with old bindings send no `raw_body`; their `body` then is all there is. */
function withoutBodies(
  message: Buffer,
  rawField: number,
  textField: number,
): { head: Buffer; rawBody: Buffer | undefined; body: Buffer | undefined } {
  let [rawBody, body]: (Buffer | undefined)[] = [];
  const parts: Buffer[] = [];
  const reader = new WireReader(message);
  while (reader.next()) {
    if (reader.field === rawField) rawBody = reader.view();
    else if (reader.field === textField) body = reader.view();
    else parts.push(reader.whole());
  }
  return { head: Buffer.concat(parts), rawBody, body };
}

const scratch = new WireWriter();

/**
 * The Object with an answer in it.
 * @throws {PluginFailure} `REPLY_INVALID` when the answer holds text that is not UTF-8, for that message cannot carry it.
 */
export function answerServedObject(message: Buffer, answer: HookAnswer): Buffer {
  scratch.reset();
  let [request, response]: (Buffer | undefined)[] = [];
  const reader = new WireReader(message);
  while (reader.next()) {
    if (reader.field === o.request) request = reader.view();
    else if (reader.field === o.response) response = reader.view();
    else if (reader.field === o.session && answer.session !== undefined) reader.skip();
    else scratch.raw(reader.whole());
  }
  writePart(o.request, request, answer.request ?? answer.reply, (inner) => writeRequest(inner, answer));
  if (answer.session !== undefined) scratch.bytes(o.session, answer.session);
  for (const [key, value] of answer.metadata ?? []) scratch.mapEntry(o.metadata, checked(key), checked(value));
  writePart(o.response, response, answer.response, (inner) => writeResponse(inner, answer.response ?? {}));
  return scratch.take();
}

function writePart(field: number, sent: Buffer | undefined, change: unknown, write: (inner: WireReader) => void): void {
  if (change === undefined) {
    if (sent !== undefined) scratch.bytes(field, sent);
    return;
  }
  const start = scratch.begin(field);
  write(new WireReader(sent ?? Buffer.alloc(0)));
  scratch.finish(start);
}

function writeRequest(sent: WireReader, answer: HookAnswer): void {
  const edits: RequestEdits = answer.request ?? {};
  let overrides: Buffer | undefined;
  while (sent.next()) {
    const { field } = sent;
    if (field === q.returnOverrides && answer.reply !== undefined) overrides = sent.view();
    else if (isReplaced(field, edits)) sent.skip();
    else scratch.raw(sent.whole());
  }
  for (const [name, value] of edits.setHeaders ?? []) scratch.mapEntry(q.setHeaders, checked(name), checked(value));
  for (const name of edits.deleteHeaders ?? []) scratch.string(q.deleteHeaders, checked(name));
  for (const [name, value] of edits.addParams ?? []) scratch.mapEntry(q.addParams, checked(name), checked(value));
  for (const name of edits.deleteParams ?? []) scratch.string(q.deleteParams, checked(name));
  if (edits.url !== undefined) scratch.string(q.url, checked(edits.url));
  if (edits.method !== undefined) scratch.string(q.method, checked(edits.method));
  if (edits.body !== undefined) writeBody(edits.body, q.rawBody, q.body);
  if (answer.reply !== undefined) writeOverrides(new WireReader(overrides ?? Buffer.alloc(0)), answer.reply);
}

function isReplaced(field: number, edits: RequestEdits): boolean {
  if (field === q.url) return edits.url !== undefined;
  if (field === q.method) return edits.method !== undefined;
  return (field === q.body || field === q.rawBody) && edits.body !== undefined;
}

function writeOverrides(sent: WireReader, reply: Reply): void {
  const start = scratch.begin(q.returnOverrides);
  while (sent.next()) {
    if (sent.field > v.responseBody) scratch.raw(sent.whole());
    else sent.skip();
  }
  scratch.uint(v.responseCode, reply.status);
  for (const [name, value] of reply.headers) scratch.mapEntry(v.headers, checked(name), checked(value));
  if (!isUtf8(reply.body)) throw unsendable(`the reply's body of ${reply.body.length} bytes`);
  if (reply.template) scratch.bytes(v.responseError, reply.body);
  else {
    scratch.uint(v.overrideError, 1);
    scratch.bytes(v.responseBody, reply.body);
  }
  scratch.finish(start);
}

function writeResponse(sent: WireReader, edits: ResponseEdits): void {
  while (sent.next()) {
    const { field } = sent;
    if (field === r.statusCode && edits.status !== undefined) sent.skip();
    else if ((field === r.headers || field === r.multivalueHeaders) && edits.headers !== undefined) sent.skip();
    else if ((field === r.body || field === r.rawBody) && edits.body !== undefined) sent.skip();
    else scratch.raw(sent.whole());
  }
  if (edits.status !== undefined) scratch.uint(r.statusCode, edits.status);
  if (edits.headers !== undefined) writeResponseHeaders(edits.headers);
  if (edits.body !== undefined) writeBody(edits.body, r.rawBody, r.body);
}

function writeResponseHeaders(headers: readonly HeaderPair[]): void {
  for (const [name, pairs] of Map.groupBy(headers, ([name]) => name)) {
    scratch.mapEntry(r.headers, checked(name), checked(pairs[0]?.[1] ?? ''));
    const start = scratch.begin(r.multivalueHeaders);
    scratch.string(h.key, name);
    for (const [, value] of pairs) scratch.string(h.values, checked(value));
    scratch.finish(start);
  }
}

/** `raw_body` is what counts; `body` goes along when it is text, as in what gateways send. */
function writeBody(body: Buffer, rawField: number, textField: number): void {
  if (isUtf8(body)) scratch.bytes(textField, body);
  scratch.bytes(rawField, body);
}

function checked(text: string): string {
  if (!isUtf8ByteString(text)) throw unsendable(JSON.stringify(toByteString(text)));
  return text;
}

function unsendable(what: string): PluginFailure {
  return new PluginFailure(
    'REPLY_INVALID',
    `the hook's answer holds ${what}, which is not UTF-8: coprocess.Object cannot carry it`,
  );
}
