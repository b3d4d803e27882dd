import { canonicalName, isHeaderName, isHeaderValue } from '../../contract/canonical.ts';
import { headerKind, headerKindOf } from './header-kind.ts';

/** Trailer name to its values, as Node and undici give them. */
export type Trailers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Trailers as one string each, without those that have no business there (RFC 9110 §6.5.1): Node throws for some of them out of an
 * event, where nobody can catch it.
 */
export function passableTrailers(trailers: Trailers, canonical: boolean): Record<string, string> {
  const left: Record<string, string> = {};
  for (const name in trailers) {
    const value = trailers[name];
    if (value === undefined || !isHeaderName(name) || headerKindOf(name) !== headerKind.ordinary) continue;
    const text = typeof value === 'string' ? value : value.join(', ');
    if (isHeaderValue(text)) left[canonical ? canonicalName(name) : name.toLowerCase()] = text;
  }
  return left;
}
