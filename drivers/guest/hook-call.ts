import type { HookCall } from '../../contract/call.ts';
import type { HeaderList } from '../../contract/header-list.ts';
import type { BodyUse, HookSpec } from '../../contract/plugin-set.ts';
import type { RequestMessage } from '../../contract/request-message.ts';
import { visibleMethod, visibleUrl } from '../../contract/request-state.ts';
import { fromByteString, isAscii } from '../../contract/text.ts';
import { urlText } from '../../contract/url.ts';
import type { GuestCall } from './call.ts';
import { sessionToJson } from './session-json.ts';

/** What of a call a hook gets to see beside the heads of its messages. */
export interface CallNeeds {
  readonly requestBody: boolean;
  readonly responseBody: boolean;
  readonly session: 'protobuf' | 'json';
}

export function toCallNeeds(hook: HookSpec, body: BodyUse, session: 'protobuf' | 'json'): CallNeeds {
  const buffered = body === 'buffered';
  return {
    requestBody: buffered && hook.type !== 'response',
    responseBody: buffered && hook.type === 'response',
    session,
  };
}

/** A hook call as the guest protocol has it. The JSON is put together by hand: it is the larger part of what a call costs the host. */
export function toGuestCall(hook: HookSpec, call: HookCall, needs: CallNeeds): GuestCall {
  const parts: Uint8Array[] = [];
  let members = `"hook":${hook.index},"request":${requestJson(call.request, needs.requestBody, parts)}`;
  if (call.response !== undefined) {
    const { status, headers } = call.response.state;
    members += `,"response":{"status":${status},"headers":${headersJson(headers)}`;
    members += needs.responseBody ? `,"body":${parts.push(call.response.body) - 1}}` : '}';
  }
  if (call.session !== undefined) {
    members +=
      needs.session === 'json'
        ? `,"session":${sessionToJson(call.session)}`
        : `,"session":${parts.push(call.session) - 1}`;
  }
  if (call.trace !== undefined) {
    members += `,"traceparent":${textJson(call.trace.traceparent)}`;
    if (call.trace.tracestate !== undefined) members += `,"tracestate":${textJson(call.trace.tracestate)}`;
  }
  return { members, parts, deadlineMs: call.deadlineMs, cancellation: call.cancellation };
}

function requestJson(request: RequestMessage, withBody: boolean, parts: Uint8Array[]): string {
  const { state } = request;
  const url = visibleUrl(state);
  let json = `{"method":${textJson(visibleMethod(state))},"url":${textJson(url)},"scheme":"${state.scheme}"`;
  if (state.host !== '') json += `,"host":${textJson(state.host)}`;
  if (state.requestUri !== url) json += `,"requestUri":${textJson(state.requestUri)}`;
  if (state.rewrite !== undefined) json += `,"originalUrl":${textJson(urlText(state.url))}`;
  json += `,"headers":${headersJson(state.headers)}`;
  return withBody ? `${json},"body":${parts.push(request.body) - 1}}` : `${json}}`;
}

function headersJson(headers: HeaderList): string {
  const raw = headers.raw();
  const json = JSON.stringify(raw);
  return isAscii(json) ? json : JSON.stringify(raw.map(fromByteString));
}

/** ASCII that JSON takes as it is. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

function textJson(bytes: string): string {
  return plain.test(bytes) ? `"${bytes}"` : JSON.stringify(fromByteString(bytes));
}
