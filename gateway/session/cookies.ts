import type { HeaderList } from '../../contract/header-list.ts';

/** The first value of a cookie, in whatever `Cookie` header it stands; undefined without one. */
export function cookieValue(headers: HeaderList, name: string): string | undefined {
  for (const header of headers.all('Cookie')) {
    for (const pair of header.split(';')) {
      const [key, value] = parts(pair);
      if (key === name && value !== undefined) return value;
    }
  }
  return undefined;
}

/** Take a cookie out of the `Cookie` headers; one that is then empty goes. */
export function withoutCookie(headers: HeaderList, name: string): void {
  const before = headers.all('Cookie');
  if (before.length === 0) return;
  const kept = before
    .flatMap((header) => header.split(';'))
    .filter((pair) => pair.trim() !== '' && parts(pair)[0] !== name);
  if (kept.length === 0) headers.delete('Cookie');
  else headers.set('Cookie', kept.map((pair) => pair.trim()).join('; '));
}

/** Name and value, without the quotes that a value may stand in; no value where it has none, or holds what a cookie cannot. */
function parts(pair: string): [name: string, value: string | undefined] {
  const equals = pair.indexOf('=');
  if (equals < 0) return [pair.trim(), ''];
  const name = pair.slice(0, equals).trim();
  let value = pair.slice(equals + 1).trim();
  if (value.length > 1 && value.startsWith('"') && value.endsWith('"')) value = value.slice(1, -1);
  return [name, cookieText.test(value) ? value : undefined];
}

/** RFC 6265 with the blank and the comma that Go lets pass. */
const cookieText = /^[\x20\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]*$/;
