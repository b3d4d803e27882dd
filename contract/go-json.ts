/**
 * JSON the way Go's encoder writes it: object keys sorted by their bytes, `<`, `>`, `&`, U+2028 and U+2029 escaped, no spaces. Plugins see
 * such texts (`config_data`, metadata, events), and may compare or sign them.
 */
export function goJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return escapeForGo(JSON.stringify(value) ?? 'null');
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${entries.map(([key, item]) => `${escapeForGo(JSON.stringify(key))}:${goJson(item)}`).join(',')}}`;
}

const special = /[<>&\u2028\u2029]/g;

function escapeForGo(text: string): string {
  return text.replace(special, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
