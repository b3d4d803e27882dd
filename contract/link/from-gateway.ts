import type { HeaderPair } from '../answer.ts';
import type { BundleVerdict } from '../bundle-news.ts';
import type { HookCall } from '../call.ts';
import type { PluginSet } from '../plugin-set.ts';
import { fromByteString, toByteString } from '../text.ts';
import { urlText } from '../url.ts';
import { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import * as f from './fields.ts';
import { fromJson, toJson } from './json.ts';

/**
 * What a gateway says, written by hand into a batch that is the wire message. Measured, the generated encoder costs several times as much, for it
 * needs the whole batch as objects first.
 */

export function writeHello(writer: WireWriter, gatewayId: string): void {
  const start = writer.begin(f.fromGateway.hello);
  writer.uint(f.hello.version, f.linkVersion);
  writer.string(f.hello.gatewayId, toByteString(gatewayId));
  writer.finish(start);
}

export function writeInstall(writer: WireWriter, set: PluginSet): void {
  const json = toJson(set);
  const start = writer.begin(f.fromGateway.installs);
  writer.string(f.install.digest, set.digest);
  writer.string(f.install.json, json);
  writer.finish(start);
}

export function writeDefineRun(writer: WireWriter, number: number, digest: string, hooks: readonly number[]): void {
  const start = writer.begin(f.fromGateway.runs);
  writer.uint(f.defineRun.number, number);
  writer.string(f.defineRun.digest, digest);
  const packed = writer.begin(f.defineRun.hooks);
  for (const index of hooks) writer.varint(index);
  writer.finish(packed);
  writer.finish(start);
}

/**
 * One call. Its bodies over {@link f.maxInlineBodyBytes} are announced by their size, and are the caller's to send: part 0 the
 * request's, part 1 the response's.
 */
export function writeCall(writer: WireWriter, id: number, run: number, timeoutMs: number, call: HookCall): void {
  const { request, response } = call;
  const start = writer.begin(f.fromGateway.calls);
  writer.uint(f.call.id, id);
  writer.uint(f.call.run, run);
  writer.uint(f.call.timeoutMs, timeoutMs);
  const head = writer.begin(f.call.request);
  request.writeHead(writer);
  writer.finish(head);
  writeBody(writer, request.body, f.call.body, f.call.bodyBytes);
  if (call.session !== undefined) writer.bytes(f.call.session, call.session);
  if (call.sessionJson !== undefined) writer.string(f.call.sessionJson, toByteString(call.sessionJson));
  if (call.metadata !== undefined) writer.bytes(f.call.metadata, call.metadata);
  if (response !== undefined) {
    writer.bytes(f.call.response, response.head);
    writeBody(writer, response.body, f.call.responseBody, f.call.responseBodyBytes);
  }
  if (call.trace !== undefined) {
    writer.string(f.call.traceparent, call.trace.traceparent);
    if (call.trace.tracestate !== undefined) writer.string(f.call.tracestate, call.trace.tracestate);
  }
  const { rewrite, url, headers } = request.state;
  for (let i = 1; i < headers.size; i++) {
    if (headers.isRepeat(i)) writer.mapEntry(f.call.repeatedHeaders, headers.nameAt(i), headers.valueAt(i));
  }
  if (rewrite !== undefined) writer.string(f.call.originalUrl, urlText(url));
  writer.finish(start);
}

function writeBody(writer: WireWriter, body: Buffer, inlineField: number, sizeField: number): void {
  if (body.length === 0) return;
  if (body.length > f.maxInlineBodyBytes) writer.uint(sizeField, body.length);
  else writer.bytes(inlineField, body);
}

export function writeCancel(writer: WireWriter, id: number): void {
  writer.uint(f.fromGateway.cancels, id);
}

/** @throws {TypeError} when the result cannot be JSON; nothing was written then. */
export function writeHostReply(writer: WireWriter, id: number, reply: { result: unknown } | { error: string }): void {
  const result = 'result' in reply ? toJson(reply.result) : '';
  const start = writer.begin(f.fromGateway.hostReplies);
  writer.uint(f.hostReply.id, id);
  if ('error' in reply) writer.string(f.hostReply.error, toByteString(reply.error));
  else writer.string(f.hostReply.result, result);
  writer.finish(start);
}

export function writeUninstall(writer: WireWriter, digest: string): void {
  writer.string(f.fromGateway.uninstalls, digest);
}

export function writeBundlesInUse(writer: WireWriter, bundles: Iterable<string>): void {
  const start = writer.begin(f.fromGateway.bundlesInUse);
  for (const bundle of bundles) writer.string(f.bundlesInUse.bundles, toByteString(bundle));
  writer.finish(start);
}

export function writeBundleVerdict(writer: WireWriter, { bundle, digest, refused }: BundleVerdict): void {
  const start = writer.begin(f.fromGateway.bundleVerdicts);
  writer.string(f.bundleVerdict.bundle, toByteString(bundle));
  writer.string(f.bundleVerdict.digest, digest);
  if (refused !== undefined) writer.string(f.bundleVerdict.refused, toByteString(refused));
  writer.finish(start);
}

export function writeLookAtFiles(writer: WireWriter, id: number, names: readonly string[]): void {
  const start = writer.begin(f.fromGateway.looksAtFiles);
  writer.uint(f.lookAtFiles.id, id);
  for (const name of names) writer.string(f.lookAtFiles.names, toByteString(name));
  writer.finish(start);
}

/** A call as it arrived. Its parts are views on the message. */
export interface ReceivedCall {
  id: number;
  run: number;
  timeoutMs: number;
  request: Buffer;
  body: Buffer;
  session: Buffer | undefined;
  sessionJson: string | undefined;
  /** Second and further values of headers. */
  repeatedHeaders: HeaderPair[] | undefined;
  metadata: Buffer | undefined;
  response: Buffer | undefined;
  responseBody: Buffer;
  traceparent: string | undefined;
  tracestate: string | undefined;
  bodyBytes: number;
  responseBodyBytes: number;
  originalUrl: string | undefined;
}

/** What a coprocess does with each thing that a gateway says. */
export interface FromGatewayHandler {
  hello(version: number, gatewayId: string): void;
  install(digest: string, set: PluginSet): void;
  defineRun(number: number, digest: string, hooks: readonly number[]): void;
  call(call: ReceivedCall): void;
  cancel(id: number): void;
  hostReply(id: number, reply: { result: unknown } | { error: string }): void;
  uninstall(digest: string): void;
  bundlesInUse(bundles: readonly string[]): void;
  bundleVerdict(verdict: BundleVerdict): void;
  lookAtFiles(id: number, names: readonly string[]): void;
}

/** @throws {WireError} and {SyntaxError} where the message is none; what came before has been handled then. */
export function readFromGateway(message: Buffer, to: FromGatewayHandler): void {
  const reader = new WireReader(message);
  while (reader.next()) {
    if (reader.field === f.fromGateway.calls) to.call(readCall(reader.message()));
    else if (reader.field === f.fromGateway.cancels) readCancels(reader, to);
    else readRare(reader, to);
  }
}

function readCancels(reader: WireReader, to: FromGatewayHandler): void {
  const ids: number[] = [];
  reader.uints(ids);
  for (const id of ids) to.cancel(id);
}

function readRare(reader: WireReader, to: FromGatewayHandler): void {
  if (reader.field === f.fromGateway.hello) readHello(reader.message(), to);
  else if (reader.field === f.fromGateway.installs) readInstall(reader.message(), to);
  else if (reader.field === f.fromGateway.runs) readDefineRun(reader.message(), to);
  else if (reader.field === f.fromGateway.hostReplies) readHostReply(reader.message(), to);
  else if (reader.field === f.fromGateway.uninstalls) to.uninstall(reader.string());
  else if (reader.field === f.fromGateway.bundlesInUse) readBundlesInUse(reader.message(), to);
  else if (reader.field === f.fromGateway.bundleVerdicts) readBundleVerdict(reader.message(), to);
  else if (reader.field === f.fromGateway.looksAtFiles) readLookAtFiles(reader.message(), to);
  else reader.skip();
}

function readHello(reader: WireReader, to: FromGatewayHandler): void {
  let [version, gatewayId] = [0, ''];
  while (reader.next()) {
    if (reader.field === f.hello.version) version = reader.uint();
    else if (reader.field === f.hello.gatewayId) gatewayId = fromByteString(reader.string());
    else reader.skip();
  }
  to.hello(version, gatewayId);
}

function readBundlesInUse(reader: WireReader, to: FromGatewayHandler): void {
  const bundles: string[] = [];
  while (reader.next()) {
    if (reader.field === f.bundlesInUse.bundles) bundles.push(fromByteString(reader.string()));
    else reader.skip();
  }
  to.bundlesInUse(bundles);
}

function readBundleVerdict(reader: WireReader, to: FromGatewayHandler): void {
  let [bundle, digest, refused] = ['', '', ''];
  while (reader.next()) {
    if (reader.field === f.bundleVerdict.bundle) bundle = fromByteString(reader.string());
    else if (reader.field === f.bundleVerdict.digest) digest = reader.string();
    else if (reader.field === f.bundleVerdict.refused) refused = fromByteString(reader.string());
    else reader.skip();
  }
  to.bundleVerdict({ bundle, digest, ...(refused !== '' && { refused }) });
}

function readLookAtFiles(reader: WireReader, to: FromGatewayHandler): void {
  let id = 0;
  const names: string[] = [];
  while (reader.next()) {
    if (reader.field === f.lookAtFiles.id) id = reader.uint();
    else if (reader.field === f.lookAtFiles.names) names.push(fromByteString(reader.string()));
    else reader.skip();
  }
  to.lookAtFiles(id, names);
}

function readInstall(reader: WireReader, to: FromGatewayHandler): void {
  let [digest, json] = ['', ''];
  while (reader.next()) {
    if (reader.field === f.install.digest) digest = reader.string();
    else if (reader.field === f.install.json) json = reader.string();
    else reader.skip();
  }
  to.install(digest, fromJson(json) as PluginSet);
}

function readDefineRun(reader: WireReader, to: FromGatewayHandler): void {
  let [number, digest] = [0, ''];
  const hooks: number[] = [];
  while (reader.next()) {
    if (reader.field === f.defineRun.number) number = reader.uint();
    else if (reader.field === f.defineRun.digest) digest = reader.string();
    else if (reader.field === f.defineRun.hooks) reader.uints(hooks);
    else reader.skip();
  }
  to.defineRun(number, digest, hooks);
}

function readHostReply(reader: WireReader, to: FromGatewayHandler): void {
  let id = 0;
  let [result, error] = ['', ''];
  let failed = false;
  while (reader.next()) {
    if (reader.field === f.hostReply.id) id = reader.uint();
    else if (reader.field === f.hostReply.result) result = reader.string();
    else if (reader.field === f.hostReply.error) {
      error = reader.string();
      failed = true;
    } else reader.skip();
  }
  if (failed) to.hostReply(id, { error: fromByteString(error) });
  else to.hostReply(id, { result: fromJson(result) });
}

function readCall(reader: WireReader): ReceivedCall {
  const call: ReceivedCall = {
    id: 0,
    run: 0,
    timeoutMs: 0,
    request: nothing,
    body: nothing,
    session: undefined,
    sessionJson: undefined,
    repeatedHeaders: undefined,
    metadata: undefined,
    response: undefined,
    responseBody: nothing,
    traceparent: undefined,
    tracestate: undefined,
    bodyBytes: 0,
    responseBodyBytes: 0,
    originalUrl: undefined,
  };
  while (reader.next()) {
    switch (reader.field) {
      case f.call.id:
        call.id = reader.uint();
        break;
      case f.call.run:
        call.run = reader.uint();
        break;
      case f.call.timeoutMs:
        call.timeoutMs = reader.uint();
        break;
      case f.call.request:
        call.request = reader.view();
        break;
      case f.call.body:
        call.body = reader.view();
        break;
      case f.call.session:
        call.session = reader.view();
        break;
      case f.call.sessionJson:
        call.sessionJson = fromByteString(reader.string());
        break;
      case f.call.repeatedHeaders:
        call.repeatedHeaders ??= [];
        call.repeatedHeaders.push(reader.mapEntry());
        break;
      case f.call.metadata:
        call.metadata = reader.view();
        break;
      case f.call.response:
        call.response = reader.view();
        break;
      case f.call.responseBody:
        call.responseBody = reader.view();
        break;
      case f.call.traceparent:
        call.traceparent = reader.string();
        break;
      case f.call.tracestate:
        call.tracestate = reader.string();
        break;
      case f.call.bodyBytes:
        call.bodyBytes = reader.uint();
        break;
      case f.call.responseBodyBytes:
        call.responseBodyBytes = reader.uint();
        break;
      case f.call.originalUrl:
        call.originalUrl = reader.string();
        break;
      default:
        reader.skip();
    }
  }
  return call;
}

const nothing: Buffer = Buffer.alloc(0);
