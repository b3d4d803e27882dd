import type { MiniRequestObject } from '../../../../../proto/gen/coprocess_mini_request_object.ts';
import type { Object as WireObject } from '../../../../../proto/gen/coprocess_object.ts';
import type { ResponseObject } from '../../../../../proto/gen/coprocess_response_object.ts';
import type { Asked } from '../typescript/asked.ts';

/** A hook of a plugin server: it changes the Object that it got, which then travels back. */
export type ServerHook = (object: WireObject) => void | Promise<void>;

export function requestOf(object: WireObject): MiniRequestObject {
  if (object.request === undefined) throw new Error(`no request for ${object.hookName}`);
  return object.request;
}

export function responseOf(object: WireObject): ResponseObject {
  if (object.response === undefined) throw new Error(`no response for ${object.hookName}`);
  return object.response;
}

/** What a case asks of its hooks: the header X-Do, as JSON. */
export function asked(object: WireObject): Asked {
  return JSON.parse(requestOf(object).headers['X-Do'] ?? '{}') as Asked;
}
