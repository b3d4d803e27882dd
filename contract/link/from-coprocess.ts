import type { HookAnswer, HookOutcome, HookTiming } from '../answer.ts';
import type { BundleNews } from '../bundle-news.ts';
import { isFailureReason, PluginFailure } from '../failure.ts';
import type { PluginFileStamps } from '../plugin-files.ts';
import type { BundleReport, SetReport } from '../plugin-set.ts';
import { fromByteString, toByteString } from '../text.ts';
import { WireReader } from '../wire/reader.ts';
import type { WireWriter } from '../wire/writer.ts';
import {
  type AwaitedBody,
  readReply,
  readRequestEdits,
  readResponseEdits,
  type SendBody,
  writeReply,
  writeRequestEdits,
  writeResponseEdits,
} from './edits.ts';
import * as f from './fields.ts';
import { fromJson, toJson } from './json.ts';

/** What a coprocess says when a gateway has attached. */
export interface Welcome {
  readonly version: number;
  readonly coprocessId: string;
  readonly drivers: readonly string[];
  /** Names the attached stream on Bodies. */
  readonly token: Buffer;
}

export function writeWelcome(writer: WireWriter, welcome: Welcome): void {
  const start = writer.begin(f.fromCoprocess.welcome);
  writer.uint(f.welcome.version, welcome.version);
  writer.string(f.welcome.coprocessId, toByteString(welcome.coprocessId));
  for (const driver of welcome.drivers) writer.string(f.welcome.drivers, toByteString(driver));
  writer.bytes(f.welcome.token, welcome.token);
  writer.finish(start);
}

export function writeInstalled(writer: WireWriter, report: SetReport): void {
  const start = writer.begin(f.fromCoprocess.installed);
  writer.string(f.install.digest, report.digest);
  writer.string(f.install.json, toJson(report));
  writer.finish(start);
}

/** One answer. Bodies that are too long for the batch go to `send`. */
export function writeAnswer(writer: WireWriter, id: number, outcomes: readonly HookOutcome[], send: SendBody): void {
  const start = writer.begin(f.fromCoprocess.answers);
  writer.uint(f.answer.id, id);
  for (let i = 0; i < outcomes.length; i++) {
    const outcome = outcomes[i] as HookOutcome;
    const from = writer.begin(f.answer.outcomes);
    if (outcome.failure !== undefined) writeFailure(writer, outcome.failure);
    else if (outcome.answer !== undefined) writeHookAnswer(writer, outcome.answer, i * partsPerOutcome, send);
    const { queueUs, wireUs, runUs } = outcome.timing;
    if (queueUs > 0) writer.uint(f.outcome.queueUs, queueUs);
    if (wireUs > 0) writer.uint(f.outcome.wireUs, wireUs);
    if (runUs > 0) writer.uint(f.outcome.runUs, runUs);
    writer.finish(from);
  }
  writer.finish(start);
}

/** An outcome can have three bodies: of its request edits, its response edits and its reply. */
const partsPerOutcome = 3;

function writeHookAnswer(writer: WireWriter, answer: HookAnswer, part: number, send: SendBody): void {
  const { request, response, reply, session, metadata } = answer;
  if (request !== undefined) writeRequestEdits(writer, f.outcome.request, request, part, send);
  if (response !== undefined) writeResponseEdits(writer, f.outcome.response, response, part + 1, send);
  if (reply !== undefined) writeReply(writer, f.outcome.reply, reply, part + 2, send);
  if (session !== undefined) writer.bytes(f.outcome.session, session);
  if (answer.sessionJson !== undefined) writer.string(f.outcome.sessionJson, toByteString(answer.sessionJson));
  if (answer.sessionMetadata !== undefined)
    writer.string(f.outcome.sessionMetadata, toByteString(answer.sessionMetadata));
  if (metadata !== undefined && metadata.length > 0) {
    const start = writer.begin(f.outcome.metadata);
    for (const [key, value] of metadata) writer.mapEntry(f.objectMetadata, key, value);
    writer.finish(start);
  }
}

function writeFailure(writer: WireWriter, failure: PluginFailure): void {
  const start = writer.begin(f.outcome.failure);
  writer.string(f.failure.reason, failure.reason);
  writer.string(f.failure.message, toByteString(failure.message));
  writer.finish(start);
}

