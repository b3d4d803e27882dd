// biome-ignore-start lint/suspicious/noExplicitAny: values of scripts can be anything.
/** Tells what a hook did to the request that it was given, so that only that need travel. */
export interface Edits {
  /** What of a request was changed; undefined when it has not the shape that it was given with. */
  editsOf(request: any, url: string, body: string): any;
  /** The edits of a hook that changed nothing: this very object. */
  readonly unedited: object;
  isTextMap(map: any): boolean;
}

export function makeEdits(): Edits {
  const { keys: keysOf } = Object;
  const { isArray } = Array;
  const textOf = String;
  const unedited = {};

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

  return { editsOf, unedited, isTextMap };
}
// biome-ignore-end lint/suspicious/noExplicitAny: values of scripts can be anything.
