import type { HeaderPair, HookAnswer, Reply, RequestEdits, ResponseEdits } from '../../contract/answer.ts';
import { PluginFailure } from '../../contract/failure.ts';
import { toByteString } from '../../contract/text.ts';
import type { GuestAnswer } from './call.ts';
import { sessionFromJson } from './session-json.ts';

/** What a guest answered, checked. @throws {PluginFailure} `REPLY_INVALID` naming the member that is not as the protocol says. */
export function toHookAnswer({ message, parts, timing }: GuestAnswer): HookAnswer {
  const { request, response, reply, session, metadata } = message;
  return {
    timing,
    ...(request !== undefined && { request: toRequestEdits(members(request, 'request'), parts) }),
    ...(response !== undefined && { response: toResponseEdits(members(response, 'response'), parts) }),
    ...(reply !== undefined && { reply: toReply(members(reply, 'reply'), parts) }),
    ...(session !== undefined && { session: toSession(session, parts) }),
    ...(metadata !== undefined && { metadata: toMetadata(members(metadata, 'metadata')) }),
  };
}

type Members = Record<string, unknown>;
type Parts = readonly Buffer[];

function toRequestEdits(edits: Members, parts: Parts): RequestEdits {
  const { body, deleteHeaders, setHeaders, deleteParams, addParams, url, method } = edits;
  return {
    ...(body !== undefined && { body: toBody(body, parts, 'request.body') }),
    ...(deleteHeaders !== undefined && { deleteHeaders: toTexts(deleteHeaders, 'request.deleteHeaders') }),
    ...(setHeaders !== undefined && { setHeaders: toPairs(setHeaders, 'request.setHeaders') }),
    ...(deleteParams !== undefined && { deleteParams: toTexts(deleteParams, 'request.deleteParams') }),
    ...(addParams !== undefined && { addParams: toPairs(addParams, 'request.addParams') }),
    ...(url !== undefined && { url: toText(url, 'request.url') }),
    ...(method !== undefined && { method: toText(method, 'request.method') }),
  };
}

function toResponseEdits(edits: Members, parts: Parts): ResponseEdits {
  const { status, headers, body } = edits;
  return {
    ...(status !== undefined && { status: toStatus(status, 'response.status') }),
    ...(headers !== undefined && { headers: toPairs(headers, 'response.headers') }),
    ...(body !== undefined && { body: toBody(body, parts, 'response.body') }),
  };
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
