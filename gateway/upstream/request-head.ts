import { isHeaderName } from '../../contract/canonical.ts';
import { headerKind, headerKindOf, namedByConnection, withoutNames } from './header-kind.ts';
import { UpstreamError, type UpstreamRequest } from './upstream.ts';

/** A request's header lines as they are sent. */
export interface RequestHead {
  /** Name, value, name, value, ... */
  readonly entries: string[];
  /** The request asks for gzip though nobody did: a gzipped response is to be unpacked (RFC 9110 §12.5.3; as Go's transport does). */
  readonly unzip: boolean;
}

/** Lines for HTTP/1.1, names as given. `length`: the client's Content-Length, when its body streams through and has one. */
export function http1Head(to: UpstreamRequest, length: string | undefined): RequestHead {
  const entries = ['Host', to.host];
  const unzip = addHeaders(entries, to);
  if (length !== undefined) entries.push('Content-Length', length);
  return { entries, unzip };
}

/**
 * Lines for HTTP/2: pseudo headers first, names in lower case.
 * @throws {UpstreamError} `FAILED` when a name, a value or the target cannot be sent: HPACK would carry any byte, and whoever turns
 * the request back into HTTP/1.1 would read a line feed in a value as a new header.
 */
export function http2Head(to: UpstreamRequest, scheme: string, length: string | undefined): RequestHead {
  const head = ['Host', to.host];
  const unzip = addHeaders(head, to);
  if (length !== undefined) head.push('Content-Length', length);
  const entries = [':method', to.method, ':scheme', scheme, ':authority', to.host, ':path', originForm(to.target)];
  if (!isHeaderName(to.method)) throw unsendable('method', to.method);
  if (!/^[\x21-\x7e\x80-\xff]+$/.test(to.target)) throw unsendable('target', to.target);
  for (let i = 2; i < head.length; i += 2) {
    const name = head[i] as string;
    const value = head[i + 1] as string;
    if (!isHeaderName(name)) throw unsendable('header name', name);
    if (!isSendable(value)) throw unsendable(`value of header ${name}`, value);
    entries.push(name.toLowerCase(), value);
  }
  if (!isSendable(to.host)) throw unsendable('host', to.host);
  return { entries, unzip };
}

/** A target without the scheme and host of the absolute form, which a client may use to any server (RFC 9112 §3.2.2). */
export function originForm(target: string): string {
  if (target.charCodeAt(0) === 0x2f) return target;
  const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*/.exec(target);
  if (absolute === null) return target;
  const rest = target.slice(absolute[0].length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function addHeaders(entries: string[], to: UpstreamRequest): boolean {
  const { headers } = to;
  let named: string[] | undefined;
  let choosesEncoding = to.method === 'HEAD';
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    switch (headerKindOf(name)) {
      case headerKind.hopByHop:
      case headerKind.trailer:
      case headerKind.contentLength:
      case headerKind.sendersOwn:
        continue;
      case headerKind.connection:
        for (const other of namedByConnection(value)) {
          named ??= [];
          named.push(other);
        }
        continue;
      case headerKind.te:
        if (/(?:^|,)\s*trailers\s*(?:,|;|$)/i.test(value)) entries.push(name, 'trailers');
        continue;
      case headerKind.acceptEncoding:
      case headerKind.range:
        if (value === '') continue;
        choosesEncoding = true;
        break;
      default:
    }
    entries.push(name, value);
  }
  if (named !== undefined) entries.splice(0, entries.length, ...withoutNames(entries, named.filter(isRemovable)));
  if (choosesEncoding) return false;
  entries.push('Accept-Encoding', 'gzip');
  return true;
}

/** `Connection: te` comes with `te: trailers`; and what the sender sets itself is none of the client's business. */
function isRemovable(name: string): boolean {
  return name !== 'te' && name !== 'host';
}

function isSendable(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

function unsendable(what: string, text: string): UpstreamError {
  return new UpstreamError('FAILED', `the request cannot be sent: invalid ${what} ${JSON.stringify(text)}`);
}
