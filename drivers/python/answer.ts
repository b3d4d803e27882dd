import type { HeaderPair, HookAnswer, RequestEdits, ResponseEdits } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import { PluginFailure } from '../../contract/failure.ts';
import { replyOf } from '../../contract/overrides.ts';
import type { HookSpec } from '../../contract/plugin-set.ts';
import { visibleMethod, visibleUrl } from '../../contract/request-state.ts';
import { syncHeaders } from '../../contract/response-headers.ts';
import { toByteString } from '../../contract/text.ts';
import { type GuestAnswer, toHookAnswer } from '../guest/index.ts';

/** What our guest adds to the members of an answer: what hooks leave in the Object, before it is known what that means. */
interface Overrides {
  readonly code: number;
  readonly error: string;
  readonly body: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly overrideError: boolean;
}

interface ResponseMembers {
  readonly status?: number;
  readonly body?: number;
  readonly headers?: readonly (readonly [string, string])[];
  readonly multivalue?: readonly (readonly [string, readonly string[]])[];
}

/**
 * A guest's answer by the rules of the contract: overrides become a reply, and the two views of response headers become one.
 * @throws {PluginFailure} `REPLY_INVALID`
 */
export function readAnswer(hook: HookSpec, call: HookCall, { message, parts, timing }: GuestAnswer): HookAnswer {
  const { response, overrides, ...members } = message;
  if (hook.type === 'response') {
    return response === undefined
      ? { timing }
      : { response: responseEdits(response as ResponseMembers, call, parts), timing };
  }
  const answer = toHookAnswer(members, parts, timing);
  const reply = overrides === undefined ? undefined : replyOf(overridesOf(overrides as Overrides));
  const { state } = call.request;
  // The contract has plugins echo URL and method, and an echo is not the same as silence: a parked method is settled by it.
  const request: RequestEdits = { url: visibleUrl(state), method: visibleMethod(state), ...answer.request };
  return { ...answer, request, ...(reply && { reply }) };
}

function overridesOf({ code, error, body, headers, overrideError }: Overrides): Parameters<typeof replyOf>[0] {
  return { code, error: toByteString(error), body: toByteString(body), headers: headers.map(toPair), overrideError };
}

function responseEdits(
  { status, body, headers, multivalue = [] }: ResponseMembers,
  call: HookCall,
  parts: readonly Buffer[],
): ResponseEdits {
  const sent = call.response?.state;
  if (sent === undefined) throw new PluginFailure('REPLY_INVALID', 'a response hook was called without a response');
  if (status !== undefined && (status < 100 || status > 999)) {
    throw new PluginFailure('REPLY_INVALID', `the hook's status_code ${status} is no HTTP status`);
  }
  const values = multivalue.map(([key, all]) => ({ key: toByteString(key), values: all.map(toByteString) }));
  return {
    ...(status !== undefined && { status }),
    ...(body !== undefined && { body: parts[body] as Buffer }),
    ...(headers && { headers: syncHeaders(sent.headers, new Map(headers.map(toPair)), values) }),
  };
}

function toPair([name, value]: readonly [string, string]): HeaderPair {
  return [toByteString(name), toByteString(value)];
}
