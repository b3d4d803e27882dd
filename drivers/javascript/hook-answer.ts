import type { HeaderPair, HookAnswer, Reply, RequestEdits, ResponseEdits } from '../../contract/answer.ts';
import type { HookCall } from '../../contract/call.ts';
import { canonicalName } from '../../contract/canonical.ts';
import { PluginFailure } from '../../contract/failure.ts';
import { finalStatus } from '../../contract/overrides.ts';
import type { HookSpec } from '../../contract/plugin-set.ts';
import { encodeQuery, parseQuery } from '../../contract/query.ts';
import { visibleUrl } from '../../contract/request-state.ts';
import { toByteString } from '../../contract/text.ts';
import { parseTarget } from '../../contract/url.ts';
import { textBytes } from './body-text.ts';
import { type Fields, fieldsOf, isFlag, isListMap, isText, isTextList, isTextMap } from './go-fields.ts';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What came out of the sandbox. `edits`: only what the hook changed; `whole`: all of what it returned; `encoded`: bodies are base64. */
export type HookResult =
  | { readonly edits: unknown }
  | { readonly whole: unknown; readonly kept: boolean }
  | { readonly encoded: unknown }
  | { readonly virtual: unknown };

/**
 * What a hook returned, as the original would have read it (spec/platform-contract §1.3, §1.4).
 * @throws {PluginFailure} `REPLY_INVALID` for what cannot be decoded, or not be honoured.
 */
export function toHookAnswer(hook: HookSpec, call: HookCall, result: HookResult | undefined): HookAnswer {
  if (result === undefined) return {};
  if ('virtual' in result) return virtualAnswer(hook, result.virtual);
  if (hook.type === 'response') return responseAnswer(call, result);
  const isWhole = !('edits' in result);
  const top = fields(
    'the result',
    'edits' in result ? result.edits : 'whole' in result ? result.whole : result.encoded,
  );
  const request = fields('Request', top.request);
  const answer: Writable<HookAnswer> = {};
  const body =
    'encoded' in result ? decoded(request.body) : 'whole' in result && result.kept ? undefined : request.body;
  const edits = requestEdits(request, body, isWhole, call);
  if (edits !== undefined) answer.request = edits;
  const reply = replyOf(request.returnoverrides);
  if (reply !== undefined) answer.reply = reply;
  check('SessionMeta', isTextMap(top.sessionmeta), top.sessionmeta);
  if (
    hook.requireSession &&
    hook.type !== 'pre' &&
    hook.type !== 'auth' &&
    (isWhole || top.sessionmeta !== undefined)
  ) {
    answer.sessionMetadata = metadataText(top.sessionmeta);
  }
  check('AuthValue', isText(top.authvalue), top.authvalue);
  fields('Session', top.session);
  if (hook.type === 'auth' && top.session !== undefined && top.session !== null) {
    answer.sessionJson = JSON.stringify(top.session);
    answer.metadata = [['token', toByteString((top.authvalue as string | undefined) ?? '')]];
  }
  return answer;
}

function metadataText(meta: unknown): string {
  const entries = Object.entries((meta ?? {}) as Record<string, string | null>);
  return JSON.stringify(Object.fromEntries(entries.map(([key, value]) => [key, value ?? ''])));
}

function requestEdits(request: Fields, body: unknown, isWhole: boolean, call: HookCall): RequestEdits | undefined {
  const { setheaders, deleteheaders, addparams, extendedparams, deleteparams } = request;
  check('Request.SetHeaders', isTextMap(setheaders), setheaders);
  check('Request.DeleteHeaders', isTextList(deleteheaders), deleteheaders);
  check('Request.AddParams', isTextMap(addparams), addparams);
  check('Request.ExtendedParams', isListMap(extendedparams), extendedparams);
  check('Request.DeleteParams', isTextList(deleteparams), deleteparams);
  check('Request.Params', isListMap(request.params), request.params);
  check('Request.IgnoreBody', isFlag(request.ignorebody), request.ignorebody);
  for (const name of ['url', 'method', 'requesturi', 'scheme'])
    check(`Request.${name}`, isText(request[name]), request[name]);
  check('Request.Body', isText(body) || Buffer.isBuffer(body), body);
  const edits: Writable<RequestEdits> = {};
  if (body !== undefined && request.ignorebody !== true)
    edits.body = Buffer.isBuffer(body) ? body : textBytes(body as string);
  if (deleteheaders !== undefined && deleteheaders !== null) {
    const names = (deleteheaders as (string | null)[]).filter((name) => name !== null && name !== '');
    if (names.length > 0) edits.deleteHeaders = names.map((name) => toByteString(name as string));
  }
  if (setheaders !== undefined) {
    const pairs = pairsOf(setheaders as Record<string, string | null>);
    if (pairs.length > 0) edits.setHeaders = pairs;
  }
  setUrl(
    edits,
    isWhole ? ((request.url as string | undefined) ?? '') : (request.url as string | undefined),
    request,
    call,
  );
  return Object.keys(edits).length === 0 ? undefined : edits;
}

