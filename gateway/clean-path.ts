import { escapePath, unescapeBytes } from '../contract/url.ts';

/** Only these can make a path unclean: `//`, `/.`, or an escape that hides a slash or a dot. */
const suspicious = /\/\/|\/\.|%2[eEfF]/;

/**
 * Where a client is sent when its path has empty, `.` or `..` segments, also escaped ones: the path without them (recorded). Undefined:
 * the path is clean.
 */
export function cleanedTarget(path: string, query: string): string | undefined {
  if (!suspicious.test(path) || /%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
  const decoded = unescapeBytes(path);
  const cleaned = clean(decoded);
  return cleaned === decoded ? undefined : escapePath(cleaned) + query;
}

function clean(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const trailing = path.endsWith('/') && kept.length > 0 ? '/' : '';
  return `/${kept.join('/')}${trailing}`;
}
