/**
 * A header's values out of Node's `rawHeaders`, joined by commas as HTTP wants it. Node's own `headers` object is built only when
 * somebody asks for it, which costs more than looking through a dozen names.
 *
 * @param name in lower case
 */
export function rawHeader(rawHeaders: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const candidate = rawHeaders[i] as string;
    if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue;
    const value = rawHeaders[i + 1] as string;
    found = found === undefined ? value : `${found},${value}`;
  }
  return found;
}
