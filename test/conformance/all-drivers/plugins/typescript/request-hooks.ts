import type { PluginRequest, Reply } from 'interpose/plugin';
import { reply } from 'interpose/plugin';
import { asked } from './asked.ts';

export function showRequest(request: PluginRequest<'bytes'>): void {
  const { look = [] } = asked(request);
  const saw = {
    method: request.method,
    url: request.url,
    uri: request.requestUri,
    scheme: request.scheme,
    headers: Object.fromEntries(look.map((name) => [name, request.headers.get(name)])),
    params: Object.fromEntries([...request.query].reverse()),
    base64: Buffer.from(request.body).toString('base64'),
  };
  request.headers.set('X-Saw', JSON.stringify(saw));
}

export function showText(request: PluginRequest<'text'>): void {
  request.headers.set('X-Saw', JSON.stringify({ text: request.body }));
}

export function editHeaders(request: PluginRequest): void {
  const wanted = asked(request);
  for (const name of wanted.delete ?? []) request.headers.delete(name);
  for (const [name, value] of Object.entries(wanted.set ?? {})) request.headers.set(name, value);
}

export function editQuery(request: PluginRequest): void {
  const wanted = asked(request);
  for (const name of wanted.deleteParams ?? []) request.query.delete(name);
  for (const [name, value] of Object.entries(wanted.setParams ?? {})) request.query.set(name, value);
}

export function editBody(request: PluginRequest<'bytes'>): void {
  const { base64, text, append } = asked(request);
  if (base64 !== undefined) request.body = Buffer.from(base64, 'base64');
  if (text !== undefined) request.body = text;
  if (append !== undefined) request.body = Buffer.concat([request.body, Buffer.from(append)]);
}

export function move(request: PluginRequest): void {
  const { path, url, method } = asked(request);
  if (path !== undefined) request.path = path;
  if (url !== undefined) request.url = url;
  if (method !== undefined) request.method = method;
}

export function answer(request: PluginRequest): Reply | undefined {
  const { code, body = '', error = '', headers = {} } = asked(request);
  return code === undefined ? undefined : reply(code, error === '' ? body : error, headers);
}