/** @throws {TypeError} when the arguments cannot be JSON; nothing was written then. */
export function writeHostRequest(writer: WireWriter, id: number, service: string, args: unknown): void {
  const json = toJson(args);
  const start = writer.begin(f.fromCoprocess.hostRequests);
  writer.uint(f.hostRequest.id, id);
  writer.string(f.hostRequest.service, toByteString(service));
  writer.string(f.hostRequest.arguments, json);
  writer.finish(start);
}

export function writeDraining(writer: WireWriter): void {
  writer.uint(f.fromCoprocess.draining, 1);
}

export function writeBundleNews(writer: WireWriter, { bundle, offer, settled, problem }: BundleNews): void {
  const start = writer.begin(f.fromCoprocess.bundleNews);
  writer.string(f.bundleNews.bundle, toByteString(bundle));
  if (offer !== undefined) writer.string(f.bundleNews.offer, toJson(offer));
  if (settled === true) writer.uint(f.bundleNews.settled, 1);
  if (problem !== undefined) writer.string(f.bundleNews.problem, toByteString(problem));
  writer.finish(start);
}

export function writeFileStamps(writer: WireWriter, id: number, { files, beside }: PluginFileStamps): void {
  const start = writer.begin(f.fromCoprocess.fileStamps);
  writer.uint(f.fileStamps.id, id);
  for (const stamp of files) writer.string(f.fileStamps.files, stamp);
  writer.string(f.fileStamps.beside, beside);
  writer.finish(start);
}

/** What a gateway does with each thing that a coprocess says. */
export interface FromCoprocessHandler {
  welcome(welcome: Welcome): void;
  installed(report: SetReport): void;
  /** `awaited` are bodies of these outcomes that are still to come; absent when they are whole. */
  answer(id: number, outcomes: readonly HookOutcome[], awaited: readonly AwaitedBody[] | undefined): void;
  hostRequest(id: number, service: string, args: unknown): void;
  draining(): void;
  bundleNews(news: BundleNews): void;
  fileStamps(id: number, stamps: PluginFileStamps): void;
}

/** @throws {WireError} and {SyntaxError} where the message is none; what came before has been handled then. */
export function readFromCoprocess(message: Buffer, to: FromCoprocessHandler): void {
  const reader = new WireReader(message);
  while (reader.next()) {
    if (reader.field === f.fromCoprocess.answers) readAnswer(reader.message(), to);
    else if (reader.field === f.fromCoprocess.welcome) to.welcome(readWelcome(reader.message()));
    else if (reader.field === f.fromCoprocess.installed) to.installed(readInstalled(reader.message()));
    else if (reader.field === f.fromCoprocess.hostRequests) readHostRequest(reader.message(), to);
    else if (reader.field === f.fromCoprocess.draining) {
      if (reader.bool()) to.draining();
    } else if (reader.field === f.fromCoprocess.bundleNews) to.bundleNews(readBundleNews(reader.message()));
    else if (reader.field === f.fromCoprocess.fileStamps) readFileStamps(reader.message(), to);
    else reader.skip();
  }
}

function readAnswer(reader: WireReader, to: FromCoprocessHandler): void {
  let id = 0;
  const outcomes: HookOutcome[] = [];
  const awaited: AwaitedBody[] = [];
  while (reader.next()) {
    if (reader.field === f.answer.id) id = reader.uint();
    else if (reader.field === f.answer.outcomes) {
      outcomes.push(readOutcome(reader.message(), outcomes.length * partsPerOutcome, awaited));
    } else reader.skip();
  }
  to.answer(id, outcomes, awaited.length === 0 ? undefined : awaited);
}

