import type { HookCall } from '../../contract/call.ts';
import type { HeaderList } from '../../contract/header-list.ts';
import type { HookSpec } from '../../contract/plugin-set.ts';
import { parseQuery, type Query } from '../../contract/query.ts';
import { type RequestState, visibleMethod, visibleRequestUri, visibleUrl } from '../../contract/request-state.ts';
import { fromByteString, isAscii } from '../../contract/text.ts';
import { sessionText } from './session-json.ts';

/**
 * A call as JSON text, in the words of the original (spec/platform-contract §1.2). What is the same in every call (`SetHeaders: {}` and
 * the like) is added inside of the sandbox, and the body travels beside it.
 */
export function callJson(hook: HookSpec, call: HookCall, fullSessions: boolean): string {
  if (hook.type === 'event') return eventJson(call);
  const { state } = call.request;
  const isVirtual = hook.type === 'virtual';
  let json = `{"Headers":${headersJson(state.headers, isVirtual ? '' : state.host)}`;
  json += `,"URL":${textJson(visibleUrl(state))},"Params":${paramsJson(isVirtual ? withForm(state) : parseQuery(state.url.query))}`;
  json += `,"Method":${textJson(visibleMethod(state))},"RequestURI":${textJson(visibleRequestUri(state))}`;
  json += `,"Scheme":"${state.scheme}","Session":${sessionOf(hook, call, fullSessions)}`;
  if (call.response !== undefined) {
    const { status, headers } = call.response.state;
    json += `,"StatusCode":${status},"ResponseHeaders":${headersJson(headers, '')}`;
  }
  return `${json}}`;
}

/** Hooks that ask for no session, and those that run before the caller is known, get an empty one; where nobody is known it is null. */
function sessionOf({ type, requireSession }: HookSpec, call: HookCall, full: boolean): string {
  const early = type === 'pre' || type === 'auth';
  if (type !== 'response' && (early || !requireSession)) return sessionText(undefined, full);
  if (call.session === undefined && type !== 'response') return 'null';
  return sessionText(call, full);
}

/** Names are sorted, as Go writes them. */
function headersJson(headers: HeaderList, host: string): string {
  const raw = headers.raw();
  const names: string[] = host === '' ? [] : ['Host'];
  for (let i = 0; i < headers.size; i++) {
    const name = raw[i * 2] as string;
    if ((host === '' || name !== 'Host') && !headers.isRepeat(i)) names.push(name);
  }
  names.sort();
  let json = '{';
  for (const name of names) {
    const values = name === 'Host' && host !== '' ? [host] : headers.all(name);
    json += `${json.length === 1 ? '' : ','}${textJson(name)}:[${values.length === 1 ? textJson(values[0] as string) : values.map(textJson).join()}]`;
  }
  return `${json}}`;
}

function paramsJson(query: Query): string {
  if (query.size === 0) return '{}';
  const names = [...query.keys()].sort();
  return `{${names.map((name) => `${textJson(name)}:[${(query.get(name) as string[]).map(textJson).join()}]`).join()}}`;
}

/** Of a virtual endpoint: the values of an url-encoded form come before those of the query. */
function withForm(state: RequestState): Query {
  const query = parseQuery(state.url.query);
  const type = state.headers.get('Content-Type') ?? '';
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type) || !formMethods.has(visibleMethod(state)))
    return query;
  const form = parseQuery(state.body.toString('latin1'));
  for (const [name, values] of query) {
    const before = form.get(name);
    if (before === undefined) form.set(name, values);
    else before.push(...values);
  }
  return form;
}

const formMethods = new Set(['POST', 'PUT', 'PATCH']);

/** ASCII that JSON takes as it is. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

function textJson(bytes: string): string {
  if (plain.test(bytes)) return `"${bytes}"`;
  return JSON.stringify(isAscii(bytes) ? bytes : fromByteString(bytes));
}

/** An event stands where other calls have their body. */
function eventJson(call: HookCall): string {
  const { message, spec } = JSON.parse(call.request.body.toString('utf8')) as Record<string, Record<string, unknown>>;
  const { Type, Meta, TimeStamp } = message ?? {};
  return JSON.stringify({ Event: { Type, Meta, TimeStamp }, Context: spec });
}
