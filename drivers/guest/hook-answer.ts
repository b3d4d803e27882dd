import type { HeaderPair, HookAnswer, HookTiming, Reply, RequestEdits, ResponseEdits } from '../../contract/answer.ts';
import { PluginFailure } from '../../contract/failure.ts';
import { toByteString } from '../../contract/text.ts';
import { sessionFromJson } from './session-json.ts';

/** What a guest answered, checked. @throws {PluginFailure} `REPLY_INVALID` naming the member that is not as the protocol says. */
export function toHookAnswer(
  { request, response, reply, session, metadata }: AnswerMembers,
  parts: readonly Buffer[],
  timing?: HookTiming,
): HookAnswer {
  const answer: Writable<HookAnswer> = {};
  if (timing !== undefined) answer.timing = timing;
  if (request !== undefined) answer.request = toRequestEdits(members(request, 'request'), parts);
  if (response !== undefined) answer.response = toResponseEdits(members(response, 'response'), parts);
  if (reply !== undefined) answer.reply = toReply(members(reply, 'reply'), parts);
  if (session !== undefined) answer.session = toSession(session, parts);
  if (metadata !== undefined) answer.metadata = toMetadata(members(metadata, 'metadata'));
  return answer;
}

/** The members of an `answer` message that say what the hook answered. */
export interface AnswerMembers {
  readonly request?: unknown;
  readonly response?: unknown;
  readonly reply?: unknown;
  readonly session?: unknown;
  readonly metadata?: unknown;
  readonly [other: string]: unknown;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type Members = Record<string, unknown>;
type Parts = readonly Buffer[];

function toRequestEdits(from: Members, parts: Parts): RequestEdits {
  const edits: Writable<RequestEdits> = {};
  if (from.body !== undefined) edits.body = toBody(from.body, parts, 'request.body');
  if (from.deleteHeaders !== undefined) edits.deleteHeaders = toTexts(from.deleteHeaders, 'request.deleteHeaders');
  if (from.setHeaders !== undefined) edits.setHeaders = toPairs(from.setHeaders, 'request.setHeaders');
  if (from.deleteParams !== undefined) edits.deleteParams = toTexts(from.deleteParams, 'request.deleteParams');
  if (from.addParams !== undefined) edits.addParams = toPairs(from.addParams, 'request.addParams');
  if (from.url !== undefined) edits.url = toText(from.url, 'request.url');
  if (from.method !== undefined) edits.method = toText(from.method, 'request.method');
  return edits;
}

function toResponseEdits(from: Members, parts: Parts): ResponseEdits {
  const edits: Writable<ResponseEdits> = {};
  if (from.status !== undefined) edits.status = toStatus(from.status, 'response.status');
  if (from.headers !== undefined) edits.headers = toPairs(from.headers, 'response.headers');
  if (from.body !== undefined) edits.body = toBody(from.body, parts, 'response.body');
  return edits;
}

function toReply(reply: Members, parts: Parts): Reply {
  const { status, headers = [], body = '', template = false } = reply;
  return {
    status: toStatus(status, 'reply.status'),
    headers: toPairs(headers, 'reply.headers'),
    body: toBody(body, parts, 'reply.body'),
    template: template === true,
  };
}

function toSession(session: unknown, parts: Parts): Uint8Array {
  if (typeof session === 'number') return toBody(session, parts, 'session');
  try {
    return sessionFromJson(members(session, 'session'));
  } catch (error) {
    throw PluginFailure.from(error).reason === 'REPLY_INVALID' ? error : invalid('session', (error as Error).message);
  }
}

function toMetadata(metadata: Members): HeaderPair[] {
  return Object.entries(metadata).map(([key, value]) => [toByteString(key), toText(value, `metadata.${key}`)]);
}

/** Bytes of the frame by their position, or text. */
function toBody(body: unknown, parts: Parts, name: string): Buffer {
  if (typeof body === 'string') return Buffer.from(body, 'utf8');
  const part = typeof body === 'number' ? parts[body] : undefined;
  if (part === undefined) throw invalid(name, 'it must be text, or the position of bytes in the frame');
  return part;
}

function toPairs(list: unknown, name: string): HeaderPair[] {
  if (!Array.isArray(list) || list.length % 2 !== 0)
    throw invalid(name, 'it must be a list of name, value, name, value');
  const pairs: HeaderPair[] = [];
  for (let i = 0; i < list.length; i += 2) pairs.push([toText(list[i], name), toText(list[i + 1], name)]);
  return pairs;
}

function toTexts(list: unknown, name: string): string[] {
  if (!Array.isArray(list)) throw invalid(name, 'it must be a list of texts');
  return list.map((item) => toText(item, name));
}

function toText(value: unknown, name: string): string {
  if (typeof value !== 'string') throw invalid(name, `it holds ${JSON.stringify(value)} where text belongs`);
  return toByteString(value);
}

function toStatus(value: unknown, name: string): number {
  if (!Number.isInteger(value) || (value as number) < 100 || (value as number) > 999) {
    throw invalid(name, `${JSON.stringify(value)} is no HTTP status`);
  }
  return value as number;
}

function members(value: unknown, name: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(name, 'it must be an object');
  return value as Members;
}

function invalid(name: string, why: string): PluginFailure {
  return new PluginFailure('REPLY_INVALID', `the answer's "${name}" cannot be used: ${why}`);
}
