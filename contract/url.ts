import { PluginFailure } from './failure.ts';

/** A URL in the parts that plugins can move; all byte strings. `prefix` is `scheme://host` or empty, `query` excludes the `?`. */
export interface UrlParts {
  prefix: string;
  path: string;
  query: string | undefined;
}

/** The parts as one text, the way plugins see it. */
export function urlText(url: UrlParts): string {
  return url.query === undefined ? url.prefix + url.path : `${url.prefix}${url.path}?${url.query}`;
}

/**
 * A request target: an absolute path, `*`, or an absolute URL. Escapes are kept as they are written; bytes that a URL cannot hold
 * are percent-encoded. `#` starts no fragment here (spec/coprocess-contract §11).
 * @throws {PluginFailure} `REPLY_INVALID` for a relative or empty one, a bad escape, or a control character.
 */
export function parseTarget(text: string): UrlParts {
  if (text === '*') return { prefix: '', path: '*', query: undefined };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
  if (/[\x00-\x1f\x7f]/.test(text)) throw invalid(text, 'it holds a control character');
  const mark = text.indexOf('?');
  const query = mark < 0 ? undefined : text.slice(mark + 1);
  const front = mark < 0 ? text : text.slice(0, mark);
  if (front.startsWith('/')) return { prefix: '', path: encodedPath(front, text), query };
  const absolute = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/]*)(.*)$/s.exec(front);
  if (absolute === null) throw invalid(text, 'it is neither an absolute path nor an absolute URL');
  const [, scheme = '', host = '', path = ''] = absolute;
  if (/[\s<>"\\^`{|}]/.test(host) || !isAuthority(host)) throw invalid(text, 'its host is invalid');
  return { prefix: `${scheme.toLowerCase()}://${host}`, path: encodedPath(path, text), query };
}

/** Whether `host`, `host:port` or `[address]:port`, after any credentials, has no stray bracket, port or escape. */
function isAuthority(authority: string): boolean {
  return /^(?:\[[^[\]]*\](?::\d*)?|[^[\]%]*:\d*|[^[\]%:]*)$/.test(authority.slice(authority.lastIndexOf('@') + 1));
}

/**
 * The path as it stands in `url` when the text is a client's request target. An escape keeps the spelling of the whole path,
 * so a path that is fine as it is stays untouched.
 */
function encodedPath(path: string, whole: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) throw invalid(whole, 'it holds a bad percent escape');
  if (!/[^A-Za-z0-9\-._~!$&'()*+,;=:@/[\]%]/.test(path)) return path;
  return escapePath(unescapeBytes(path));
}

/** Percent-decode a byte string; escapes must be valid. */
export function unescapeBytes(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Percent-encode all that Go's path encoding does: everything but letters, digits, `-._~` and `$&+,/:;=@`. */
export function escapePath(path: string): string {
  return path.replace(/[^A-Za-z0-9\-._~$&+,/:;=@]/g, percent);
}

export function percent(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function invalid(text: string, why: string): PluginFailure {
  return new PluginFailure('REPLY_INVALID', `the hook returned the url ${JSON.stringify(text)}: ${why}`);
}
