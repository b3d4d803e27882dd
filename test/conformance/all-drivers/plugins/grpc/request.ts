import { asked, requestOf, type ServerHook } from './plugin.ts';

export const showRequest: ServerHook = (object) => {
  const request = requestOf(object);
  const { look = [] } = asked(object);
  request.setHeaders['X-Saw'] = JSON.stringify({
    method: request.method,
    url: request.url,
    uri: request.requestUri,
    scheme: request.scheme,
    headers: Object.fromEntries(look.map((name) => [name, request.headers[name] ?? null])),
    params: request.params,
    base64: request.rawBody.toString('base64'),
  });
};

export const showText: ServerHook = (object) => {
  requestOf(object).setHeaders['X-Saw'] = JSON.stringify({ text: requestOf(object).body });
};

export const editHeaders: ServerHook = (object) => {
  const wanted = asked(object);
  requestOf(object).deleteHeaders.push(...(wanted.delete ?? []));
  Object.assign(requestOf(object).setHeaders, wanted.set);
};

export const editQuery: ServerHook = (object) => {
  const wanted = asked(object);
  requestOf(object).deleteParams.push(...(wanted.deleteParams ?? []));
  Object.assign(requestOf(object).addParams, wanted.setParams);
};

export const editBody: ServerHook = (object) => {
  const request = requestOf(object);
  const { base64, text, append } = asked(object);
  if (base64 !== undefined) request.rawBody = Buffer.from(base64, 'base64');
  if (text !== undefined) request.rawBody = Buffer.from(text);
  if (append !== undefined) request.rawBody = Buffer.concat([request.rawBody, Buffer.from(append)]);
};

export const move: ServerHook = (object) => {
  const request = requestOf(object);
  const { path, url, method } = asked(object);
  request.url = url ?? path ?? request.url;
  request.method = method ?? request.method;
};

export const answer: ServerHook = (object) => {
  const { code = -1, body = '', error = '', overrideError = false, headers = {} } = asked(object);
  requestOf(object).returnOverrides = {
    responseCode: code,
    responseBody: body,
    responseError: error,
    overrideError,
    headers,
  };
};

function sign(name: string): ServerHook {
  return (object) => {
    const request = requestOf(object);
    const before = request.headers['X-Order'];
    request.setHeaders['X-Order'] = before === undefined ? name : `${before} ${name}`;
  };
}

export const first = sign('first');
export const second = sign('second');
export const third = sign('third');
export const between = sign('between');
export const fourth = sign('fourth');
export const fifth = sign('fifth');
