/**
 * JSON text as Go's encoder writes it: keys of maps sorted, and `<`, `>`, `&`, U+2028, U+2029 escaped. Plugins compare such texts, and
 * stored sessions are read by Go programs.
 */
export function goJson(value: unknown): string {
  if (typeof value === 'string') return goString(value);
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const map = value as Record<string, unknown>;
    return `{${sortedKeys(map)
      .map((key) => `${goString(key)}:${goJson(map[key])}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}

/** The keys of a map in Go's order. */
export function sortedKeys(map: object): string[] {
  return Object.keys(map).sort((a, b) => (a < b ? -1 : 1));
}

export function goString(text: string): string {
  const json = JSON.stringify(text);
  return needsEscape.test(json) ? json.replace(everyEscape, escapeOf) : json;
}

const needsEscape = /[<>&\u2028\u2029]/;
const everyEscape = new RegExp(needsEscape, 'g');

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** An int64. Numbers that it cannot hold become the nearest that it can: Go refuses to read others. */
export function goInt(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  return String(int64(value));
}

/** The nearest int64; 0 for what is no number. */
export function int64(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  if (value < -(2 ** 63)) return -(2n ** 63n);
  return BigInt(Math.trunc(value));
}
