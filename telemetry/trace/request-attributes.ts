import type { Socket } from 'node:net';
import type { Attributes } from '@opentelemetry/api';
import type { ClientRequest } from '../../gateway/exchange.ts';
import type { TracedApi } from '../../gateway/telemetry/tracing.ts';
import { rawHeader } from './raw-header.ts';

/** Methods that may stand in span names; others are `_OTHER`, for a client could invent any number of them. */
const knownMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'QUERY',
]);

/** `METHOD /listen-path`. */
export function requestName(request: ClientRequest, api: TracedApi): string {
  const method = request.method ?? '';
  return `${knownMethods.has(method) ? method : 'HTTP'} ${api.listen.path}`;
}

/** Attributes of a server span: the HTTP semantic conventions, and which API it is. The query stays out, for it may hold keys. */
export function requestAttributes(request: ClientRequest, api: TracedApi): Attributes {
  const method = request.method ?? '';
  const known = knownMethods.has(method);
  const target = request.url ?? '';
  const query = target.indexOf('?');
  const attributes: Attributes = {
    'http.request.method': known ? method : '_OTHER',
    'http.route': api.listen.path,
    'url.path': query < 0 ? target : target.slice(0, query),
    'url.scheme': isEncrypted(request.socket) ? 'https' : 'http',
    'network.protocol.version': request.httpVersionMajor === 2 ? '2' : request.httpVersion,
    'tyk.api.id': api.id,
    'tyk.api.name': api.name,
    'tyk.api.orgid': api.orgId,
    'tyk.api.path': api.listen.path,
  };
  if (api.tags.length > 0) attributes['tyk.api.tags'] = [...api.tags];
  if (!known) attributes['http.request.method_original'] = method;
  const host = rawHeader(request.rawHeaders, 'host') ?? rawHeader(request.rawHeaders, ':authority');
  if (host !== undefined) attributes['server.address'] = host;
  const client = request.socket.remoteAddress;
  if (client !== undefined) attributes['client.address'] = client.startsWith('::ffff:') ? client.slice(7) : client;
  const agent = rawHeader(request.rawHeaders, 'user-agent');
  if (agent !== undefined) attributes['user_agent.original'] = agent;
  return attributes;
}

function isEncrypted(socket: Socket): boolean {
  return 'encrypted' in socket && socket.encrypted === true;
}
