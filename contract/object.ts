import { isAscii, isUtf8 } from 'node:buffer';
import type { HeaderPair, HookAnswer, Reply, RequestEdits, ResponseEdits } from './answer.ts';
import type { HookCall } from './call.ts';
import { PluginFailure } from './failure.ts';
import { readOverrides } from './overrides.ts';
import type { HookSpec, HookType } from './plugin-set.ts';
import { syncHeaders } from './response-headers.ts';
import { isUtf8ByteString, toByteString } from './text.ts';
import { WireError, WireReader } from './wire/reader.ts';
import { WireWriter } from './wire/writer.ts';

/** Field numbers of `coprocess.Object`, `MiniRequestObject` and `ResponseObject`. */
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
const r = { statusCode: 1, rawBody: 2, body: 3, headers: 4, multivalueHeaders: 5 } as const;

/** Values of the enum `coprocess.HookType`. */
const hookTypes: Record<HookType, number> = {
  pre: 1,
  post: 2,
  postKeyAuth: 3,
  auth: 4,
  response: 5,
  virtual: 0,
  event: 0,
};

/** What is the same in every call of a hook, encoded once. */
export interface ObjectConstants {
  readonly type: HookType;
  readonly rawBodyOnly: boolean;
  /** `hook_type` and `hook_name`. */
  readonly hook: Buffer;
  /** The `spec` map. */
  readonly spec: Buffer;
}

/** @param spec the `spec` map: `OrgID`, `APIID`, `bundle_hash`, `config_data` (spec/coprocess-contract §2.3), as text. */
export function objectConstants(hook: HookSpec, spec: Readonly<Record<string, string>>): ObjectConstants {
  const writer = new WireWriter(1024);
  writer.uint(o.hookType, hookTypes[hook.type]);
  writer.string(o.hookName, toByteString(hook.name));
  const hookBytes = writer.copy();
  writer.reset();
  for (const [key, value] of Object.entries(spec)) writer.mapEntry(o.spec, toByteString(key), toByteString(value));
  return { type: hook.type, rawBodyOnly: hook.rawBodyOnly, hook: hookBytes, spec: writer.copy() };
}

/** Large messages get a buffer of their own, which is let go with them. */
const scratch = new WireWriter(64 * 1024, 64 * 1024);
const maxHeadBytes = 8 * 1024;

/**
 * A call as `coprocess.Object` in wire form, put together from parts that are wire form already. It begins `room` bytes behind the
 * beginning of what is returned: what is before it belongs to the caller.
 * @throws {PluginFailure} `CALL_UNSENDABLE` when text in it is not UTF-8.
 */
export function encodeObject(constants: ObjectConstants, call: HookCall, room = 0): Buffer {
  if (call.request.notUtf8) throw notUtf8('request');
  if (call.response?.notUtf8) throw notUtf8('response');
  scratch.reset();
  const bodyBytes = call.request.body.length + (call.response?.body.length ?? 0);
  if (bodyBytes > 0) scratch.expect(2 * bodyBytes + constants.spec.length + maxHeadBytes);
  scratch.skip(room);
  scratch.raw(constants.hook);
  const request = scratch.begin(o.request);
  call.request.writeHead(scratch);
  writeBody(call.request.body, q.rawBody, constants.rawBodyOnly ? 0 : q.body);
  scratch.finish(request);
  if (call.session !== undefined) scratch.bytes(o.session, call.session);
  if (call.metadata !== undefined) scratch.raw(call.metadata);
  scratch.raw(constants.spec);
  if (call.response !== undefined) {
    const response = scratch.begin(o.response);
    scratch.raw(call.response.head);
    writeBody(call.response.body, r.rawBody, constants.rawBodyOnly ? 0 : r.body);
    scratch.finish(response);
  }
  return scratch.take();
}

/** The body as bytes, and once more as text where the hook wants that and it is text. */
function writeBody(body: Buffer, rawField: number, textField: number): void {
  if (body.length === 0) return;
  if (textField !== 0 && isUtf8(body)) scratch.bytes(textField, body);
  scratch.bytes(rawField, body);
}

function notUtf8(part: string): PluginFailure {
  return new PluginFailure(
    'CALL_UNSENDABLE',
    `text in the ${part} (a header, the path or the query) is not UTF-8, which protobuf cannot carry`,
  );
}

/**
 * What a plugin's `coprocess.Object` says, as edits (spec/coprocess-contract §3).
 * @throws {PluginFailure} `HOOK_THREW` when the bytes are no Object, or hold text that is not UTF-8; `REPLY_INVALID` when a part is missing
 * or cannot be honoured.
 */