function readOutcome(reader: WireReader, part: number, awaited: AwaitedBody[]): HookOutcome {
  const timing: HookTiming = { queueUs: 0, wireUs: 0, runUs: 0 };
  const answer: { -readonly [K in keyof HookAnswer]: HookAnswer[K] } = {};
  let failure: PluginFailure | undefined;
  while (reader.next()) {
    switch (reader.field) {
      case f.outcome.request:
        answer.request = readRequestEdits(reader.message(), part, awaited);
        break;
      case f.outcome.response:
        answer.response = readResponseEdits(reader.message(), part + 1, awaited);
        break;
      case f.outcome.reply:
        answer.reply = readReply(reader.message(), part + 2, awaited);
        break;
      case f.outcome.failure:
        failure = readFailure(reader.message());
        break;
      case f.outcome.session:
        answer.session = reader.view();
        break;
      case f.outcome.sessionJson:
        answer.sessionJson = fromByteString(reader.string());
        break;
      case f.outcome.sessionMetadata:
        answer.sessionMetadata = fromByteString(reader.string());
        break;
      case f.outcome.metadata:
        answer.metadata = readMetadata(reader.message());
        break;
      case f.outcome.queueUs:
        timing.queueUs = reader.uint();
        break;
      case f.outcome.wireUs:
        timing.wireUs = reader.uint();
        break;
      case f.outcome.runUs:
        timing.runUs = reader.uint();
        break;
      default:
        reader.skip();
    }
  }
  return failure === undefined ? { answer, timing } : { failure, timing };
}

function readMetadata(reader: WireReader): [string, string][] {
  const entries: [string, string][] = [];
  while (reader.next()) {
    if (reader.field === f.objectMetadata) entries.push(reader.mapEntry());
    else reader.skip();
  }
  return entries;
}

function readFailure(reader: WireReader): PluginFailure {
  let [reason, message] = ['', ''];
  while (reader.next()) {
    if (reader.field === f.failure.reason) reason = reader.string();
    else if (reader.field === f.failure.message) message = fromByteString(reader.string());
    else reader.skip();
  }
  return new PluginFailure(isFailureReason(reason) ? reason : 'HOOK_THREW', message);
}

function readWelcome(reader: WireReader): Welcome {
  let [version, coprocessId] = [0, ''];
  let token: Buffer = Buffer.alloc(0);
  const drivers: string[] = [];
  while (reader.next()) {
    if (reader.field === f.welcome.version) version = reader.uint();
    else if (reader.field === f.welcome.coprocessId) coprocessId = fromByteString(reader.string());
    else if (reader.field === f.welcome.drivers) drivers.push(fromByteString(reader.string()));
    else if (reader.field === f.welcome.token) token = reader.view();
    else reader.skip();
  }
  return { version, coprocessId, drivers, token };
}

function readInstalled(reader: WireReader): SetReport {
  let json = '';
  while (reader.next()) {
    if (reader.field === f.install.json) json = reader.string();
    else reader.skip();
  }
  return fromJson(json) as SetReport;
}

function readBundleNews(reader: WireReader): BundleNews {
  let [bundle, offer, problem] = ['', '', ''];
  let settled = false;
  while (reader.next()) {
    if (reader.field === f.bundleNews.bundle) bundle = fromByteString(reader.string());
    else if (reader.field === f.bundleNews.offer) offer = reader.string();
    else if (reader.field === f.bundleNews.settled) settled = reader.bool();
    else if (reader.field === f.bundleNews.problem) problem = fromByteString(reader.string());
    else reader.skip();
  }
  return {
    bundle,
    ...(offer !== '' && { offer: fromJson(offer) as BundleReport }),
    ...(settled && { settled }),
    ...(problem !== '' && { problem }),
  };
}

function readFileStamps(reader: WireReader, to: FromCoprocessHandler): void {
  let [id, beside] = [0, ''];
  const files: string[] = [];
  while (reader.next()) {
    if (reader.field === f.fileStamps.id) id = reader.uint();
    else if (reader.field === f.fileStamps.files) files.push(reader.string());
    else if (reader.field === f.fileStamps.beside) beside = reader.string();
    else reader.skip();
  }
  to.fileStamps(id, { files, beside });
}

function readHostRequest(reader: WireReader, to: FromCoprocessHandler): void {
  let id = 0;
  let [service, args] = ['', ''];
  while (reader.next()) {
    if (reader.field === f.hostRequest.id) id = reader.uint();
    else if (reader.field === f.hostRequest.service) service = reader.string();
    else if (reader.field === f.hostRequest.arguments) args = reader.string();
    else reader.skip();
  }
  to.hostRequest(id, fromByteString(service), fromJson(args));
}
