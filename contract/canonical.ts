/**
 * Header names in the form in which plugins look them up: `Content-Type`, `X-Api-Key`, `Etag`. The first letter and each one
 * after `-` is upper case, the rest lower case; a name that is no HTTP token stays as it is (RFC 9110 §5.6.2;
 * spec/coprocess-contract §11).
 */
export function canonicalName(name: string): string {
  const known = cache.get(name);
  if (known !== undefined) return known;
  const canonical = canonicalise(name);
  if (cache.size >= maxCachedNames) cache.clear();
  cache.set(name, canonical);
  return canonical;
}

/** Clients choose header names, so the cache is bounded; 4096 is far more than an API's clients use, and about 400 KB. */
const maxCachedNames = 4096;
const cache = new Map<string, string>();

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether HTTP allows this as a header name. */
export function isHeaderName(name: string): boolean {
  return token.test(name);
}

/** Whether HTTP allows this byte string as a header value: no control characters but tab. */
export function isHeaderValue(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return !/[\x00-\x08\x0a-\x1f\x7f]/.test(value);
}

function canonicalise(name: string): string {
  if (!token.test(name)) return name;
  let canonical = '';
  let upper = true;
  for (const letter of name) {
    canonical += upper ? letter.toUpperCase() : letter.toLowerCase();
    upper = letter === '-';
  }
  return canonical;
}
