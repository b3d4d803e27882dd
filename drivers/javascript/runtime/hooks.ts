// biome-ignore-start lint/suspicious/noExplicitAny: values of scripts can be anything.
import type { Edits } from './edits.ts';
import type { Run } from './run.ts';
import type { TextTools } from './text.ts';
import type { TykJs } from './tyk-js.ts';

/** The hooks that scripts have made, by number. */
export interface Hooks {
  /** Undefined when the hook is there, else why not. */
  addHook(index: number, type: string, writesMeta: boolean, find: () => any): string | undefined;
  /** Call one. @returns JSON text; empty for an answer that changes nothing. */
  call(index: number, sent: any, body: string): string;
  /** Whether this was thrown because of what the hook answered, and not by the hook. */
  isUnusable(error: any): boolean;
  /** What hooks get as their third argument. */
  setConfig(value: any): void;
  config(): any;
}

export function makeHooks(
  { doProcessRequest, doProcessResponse }: TykJs,
  { editsOf, unedited, isTextMap }: Edits,
  { encode64 }: TextTools,
  { note, describe }: Run,
): Hooks {
  const { parse, stringify } = JSON;
  const { keys: keysOf } = Object;
  const textOf = String;

  interface Hook {
    readonly find: () => any;
    readonly run: (find: () => any, sent: any, body: string) => string;
  }
  const hooks: Hook[] = [];
  let config: any = {};

  class Unusable extends Error {}

  function requestOf(sent: any, body: string | null): any {
    return {
      Headers: sent.Headers,
      SetHeaders: {},
      DeleteHeaders: [],
      Body: body,
      URL: sent.URL,
      Params: sent.Params,
      AddParams: {},
      ExtendedParams: {},
      DeleteParams: [],
      ReturnOverrides: {
        ResponseCode: 0,
        ResponseError: '',
        ResponseBody: '',
        ResponseHeaders: null,
        OverrideError: false,
      },
      IgnoreBody: false,
      Method: sent.Method,
      RequestURI: sent.RequestURI,
      Scheme: sent.Scheme,
    };
  }

  function runRequest(writesMeta: boolean): Hook['run'] {
    return (find, sent, body) => {
      const url = sent.URL;
      const request = requestOf(sent, body);
      const hook = find();
      if (hook.DoProcessRequest !== doProcessRequest) {
        request.Body = encode64(body, true);
        return `{"encoded":${ownText(hook.DoProcessRequest(request, sent.Session, config))}}`;
      }
      const result = hook.ProcessRequest(request, sent.Session, config);
      if (!result) {
        note('error', ["Middleware didn't return request object!"]);
        throw new Unusable('the hook returned nothing');
      }
      const answer = result.Request;
      if (answer === undefined || answer === null) throw new TypeError('the hook returned an object without "Request"');
      if (typeof answer !== 'object') throw new Unusable('the "Request" that the hook returned is no object');
      const edits = editsOf(answer, url, body);
      const names = keysOf(result);
      const meta = result.SessionMeta;
      const simple =
        edits !== undefined &&
        isTextMap(meta) &&
        names.every((name) => name === 'Request' || name === 'SessionMeta' || name === 'Session');
      if (!simple) {
        const kept = answer.Body === body;
        const Body = kept ? undefined : textOf(answer.Body);
        const whole = { ...result, Request: { ...answer, Headers: undefined, Body } };
        return `{"whole":${stringify(whole)},"kept":${kept}}`;
      }
      const out: any = {};
      if (edits !== unedited) out.Request = edits;
      if (writesMeta) out.SessionMeta = meta ?? {};
      if (result.Session !== undefined) out.Session = result.Session;
      return keysOf(out).length === 0 ? '' : `{"edits":${stringify(out)}}`;
    };
  }

  function ownText(result: any): string {
    if (typeof result !== 'string') throw new Unusable('the hook returned no text');
    try {
      return stringify(parse(result));
    } catch {
      throw new Unusable('the hook returned a text that is not JSON');
    }
  }

  const runResponse: Hook['run'] = (find, sent, body) => {
    const response: any = {
      StatusCode: sent.StatusCode,
      Body: body,
      Headers: sent.ResponseHeaders,
      SetHeaders: {},
      DeleteHeaders: [],
    };
    const request = requestOf(sent, null);
    const hook = find();
    if (hook.DoProcessResponse !== doProcessResponse) {
      return `{"whole":${ownText(hook.DoProcessResponse(response, request, sent.Session, config))},"kept":false}`;
    }
    const result = hook.ProcessResponse(response, request, sent.Session, config);
    if (!result) throw new Unusable('the hook returned nothing');
    const answer = result.Response;
    const kept = typeof answer === 'object' && answer !== null && answer.Body === body;
    const whole = kept ? { Response: { ...answer, Body: undefined } } : { Response: answer };
    return `{"whole":${stringify(whole)},"kept":${kept}}`;
  };

  const runVirtual: Hook['run'] = (find, sent, body) => {
    const request = {
      Headers: sent.Headers,
      Body: body,
      URL: sent.URL,
      Params: sent.Params,
      Scheme: sent.Scheme,
    };
    return `{"virtual":${ownText(find()(request, sent.Session, config))}}`;
  };

  const runEvent: Hook['run'] = (find, sent) => {
    find().DoProcessEvent(sent.Event, sent.Context);
    return '';
  };

  function addHook(index: number, type: string, writesMeta: boolean, find: () => any): string | undefined {
    const isFunction = type === 'virtual';
    const run = isFunction
      ? runVirtual
      : type === 'response'
        ? runResponse
        : type === 'event'
          ? runEvent
          : runRequest(writesMeta);
    hooks[index] = { find, run };
    let found: any;
    try {
      found = find();
    } catch (error) {
      return describe(error);
    }
    if (found === undefined || found === null) return 'no script defines it';
    const method = type === 'response' ? 'DoProcessResponse' : type === 'event' ? 'DoProcessEvent' : 'DoProcessRequest';
    if (isFunction ? typeof found === 'function' : typeof found[method] === 'function') return undefined;
    return isFunction ? 'it is no function' : `it has no method "${method}": make it with "new TykJS..."`;
  }

  return {
    addHook,
    call(index, sent, body) {
      const hook = hooks[index] as Hook;
      return hook.run(hook.find, sent, body);
    },
    isUnusable: (error) => error instanceof Unusable,
    setConfig(value) {
      config = value;
    },
    config: () => config,
  };
}
// biome-ignore-end lint/suspicious/noExplicitAny: values of scripts can be anything.