export function decodeAnswer(type: HookType, reply: Buffer, call: HookCall): HookAnswer {
  try {
    return type === 'response' ? readResponseAnswer(reply, call) : readRequestAnswer(type, reply, call);
  } catch (error) {
    if (error instanceof WireError) {
      throw new PluginFailure('HOOK_THREW', `the reply is not a coprocess.Object: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function readRequestAnswer(type: HookType, bytes: Buffer, call: HookCall): HookAnswer {
  let request: { edits: RequestEdits; reply: Reply | undefined } | undefined;
  let session: Buffer | undefined;
  const metadata: (readonly [string, string])[] = [];
  const reader = new WireReader(bytes);
  while (reader.next()) {
    if (reader.field === o.request) request = readRequest(reader.message(), call);
    else if (reader.field === o.session) session = reader.view();
    else if (reader.field === o.metadata) metadata.push(checkedEntry(reader));
    else skipChecked(reader, reader.field === o.hookName || reader.field === o.spec);
  }
  if (request === undefined) throw new PluginFailure('REPLY_INVALID', 'the reply has no request');
  if (type !== 'auth')
    return request.reply === undefined ? { request: request.edits } : { request: request.edits, reply: request.reply };
  return {
    request: request.edits,
    metadata,
    ...(request.reply && { reply: request.reply }),
    ...(session && { session }),
  };
}

function readRequest(reader: WireReader, call: HookCall): { edits: RequestEdits; reply: Reply | undefined } {
  let [url, method] = ['', ''];
  let body: Buffer | undefined;
  let overrides: Reply | 'none' | undefined;
  const deleteHeaders: string[] = [];
  const setHeaders: HeaderPair[] = [];
  const deleteParams: string[] = [];
  const addParams: HeaderPair[] = [];
  while (reader.next()) {
    if (reader.type !== 2) reader.skip();
    else if (reader.field === q.setHeaders) setHeaders.push(checkedEntry(reader));
    else if (reader.field === q.deleteHeaders) deleteHeaders.push(checkedString(reader));
    else if (reader.field === q.url) url = checkedString(reader);
    else if (reader.field === q.method) method = checkedString(reader);
    else if (reader.field === q.addParams) addParams.push(checkedEntry(reader));
    else if (reader.field === q.deleteParams) deleteParams.push(checkedString(reader));
    else if (reader.field === q.rawBody) body = reader.view();
    else if (reader.field === q.returnOverrides) overrides = readOverrides(reader.message()) ?? 'none';
    else skipChecked(reader, reader.field < q.rawBody);
  }
  if (overrides === undefined) throw new PluginFailure('REPLY_INVALID', 'the reply has no request.return_overrides');
  const newBody = changedBody(call.request.body, body);
  const edits: RequestEdits = {
    url,
    method,
    ...(newBody && { body: newBody }),
    ...(deleteHeaders.length > 0 && { deleteHeaders }),
    ...(setHeaders.length > 0 && { setHeaders }),
    ...(deleteParams.length > 0 && { deleteParams }),
    ...(addParams.length > 0 && { addParams }),
  };
  return { edits, reply: overrides === 'none' ? undefined : overrides };
}

function readResponseAnswer(bytes: Buffer, call: HookCall): HookAnswer {
  let response: ResponseEdits | undefined;
  const reader = new WireReader(bytes);
  while (reader.next()) {
    if (reader.field === o.response) response = readResponse(reader.message(), call);
    else skipChecked(reader, reader.field === o.hookName || reader.field === o.metadata || reader.field === o.spec);
  }
  if (response === undefined) throw new PluginFailure('REPLY_INVALID', 'the reply has no response');
  return { response };
}

function readResponse(reader: WireReader, call: HookCall): ResponseEdits {
  const sent = call.response?.state;
  if (sent === undefined) throw new PluginFailure('REPLY_INVALID', 'a response hook was called without a response');
  let status = 0;
  let body: Buffer | undefined;
  const headers = new Map<string, string>();
  const multivalue: { key: string; values: string[] }[] = [];
  while (reader.next()) {
    if (reader.field === r.statusCode) status = reader.int32();
    else if (reader.field === r.rawBody) body = reader.view();
    else if (reader.field === r.headers) headers.set(...checkedEntry(reader));
    else if (reader.field === r.multivalueHeaders) multivalue.push(readHeader(reader.message()));
    else skipChecked(reader, reader.field === r.body);
  }
  if (status < 100 || status > 999)
    throw new PluginFailure('REPLY_INVALID', `the reply's status_code ${status} is no HTTP status`);
  const newBody = changedBody(sent.body, body);
  return {
    status,
    headers: syncHeaders(sent.headers, headers, multivalue),
    ...(newBody && { body: newBody }),
  };
}

function readHeader(reader: WireReader): { key: string; values: string[] } {
  let key = '';
  const values: string[] = [];
  while (reader.next()) {
    if (reader.field === 1) key = checkedString(reader);
    else if (reader.field === 2) values.push(checkedString(reader));
    else reader.skip();
  }
  return { key, values };
}

/** The new body, or undefined when it is the one that was sent. */
function changedBody(sent: Buffer, returned: Buffer | undefined): Buffer | undefined {
  if (returned === undefined) return sent.length === 0 ? undefined : Buffer.alloc(0);
  return returned.equals(sent) ? undefined : returned;
}

/** Protobuf text must be UTF-8, also in fields that nobody uses: other gateways refuse such a reply, so plugins must not learn to send it. */
function checkedString(reader: WireReader): string {
  const text = reader.string();
  if (!isUtf8ByteString(text)) throw badText();
  return text;
}

function checkedEntry(reader: WireReader): [string, string] {
  const entry = reader.mapEntry();
  if (!isUtf8ByteString(entry[0]) || !isUtf8ByteString(entry[1])) throw badText();
  return entry;
}

/** Skip a field; where it holds text (or a message of texts), that text is checked. */
function skipChecked(reader: WireReader, holdsText: boolean): void {
  if (!holdsText || reader.type !== 2) return reader.skip();
  const view = reader.view();
  if (!isAscii(view) && !isUtf8(view) && !textIsUtf8(view)) throw badText();
}

/** For a map entry whose lengths are no ASCII: look at key and value themselves. */
function textIsUtf8(entry: Buffer): boolean {
  const reader = new WireReader(entry);
  while (reader.next()) {
    if (reader.type !== 2) reader.skip();
    else if (!isUtf8(reader.view())) return false;
  }
  return true;
}

function badText(): PluginFailure {
  return new PluginFailure('HOOK_THREW', 'the reply holds text that is not UTF-8');
}
