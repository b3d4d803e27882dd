/**
 * What is there when a script begins: `TykJS`, the built-in functions, and how the guest calls hooks. Its text is run in every context,
 * so it must not use anything from outside of itself; and nothing of the host is within reach of a script, for it is given nothing.
 *
 * Built-ins that the host has to serve do not block: they stop the run with what they want, and the guest runs the hook again from its
 * beginning with the results so far. A hook sees none of that, for between runs everything that it changed is put back, and the clock
 * and chance say again what they said.
 */
// biome-ignore-start lint/suspicious/noExplicitAny: values of scripts can be anything.
export function runtime(generation: string): any {
  const { parse, stringify } = JSON;
  const { keys: keysOf, getPrototypeOf, getOwnPropertyDescriptor, is } = Object;
  const { ownKeys } = Reflect;
  const { isArray } = Array;
  const textOf = String;
  const codePoints = String.fromCharCode;
  const global: any = globalThis;
  // They could stop the thread, or make memory that no limit counts.
  for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics']) delete global[name];

  // --- text and base64 -------------------------------------------------------------------------------------------------------

  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const sextets: number[] = [];
  for (let i = 0; i < 64; i++) sextets[alphabet.charCodeAt(i)] = i;

  /** UTF-8; a surrogate from U+DC80 to U+DCFF that stands alone is the byte that was no UTF-8. */
  function bytesOf(text: string): number[] {
    const bytes: number[] = [];
    for (let i = 0; i < text.length; i++) {
      let unit = text.charCodeAt(i);
      if (unit >= 0xd800 && unit <= 0xdbff) {
        const low = text.charCodeAt(i + 1);
        if (low >= 0xdc00 && low <= 0xdfff) {
          unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
          i++;
        } else unit = 0xfffd;
      } else if (unit >= 0xdc80 && unit <= 0xdcff) {
        bytes.push(unit - 0xdc00);
        continue;
      } else if (unit >= 0xdc00 && unit <= 0xdfff) unit = 0xfffd;
      if (unit < 0x80) bytes.push(unit);
      else if (unit < 0x800) bytes.push(0xc0 | (unit >> 6), 0x80 | (unit & 63));
      else if (unit < 0x10000) bytes.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 63), 0x80 | (unit & 63));
      else {
        bytes.push(0xf0 | (unit >> 18), 0x80 | ((unit >> 12) & 63), 0x80 | ((unit >> 6) & 63), 0x80 | (unit & 63));
      }
    }
    return bytes;
  }

  function textFrom(bytes: number[]): string {
    let text = '';
    for (let i = 0; i < bytes.length; ) {
      const lead = bytes[i] as number;
      const more = lead < 0x80 ? 0 : lead < 0xc2 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : -1;
      let point = more === 0 ? lead : lead & (0x3f >> more);
      let valid = more >= 0 && i + more < bytes.length;
      for (let k = 1; valid && k <= more; k++) {
        const next = bytes[i + k] as number;
        valid = next >> 6 === 2;
        point = (point << 6) | (next & 63);
      }
      if (more === 2) valid = valid && point >= 0x800 && (point < 0xd800 || point > 0xdfff);
      if (more === 3) valid = valid && point >= 0x10000 && point <= 0x10ffff;
      if (!valid) {
        text += codePoints(0xdc00 + lead);
        i++;
      } else {
        if (point < 0x10000) text += codePoints(point);
        else text += codePoints(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
        i += more + 1;
      }
    }
    return text;
  }

  function encode64(text: string, padded: boolean): string {
    const bytes = bytesOf(text);
    let out = '';
    for (let i = 0; i < bytes.length; i += 3) {
      const left = bytes.length - i;
      const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
      out += (alphabet[group >> 18] as string) + (alphabet[(group >> 12) & 63] as string);
      out += left > 1 ? (alphabet[(group >> 6) & 63] as string) : padded ? '=' : '';
      out += left > 2 ? (alphabet[group & 63] as string) : padded ? '=' : '';
    }
    return out;
  }

  /** Undefined for what is no base64 of this kind. */
  function decode64(text: string, padded: boolean): string | undefined {
    let clean = text.replace(/[\r\n]/g, '');
    if (padded) {
      if (clean.length % 4 !== 0) return undefined;
      clean = clean.replace(/={1,2}$/, '');
    }
    if (clean.length % 4 === 1) return undefined;
    const bytes: number[] = [];
    let [bits, count] = [0, 0];
    for (let i = 0; i < clean.length; i++) {
      const value = sextets[clean.charCodeAt(i)];
      if (value === undefined) return undefined;
      bits = ((bits << 6) | value) & 0xfffff;
      count += 6;
      if (count >= 8) {
        count -= 8;
        bytes.push((bits >> count) & 255);
      }
    }
    return textFrom(bytes);
  }

  // --- what a run leaves behind ----------------------------------------------------------------------------------------------

  let logs: [string, string][] = [];
  let logBytes = 0;
  let results: any[] = [];
  let served = 0;
  let pending: any[] | undefined;

  function note(level: string, values: any[]): void {
    // A script that catches what stops it goes on for nothing: the next run says what is so.
    if (pending !== undefined) return;
    // What a caller of a hook has no use for must not fill the memory.
    if (logs.length >= 1000 || logBytes > 262144) return;
    const text = values.map(printed).join(' ').slice(0, 16384);
    logBytes += text.length;
    logs.push([level, text]);
  }

  function printed(value: any): string {
    return textOf(value);
  }

  /** Ask the host: with the result of an earlier run, or by ending this one. */
  function ask(service: string, ...args: any[]): any {
    if (pending !== undefined) throw stopped;
    if (served < results.length) {
      const result = results[served++];
      if (result.error !== undefined) throw new Error(result.error);
      return result.value === null ? undefined : result.value;
    }
    pending = [service, ...args];
    throw stopped;
  }

  const stopped = new Error('the hook waits for the host');

  // --- clock and chance ------------------------------------------------------------------------------------------------------

  // What was drawn before a hook was stopped has been acted on (a key was stored, a request was sent), so the next run draws it again.
  const clock = Date.now;
  const chance = Math.random;
  let seed: number[] | undefined;
  let state: number[] | undefined;
  /** What the clock said: milliseconds, and how often in a row, by turns. */
  let times: number[] = [];
  let replayed: number[] = [];
  let at = 0;
  let taken = 0;

  function startDraws(drawn: any): void {
    seed = drawn?.seed;
    state = seed?.slice();
    replayed = drawn?.times ?? [];
    if (times.length > 0) times = [];
    at = 0;
    taken = 0;
  }

  function now(): number {
    let ms: number;
    if (at < replayed.length) {
      ms = replayed[at] as number;
      if (++taken === replayed[at + 1]) {
        at += 2;
        taken = 0;
      }
    } else ms = clock();
    const last = times.length - 2;
    if (last >= 0 && times[last] === ms) (times[last + 1] as number)++;
    else times.push(ms, 1);
    return ms;
  }

  /** 32 bits of the generator sfc32. */
  function bits(): number {
    if (state === undefined) {
      state = [0, 0, 0, 0].map(() => Math.floor(chance() * 4294967296));
      seed = state.slice();
    }
    const [a, b, c, count] = state as [number, number, number, number];
    const sum = (a + b + count) | 0;
    const turned = (c << 21) | (c >>> 11);
    state = [b ^ (b >>> 9), (c + (c << 3)) | 0, (turned + sum) | 0, (count + 1) | 0];
    return sum >>> 0;
  }

  // --- built-in functions ----------------------------------------------------------------------------------------------------

  const define = (target: any, name: string, value: any): void => {
    Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });
  };

  define(Math, 'random', () => (bits() * 2097152 + (bits() >>> 11)) / 9007199254740992);

  const NativeDate: any = Date;
  function ScriptDate(...parts: any[]): any {
    if (new.target === undefined) return textOf(new NativeDate(now()));
    return Reflect.construct(NativeDate, parts.length === 0 ? [now()] : parts, new.target);
  }
  for (const name of ['parse', 'UTC']) define(ScriptDate, name, NativeDate[name]);
  define(ScriptDate, 'now', now);
  Object.defineProperty(ScriptDate, 'name', { value: 'Date' });
  Object.defineProperty(ScriptDate, 'length', { value: 7 });
  Object.defineProperty(ScriptDate, 'prototype', { value: NativeDate.prototype, writable: false });
  define(NativeDate.prototype, 'constructor', ScriptDate);
  define(global, 'Date', ScriptDate);

  const builtins: Record<string, any> = {
    log: (...values: any[]) => note('info', values.length === 0 ? [undefined] : values.slice(0, 1)),
    rawlog: (...values: any[]) => note('raw', values.slice(0, 1)),
    b64enc: (text: any) => encode64(textOf(text), true),
    rawb64enc: (text: any) => encode64(textOf(text), false),
    b64dec: (text: any) => decode64(textOf(text), true) ?? decode64(textOf(text), false),
    rawb64dec: (text: any) => decode64(textOf(text), false),
    TykMakeHttpRequest: (request: any) => ask('http', textOf(request)),
    TykBatchRequest: (requests: any) => ask('batch', textOf(requests)),
    TykGetKeyData: (key: any, apiId: any) => ask('keys.get', textOf(key), textOf(apiId)),
    TykSetKeyData: (key: any, session: any, keep: any) => ask('keys.set', textOf(key), textOf(session), textOf(keep)),
    TykJsResponse: (response: any, sessionMeta: any) => stringify({ Response: response, SessionMeta: sessionMeta }),
    TykStorageGet: (key: any) => {
      const value = ask('storage.get', storageKey(key));
      return value === undefined ? null : value;
    },
    TykStorageSet: (key: any, value: any, ttl: any) =>
      ask('storage.set', storageKey(key), storageValue(value), seconds(ttl)),
    TykStorageSetNX: (key: any, value: any, ttl: any) =>
      ask('storage.setnx', storageKey(key), storageValue(value), seconds(ttl)) === true,
    TykStorageDel: (key: any) => ask('storage.del', storageKey(key)),
    TykStorageTTL: (key: any) => ask('storage.ttl', storageKey(key)),
    TykStorageIncr: (key: any, ttl: any) => textOf(ask('storage.incr', storageKey(key), seconds(ttl))),
  };
  for (const name of keysOf(builtins)) define(global, name, builtins[name]);

  function storageKey(key: any): string {
    const text = textOf(key);
    const bytes = bytesOf(text).length;
    if (bytes < 1 || bytes > 256) throw new Error(`a storage key must have 1 to 256 bytes, this one has ${bytes}`);
    return text;
  }

  function storageValue(value: any): string {
    const text = textOf(value);
    if (text.length > 65536 || bytesOf(text).length > 65536) throw new Error('a stored value may have 65536 bytes');
    return text;
  }

  function seconds(ttl: any): number {
    const value = Math.trunc(Number(ttl ?? 0));
    return Number.isFinite(value) && value > 0 ? value : 0;
  }

  const consoleObject: any = {};
  for (const [name, level] of [
    ['log', 'info'],
    ['info', 'info'],
    ['debug', 'debug'],
    ['warn', 'warn'],
    ['error', 'error'],
  ] as const) {
    define(consoleObject, name, (...values: any[]) => note(level, values));
  }
  define(global, 'console', consoleObject);

  if (generation === 'otto') {
    // Texts that a script signs or compares: keys in order, and the letters that Go escapes.
    define(JSON, 'stringify', (value: any, replacer: any, space: any) => {
      const text = stringify(value, replacer);
      if (text === undefined) return undefined;
      const indent = typeof space === 'number' ? ' '.repeat(Math.min(10, space)) : textOf(space ?? '').slice(0, 10);
      return sortedJson(parse(text), indent, '').replace(
        /[<>&\u2028\u2029]/g,
        (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    });
  }

  function sortedJson(value: any, indent: string, margin: string): string {
    if (typeof value !== 'object' || value === null) return stringify(value);
    const inner = margin + indent;
    const [open, close] = isArray(value) ? '[]' : '{}';
    const items: string[] = isArray(value)
      ? value.map((item: any) => sortedJson(item, indent, inner))
      : keysOf(value)
          .sort()
          .map((key) => `${stringify(key)}:${indent === '' ? '' : ' '}${sortedJson(value[key], indent, inner)}`);
    if (items.length === 0) return `${open}${close}`;
    if (indent === '') return `${open}${items.join(',')}${close}`;
    return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${margin}${close}`;
  }

  // --- TykJS -----------------------------------------------------------------------------------------------------------------

  const methodsOf = (prototype: any, methods: Record<string, any>): void => {
    for (const name of keysOf(methods)) define(prototype, name, methods[name]);
  };

  const MiddlewareComponentMeta: any = function (this: any, configuration: any) {
    this.configuration = configuration;
  };
  /** What the gateway of the original calls; scripts may bring one of their own. */
  const doProcessRequest = function (this: any, request: any, session: any, config: any) {
    request.Body = builtins.b64dec(request.Body);
    const result = this.ProcessRequest(request, session, config);
    if (!result) {
      note('error', ["Middleware didn't return request object!"]);
      return undefined;
    }
    result.Request.Headers = {};
    result.Request.Body = builtins.b64enc(result.Request.Body);
    return stringify(result);
  };
  const doProcessResponse = function (this: any, response: any, request: any, session: any, config: any) {
    const result = this.ProcessResponse(response, request, session, config);
    if (!result) {
      note('error', ["Middleware didn't return response object!"]);
      return undefined;
    }
    return stringify(result);
  };
  methodsOf(MiddlewareComponentMeta.prototype, {
    ProcessRequest(request: any) {
      note('info', ['Process Request Not Implemented']);
      return request;
    },
    ProcessResponse(response: any) {
      note('info', ['Process Response Not Implemented']);
      return response;
    },
    DoProcessRequest: doProcessRequest,
    DoProcessResponse: doProcessResponse,
  });
  const NewMiddleware: any = function (this: any, configuration: any) {
    this.configuration = configuration;
  };
  NewMiddleware.prototype = new MiddlewareComponentMeta({});
  methodsOf(NewMiddleware.prototype, {
    NewProcessRequest(this: any, callback: any) {
      this.ProcessRequest = callback;
    },
    NewProcessResponse(this: any, callback: any) {
      this.ProcessResponse = callback;
    },
    ReturnData: (request: any, sessionMeta: any) => ({ Request: request, SessionMeta: sessionMeta }),
    ReturnAuthData: (request: any, session: any) => ({ Request: request, Session: session }),
    ReturnResponseData: (response: any, sessionMeta: any) => ({ Response: response, SessionMeta: sessionMeta }),
  });

  function EventHandlerComponentMeta(): void {}
  methodsOf(EventHandlerComponentMeta.prototype, {
    DoProcessEvent(this: any, event: any, context: any) {
      this.Handle(event, context);
    },
    Handle() {
      note('info', ['Handler Not Implemented']);
    },
  });
  function NewEventHandler(): void {}
  NewEventHandler.prototype = new (EventHandlerComponentMeta as any)();
  methodsOf(NewEventHandler.prototype, {
    NewHandler(this: any, callback: any) {
      this.Handle = callback;
    },
  });
  const TykJS = {
    TykMiddleware: { MiddlewareComponentMeta, NewMiddleware },
    TykEventHandlers: { EventHandlerComponentMeta, NewEventHandler },
  };
  define(global, 'TykJS', TykJS);

  // --- hooks -----------------------------------------------------------------------------------------------------------------

  interface Hook {
    readonly find: () => any;
    readonly run: (find: () => any, sent: any, body: string) => string;
  }
  const hooks: Hook[] = [];
  let config: any = {};

  class Unusable extends Error {}

  function runRequest(writesMeta: boolean): Hook['run'] {
    return (find, sent, body) => {
      const url = sent.URL;
      const request: any = {
        Headers: sent.Headers,
        SetHeaders: {},
        DeleteHeaders: [],
        Body: body,
        URL: url,
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

  const unedited = {};

  /** What of a request was changed; undefined when it has not the shape that it was given with. */
  function editsOf(request: any, url: string, body: string): any {
    if (keysOf(request).length !== 14) return undefined;
    const { SetHeaders, DeleteHeaders, AddParams, ExtendedParams, DeleteParams, ReturnOverrides, Params } = request;
    if (typeof request.URL !== 'string' || typeof request.IgnoreBody !== 'boolean' || !('Body' in request))
      return undefined;
    if (typeof request.Method !== 'string' || typeof request.RequestURI !== 'string') return undefined;
    if (typeof request.Scheme !== 'string' || !('Headers' in request)) return undefined;
    if (!isTextMap(SetHeaders) || !isTextMap(AddParams) || !isTextList(DeleteHeaders) || !isTextList(DeleteParams)) {
      return undefined;
    }
    if (!isListMap(Params) || !isListMap(ExtendedParams)) return undefined;
    if (typeof ReturnOverrides !== 'object' || ReturnOverrides === null) return undefined;
    let edits: any = unedited;
    const put = (name: string, value: any): void => {
      if (edits === unedited) edits = {};
      edits[name] = value;
    };
    if (!request.IgnoreBody && request.Body !== body) put('Body', textOf(request.Body));
    if (request.URL !== url) put('URL', request.URL);
    if (!isBare(SetHeaders)) put('SetHeaders', SetHeaders);
    if (DeleteHeaders.length > 0) put('DeleteHeaders', DeleteHeaders);
    if (!isBare(AddParams)) put('AddParams', AddParams);
    if (!isBare(ExtendedParams)) put('ExtendedParams', ExtendedParams);
    if (DeleteParams.length > 0) put('DeleteParams', DeleteParams);
    const { ResponseCode: code, ResponseError: error, ResponseBody: text, ResponseHeaders: headers } = ReturnOverrides;
    const silent = code === 0 && typeof error === 'string' && typeof text === 'string' && isTextMap(headers);
    if (!silent || typeof ReturnOverrides.OverrideError !== 'boolean' || keysOf(ReturnOverrides).length !== 5) {
      put('ReturnOverrides', ReturnOverrides);
    }
    return edits;
  }

  function isBare(object: any): boolean {
    for (const _ in object) return false;
    return true;
  }

  function isTextMap(map: any): boolean {
    if (map === undefined || map === null) return true;
    if (typeof map !== 'object' || isArray(map)) return false;
    for (const key in map) {
      const value = map[key];
      if (typeof value !== 'string' && value !== null && value !== undefined) return false;
    }
    return true;
  }

  function isTextList(list: any): boolean {
    if (!isArray(list)) return false;
    for (let i = 0; i < list.length; i++) {
      const value = list[i];
      if (typeof value !== 'string' && value !== null && value !== undefined) return false;
    }
    return true;
  }

  function isListMap(map: any): boolean {
    if (typeof map !== 'object' || map === null || isArray(map)) return false;
    for (const key in map) if (!isTextList(map[key])) return false;
    return true;
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
    const request: any = {
      Headers: sent.Headers,
      SetHeaders: {},
      DeleteHeaders: [],
      Body: null,
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

  /** Undefined when the hook is there, else why not. */
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

  function describe(error: any): string {
    try {
      if (error instanceof Error) return `${error.name}: ${error.message}`;
      return `it threw ${stringify(error) ?? textOf(error)}`;
    } catch {
      return 'it threw something that cannot be shown';
    }
  }

  /**
   * Run a hook. The first letter of what comes back says what the rest is: `d` an answer, `p` what the hook waits for, `e` an error. When
   * lines were logged they come first, after an `l` and before a line break.
   */
  function enter(index: number, text: string, body: string, journal: string, logged: number, keep: boolean): string {
    logs = [];
    logBytes = 0;
    const before = journal === '' ? undefined : parse(journal);
    results = before?.results ?? [];
    startDraws(before?.drawn);
    served = 0;
    pending = undefined;
    let out: string;
    try {
      const hook = hooks[index] as Hook;
      out = `d${hook.run(hook.find, parse(text), body)}`;
    } catch (error: any) {
      const reason = error instanceof Unusable ? 'REPLY_INVALID' : 'HOOK_THREW';
      let stack: any;
      try {
        stack = textOf(error.stack);
      } catch {}
      out = `e${stringify({ reason, message: describe(error), stack })}`;
    }
    if (pending !== undefined) out = `p${stringify({ asked: pending, drawn: { seed, times } })}`;
    const lines = logs.slice(logged);
    if (!keep || pending !== undefined) reset();
    return lines.length === 0 ? out : `l${stringify(lines)}\n${out}`;
  }

  /** Enter once for each triple of arguments; what comes back stands one after the other, after a line with the lengths. */
  function enterMany(...calls: any[]): string {
    let [lengths, outs] = ['', ''];
    for (let i = 0; i < calls.length; i += 3) {
      const out = enter(calls[i], calls[i + 1], calls[i + 2], '', 0, false);
      lengths += `${out.length} `;
      outs += out;
    }
    return `${lengths}\n${outs}`;
  }

  /** Lines that were logged while scripts were loaded. */
  function loadLogs(): string {
    const lines = stringify(logs);
    logs = [];
    return lines;
  }

  // --- putting back what a run changed -----------------------------------------------------------------------------------------

  interface Known {
    readonly object: any;
    readonly keys: (string | symbol)[];
    readonly values: any[];
    /** Own enumerable names; -1 for what has none of interest. */
    readonly count: number;
  }
  let known: Known[] = [];
  let globals: { name: string; has: boolean; value: any }[] = [];
  let lexical: { read: () => any[]; write: (values: any[]) => void; values: any[] } | undefined;
  const ownNames = new Set(Object.getOwnPropertyNames(global));

  const leaves = new Set<any>([global, JSON, Math, Reflect, consoleObject]);
  for (const name of ownNames) {
    const value = getOwnPropertyDescriptor(global, name)?.value;
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || value === TykJS) continue;
    leaves.add(value);
    if (typeof value.prototype === 'object' && value.prototype !== null) leaves.add(value.prototype);
  }
  leaves.delete(TykJS);

  class Unkeepable extends Error {}

  /**
   * Remember everything that scripts can reach and change, to put it back after each run. Returns why that cannot be done: then each run
   * needs a context of its own.
   */
  function remember(
    written: string[],
    read: (() => any[]) | undefined,
    write: ((values: any[]) => void) | undefined,
  ): string | undefined {
    try {
      known = [];
      const seen = new Set<any>();
      let budget = 1500;
      const visit = (value: any): void => {
        if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return;
        if (seen.has(value) || leaves.has(value)) return;
        seen.add(value);
        const isFunction = typeof value === 'function';
        if (isFunction && /\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(value))) return;
        const tag = Object.prototype.toString.call(value);
        if (!isFunction && !['[object Object]', '[object Array]', '[object RegExp]', '[object Error]'].includes(tag)) {
          throw new Unkeepable(`a ${tag.slice(8, -1)} is reachable`);
        }
        const keys: (string | symbol)[] = [];
        const values: any[] = [];
        for (const key of ownKeys(value)) {
          const descriptor = getOwnPropertyDescriptor(value, key) as PropertyDescriptor;
          if (descriptor.get !== undefined || descriptor.set !== undefined) {
            if (isFunction && (key === 'arguments' || key === 'caller')) continue;
            throw new Unkeepable(`there is an accessor, "${textOf(key)}"`);
          }
          if (isFunction && key === 'prototype' && isPlainPrototype(value, descriptor.value)) continue;
          visit(descriptor.value);
          if (!descriptor.writable) continue;
          if (tag === '[object Array]' && key === 'length') continue;
          keys.push(key);
          values.push(descriptor.value);
        }
        visit(getPrototypeOf(value));
        budget -= keys.length + 1;
        if (budget < 0) throw new Unkeepable('there is too much data to look through after each run');
        if (Object.isFrozen(value)) return;
        known.push({ object: value, keys, values, count: keysOf(value).length });
      };
      const names = Object.getOwnPropertyNames(global).filter((name) => !ownNames.has(name));
      globals = names.map((name) => ({ name, has: true, value: global[name] }));
      for (const name of written) {
        if (!names.includes(name)) globals.push({ name, has: Object.hasOwn(global, name), value: global[name] });
      }
      for (const { name, value } of globals) if (name !== '_') visit(value);
      visit(TykJS);
      visit(config);
      lexical = undefined;
      if (read !== undefined && write !== undefined) {
        const values = read();
        for (const value of values) visit(value);
        lexical = { read, write, values };
      }
      // Text from requests must not become everybody's property (`a[name][other] = value`).
      for (const prototype of [Object.prototype, Array.prototype, Function.prototype])
        Object.preventExtensions(prototype);
      return undefined;
    } catch (error) {
      known = [];
      globals = [];
      lexical = undefined;
      if (error instanceof Unkeepable) return error.message;
      return describe(error);
    }
  }

  function isPlainPrototype(maker: any, prototype: any): boolean {
    if (typeof prototype !== 'object' || prototype === null) return false;
    const names = ownKeys(prototype);
    return names.length === 1 && names[0] === 'constructor' && prototype.constructor === maker;
  }

  function reset(): void {
    for (let i = 0; i < globals.length; i++) {
      const { name, has, value } = globals[i] as (typeof globals)[0];
      if (has) {
        const now = global[name];
        if (now !== value && !is(now, value)) global[name] = value;
      } else if (Object.hasOwn(global, name)) delete global[name];
    }
    for (let i = 0; i < known.length; i++) {
      const { object, keys, values, count } = known[i] as Known;
      for (let k = 0; k < keys.length; k++) {
        const key = keys[k] as string;
        const now = object[key];
        if (now !== values[k] && !is(now, values[k])) object[key] = values[k];
      }
      if (keysOf(object).length !== count) removeOthers(object, keys);
    }
    if (lexical !== undefined) {
      const now = lexical.read();
      const { values } = lexical;
      for (let i = 0; i < now.length; i++) {
        if (is(now[i], values[i])) continue;
        lexical.write(values);
        break;
      }
    }
  }

  function removeOthers(object: any, keys: (string | symbol)[]): void {
    if (isArray(object)) {
      object.length = keys.length;
      return;
    }
    const wanted = new Set<any>(keys);
    for (const key of keysOf(object)) if (!wanted.has(key)) delete object[key];
  }

  return {
    enter,
    enterMany,
    addHook,
    loadLogs,
    remember,
    setConfig: (text: string) => {
      config = parse(text);
    },
  };
}
// biome-ignore-end lint/suspicious/noExplicitAny: values of scripts can be anything.
