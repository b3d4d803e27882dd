import { type OutgoingHttpHeaders, ServerResponse, STATUS_CODES } from 'node:http';
import type { HeaderPair, Reply } from '../contract/answer.ts';
import { canonicalName, isHeaderName } from '../contract/canonical.ts';
import { sniffContentType } from '../contract/sniff.ts';
import type { ClientResponse } from './exchange.ts';
import { copyOf } from './response-copy.ts';

/** What of the gateway's own replies an operator can switch. */
export interface ReplyOptions {
  /** Leave out `X-Generator` (`hide_generator_header`). */
  readonly hideGenerator: boolean;
  /** Answer errors with `Connection: close` (`close_connections`). */
  readonly closeConnections: boolean;
}

/** Statuses that carry no body (RFC 9110 §6.4.1). */
const bodiless = (status: number): boolean => status === 204 || status === 304;

/**
 * Send a plugin's reply as it is: one value per header, under canonical names; names that are none are left out, and line breaks in
 * values become spaces (spec/coprocess-contract §11). Without a Content-Type one is read off the body.
 */
export function sendReply(response: ClientResponse, reply: Reply): void {
  const headers = new Map<string, string>();
  for (const [name, value] of reply.headers) {
    if (isHeaderName(name)) headers.set(canonicalName(name), oneLine(value));
  }
  if (!headers.has('Content-Type') && reply.body.length > 0 && !bodiless(reply.status)) {
    headers.set('Content-Type', sniffContentType(reply.body));
  }
  send(response, reply.status, [...headers], reply.body);
}

/** Send an error by template (spec/coprocess-contract §3.3): JSON, or XML when the request's Content-Type says so. */
export function sendError(
  response: ClientResponse,
  status: number,
  message: string,
  requestContentType: string | undefined,
  options: ReplyOptions,
  extra: readonly HeaderPair[] = [],
): void {
  const type = xmlTypes.get(requestContentType?.split(';', 1)[0] ?? '');
  const headers: HeaderPair[] = [];
  for (const [name, value] of extra) {
    const canonical = canonicalName(name);
    if (isHeaderName(name) && canonical !== 'Content-Type' && canonical !== 'Content-Length')
      headers.push([canonical, oneLine(value)]);
  }
  headers.push(['Content-Type', type ?? 'application/json']);
  if (!options.hideGenerator) headers.push(['X-Generator', 'tyk.io']);
  if (options.closeConnections && response.req.httpVersionMajor < 2) headers.push(['Connection', 'close']);
  const body = type === undefined ? jsonError(message) : xmlError(message);
  send(response, status, headers, Buffer.from(body, 'utf8'));
}

/** Send text, as the router does for what no API answers. */
export function sendText(response: ClientResponse, status: number, text: string): void {
  send(response, status, [['Content-Type', 'text/plain; charset=utf-8']], Buffer.from(text));
}

export function sendRedirect(response: ClientResponse, status: number, location: string): void {
  send(response, status, [['Location', location]], Buffer.alloc(0));
}

/** Send a status, header lines and a body; the length follows from the body. Does nothing when the client is gone or has its answer. */
export function send(response: ClientResponse, status: number, headers: readonly HeaderPair[], body: Buffer): void {
  if (response.headersSent || response.destroyed) return;
  const lines: string[] = [];
  for (const [name, value] of headers) {
    if (name !== 'Content-Length' && name !== 'Transfer-Encoding') lines.push(name, value);
  }
  if (!bodiless(status)) lines.push('Content-Length', String(body.length));
  const withoutBody = bodiless(status) || response.req.method === 'HEAD';
  const copy = copyOf(response);
  if (copy !== undefined) {
    copy.head(status, lines);
    if (!withoutBody) copy.body(body);
  }
  if (response instanceof ServerResponse) {
    response.writeHead(
      status,
      STATUS_CODES[status] ?? `status code ${status}`,
      lines as unknown as OutgoingHttpHeaders,
    );
  } else {
    for (let i = 0; i < lines.length; i += 2) {
      const name = lines[i] as string;
      if (!connectionHeaders.has(name)) response.setHeader(name, lines[i + 1] as string);
    }
    response.writeHead(status);
  }
  if (withoutBody) response.end();
  else response.end(body);
}

/** Headers of an HTTP/1.1 connection, which HTTP/2 forbids (RFC 9113 §8.2.2). */
const connectionHeaders = new Set(['Connection', 'Keep-Alive', 'Proxy-Connection', 'Upgrade']);

/** Content types that are answered in XML, compared as they are written. */
const xmlTypes = new Map(['application/xml', 'text/xml', 'application/soap+xml'].map((type) => [type, type]));

/** Valid JSON, with the escapes that keep it harmless inside HTML. */
function jsonError(message: string): string {
  const text = JSON.stringify(message).replace(/[<>&=]|[\u007f-\u009f\u2028\u2029]/g, (letter) =>
    letter === '\u007f' ? letter : `\\u${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
  return `{\n    "error": ${text}\n}`;
}

function xmlError(message: string): string {
  // Plugins written for the original escape their texts themselves, for it does not: what is an entity already stays.
  const text = message
    .replace(/&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)/g, '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
  return `<?xml version = "1.0" encoding = "UTF-8"?>\n<error>${text}</error>\n`;
}

function oneLine(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced.
  return value.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, ' ').trim();
}
