import type { HeaderPair, HookAnswer } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import { PluginFailure } from '../../contract/failure.ts';
import { type Overrides, replyOf } from '../../contract/overrides.ts';
import type { HookType } from '../../contract/plugin-set.ts';
import { visibleMethod, visibleUrl } from '../../contract/request-state.ts';
import { syncHeaders } from '../../contract/response-headers.ts';
import { toByteString } from '../../contract/text.ts';
import { type AnswerMembers, type GuestAnswer, toHookAnswer } from '../guest/index.ts';

/** What our guest adds to the members of an answer: what hooks leave in the Object, before it is known what that means. */
interface LuaMembers extends AnswerMembers {
  readonly overrides?: Omit<Overrides, 'headers'> & { readonly headers: readonly string[] };
  readonly response?: {
    /** Both views of the response's headers, when one was changed. */
    readonly sync?: {
      readonly headers: readonly string[];
      readonly multivalue: readonly { readonly key: string; readonly values: readonly string[] }[];
    };
    readonly [other: string]: unknown;
  };
}

/**
 * A guest's answer by the rules of the contract: overrides become a reply, and the two views of response headers become one.
 * @throws {PluginFailure} `REPLY_INVALID`
 */
export function readAnswer(type: HookType, call: HookCall, { message, parts, timing }: GuestAnswer): HookAnswer {
  const members = message as LuaMembers;
  const answer = toHookAnswer(members, parts, timing);
  if (type === 'response') {
    const sync = members.response?.sync;
    return sync === undefined ? answer : { ...answer, response: { ...answer.response, headers: synced(sync, call) } };
  }
  const { overrides } = members;
  const reply = overrides === undefined ? answer.reply : replyOf(toOverrides(overrides));
  const { state } = call.request;
  // The contract has plugins echo URL and method, and an echo is not the same as silence: a parked method is settled by it.
  const request = { url: visibleUrl(state), method: visibleMethod(state), ...answer.request };
  return { ...answer, request, ...(reply && { reply }) };
}

function synced(
  { headers, multivalue }: NonNullable<NonNullable<LuaMembers['response']>['sync']>,
  call: HookCall,
): HeaderPair[] {
  const sent = call.response?.state;
  if (sent === undefined) throw new PluginFailure('REPLY_INVALID', 'a response hook was called without a response');
  const values = multivalue.map((header) => ({
    key: toByteString(header.key),
    values: header.values.map(toByteString),
  }));
  return syncHeaders(sent.headers, new Map(toPairs(headers)), values);
}

function toOverrides({ code, error, body, headers, overrideError }: NonNullable<LuaMembers['overrides']>): Overrides {
  return {
    code,
    error: toByteString(error),
    body: toByteString(body),
    headers: toPairs(headers),
    overrideError,
  };
}

function toPairs(list: readonly string[]): HeaderPair[] {
  const pairs: HeaderPair[] = [];
  for (let i = 0; i < list.length; i += 2) {
    pairs.push([toByteString(list[i] as string), toByteString(list[i + 1] as string)]);
  }
  return pairs;
}