/** Other than in the rest of the contract, the query of a URL that a script sets counts, and a parameter can have several values. */
function setUrl(edits: Writable<RequestEdits>, url: string | undefined, request: Fields, call: HookCall): void {
  const { state } = call.request;
  let query = state.url.query;
  if (url !== undefined && toByteString(url) !== visibleUrl(state)) {
    const target = parseTarget(toByteString(absolute(url)));
    edits.url = target.path + (state.rewrite !== undefined && target.query !== undefined ? `?${target.query}` : '');
    if (state.rewrite === undefined) {
      if (target.prefix.startsWith('tyk:')) edits.url = target.prefix + edits.url;
      query = target.query;
    }
  }
  const { deleteparams, addparams, extendedparams } = request;
  if (isEmpty(deleteparams) && isEmpty(addparams) && isEmpty(extendedparams)) {
    if (query !== state.url.query) edits.query = query ?? '';
    return;
  }
  const params = parseQuery(query);
  const before = encodeQuery(params);
  for (const name of (deleteparams ?? []) as (string | null)[]) params.delete(toByteString(name ?? ''));
  for (const [name, value] of pairsOf(addparams as Record<string, string | null>)) params.set(name, [value]);
  for (const [key, values] of Object.entries((extendedparams ?? {}) as Record<string, (string | null)[] | null>)) {
    const name = toByteString(key);
    params.set(name, [...(params.get(name) ?? []), ...(values ?? []).map((value) => toByteString(value ?? ''))]);
  }
  const after = encodeQuery(params);
  if (after !== before) query = after;
  if (query !== state.url.query) edits.query = query ?? '';
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || Object.keys(value).length === 0;
}

/** An empty URL goes upstream as the root, a relative one from there. */
function absolute(url: string): string {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(url) || url.startsWith('/')) return url;
  return `/${url}`;
}

function replyOf(overrides: unknown): Reply | undefined {
  const { responsecode, responseerror, responsebody, responseheaders, overrideerror } = fields(
    'ReturnOverrides',
    overrides,
  );
  check('ResponseCode', responsecode === undefined || Number.isInteger(responsecode), responsecode);
  check('ResponseError', isText(responseerror), responseerror);
  check('ResponseBody', isText(responsebody), responsebody);
  check('ResponseHeaders', isTextMap(responseheaders), responseheaders);
  check('OverrideError', isFlag(overrideerror), overrideerror);
  const code = (responsecode as number | undefined) ?? 0;
  if (code === 0) return undefined;
  const text = (responseerror as string | undefined) || ((responsebody as string | undefined) ?? '');
  return {
    status: finalStatus(code),
    headers: pairsOf(responseheaders as Record<string, string | null> | undefined),
    body: textBytes(text),
    template: code >= 400 && overrideerror !== true,
  };
}

function virtualAnswer(hook: HookSpec, virtual: unknown): HookAnswer {
  const top = fields('the result', virtual);
  const { body, headers, code } = fields('Response', top.response);
  check('Body', isText(body), body);
  check('Headers', isTextMap(headers), headers);
  check('Code', code === undefined || Number.isInteger(code), code);
  fields('SessionMeta', top.sessionmeta);
  return {
    reply: {
      status: finalStatus((code as number | undefined) ?? 0),
      headers: pairsOf(headers as Record<string, string | null> | undefined),
      body: textBytes((body as string | undefined) ?? ''),
      template: false,
    },
    ...(hook.requireSession && { sessionMetadata: JSON.stringify(top.sessionmeta ?? {}) }),
  };
}

function responseAnswer(call: HookCall, result: HookResult): HookAnswer {
  const top = fields('the result', 'whole' in result ? result.whole : undefined);
  const { statuscode, body, setheaders, deleteheaders } = fields('Response', top.response);
  const sent = call.response?.state;
  if (sent === undefined) throw new PluginFailure('REPLY_INVALID', 'a response hook was called without a response');
  check('StatusCode', statuscode === undefined || Number.isInteger(statuscode), statuscode);
  check('Body', isText(body), body);
  check('SetHeaders', isTextMap(setheaders), setheaders);
  check('DeleteHeaders', isTextList(deleteheaders), deleteheaders);
  const edits: Writable<ResponseEdits> = {};
  if (statuscode !== undefined && statuscode !== 0) {
    checkStatus(statuscode as number);
    edits.status = statuscode as number;
  }
  if (!('kept' in result && result.kept)) edits.body = textBytes((body as string | undefined) ?? '');
  const deleted = (deleteheaders as (string | null)[] | undefined) ?? [];
  const set = pairsOf(setheaders as Record<string, string | null> | undefined);
  if (deleted.length > 0 || set.length > 0) {
    const headers = sent.headers.clone();
    for (const name of deleted) headers.delete(canonicalName(toByteString(name ?? '')));
    for (const [name, value] of set) headers.set(canonicalName(name), value);
    const raw = headers.raw();
    edits.headers = Array.from(
      { length: headers.size },
      (_, i): HeaderPair => [raw[2 * i] as string, raw[2 * i + 1] as string],
    );
  }
  return Object.keys(edits).length === 0 ? {} : { response: edits };
}

function pairsOf(map: Readonly<Record<string, string | null>> | null | undefined): HeaderPair[] {
  return Object.entries(map ?? {}).map(([name, value]) => [toByteString(name), toByteString(value ?? '')]);
}

/** The body of a hook that does without `TykJS`. */
function decoded(body: unknown): Buffer | undefined {
  check('Request.Body', isText(body), body);
  if (body === undefined) return Buffer.alloc(0);
  const bytes = Buffer.from(body as string, 'base64');
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(body as string) && (body as string).length % 4 === 0;
  check('Request.Body', isBase64, body);
  return bytes;
}

function fields(name: string, value: unknown): Fields {
  const read = fieldsOf(value);
  if (read === undefined) throw invalid(name, value);
  return read;
}

function check(name: string, holds: boolean, value: unknown): void {
  if (!holds) throw invalid(name, value);
}

function invalid(name: string, value: unknown): PluginFailure {
  const shown = JSON.stringify(value)?.slice(0, 60);
  return new PluginFailure('REPLY_INVALID', `the hook returned a "${name}" of the wrong type: ${shown}`);
}

function checkStatus(code: number): void {
  if (code >= 100 && code <= 999) return;
  throw new PluginFailure('REPLY_INVALID', `the hook replied with code ${code}, which is no HTTP status`);
}
