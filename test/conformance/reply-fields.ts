import type { Step } from './suite.ts';

/** A control call's JSON body with only the fields that the case looks at, and lists of free order sorted. */
export function selected(body: unknown, { pick, sort }: Step): unknown {
  const parsed = parsedJson(body);
  if (parsed === undefined || (pick === undefined && sort === undefined)) return body;
  let value = parsed;
  if (pick !== undefined) value = Array.isArray(value) ? value.map((one) => picked(one, pick)) : picked(value, pick);
  for (const path of sort ?? []) sortAt(value, path);
  return JSON.stringify(value);
}

function picked(value: unknown, paths: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(paths.map((path) => [path, dig(value, path) ?? '(absent)']));
}

function sortAt(value: unknown, path: string): void {
  const list = path === '' ? value : dig(value, path);
  if (Array.isArray(list)) list.sort((a, b) => (sortable(a) < sortable(b) ? -1 : 1));
}

function sortable(value: unknown): string {
  return JSON.stringify(
    value,
    value !== null && typeof value === 'object' ? Object.keys(value).sort(byName) : undefined,
  );
}

function byName(a: string, b: string): number {
  return a < b ? -1 : 1;
}

/** The value at a dotted path. */
export function dig(value: unknown, path: string): unknown {
  let found = value;
  for (const key of path.split('.')) {
    if (found === null || typeof found !== 'object') return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}

/** A JSON text's value; undefined for anything else. */
export function parsedJson(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
