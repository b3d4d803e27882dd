/**
 * JSON objects as Go's decoder sees them (spec/platform-contract §0): keys are found in any letter case, `null` is like nothing, unknown
 * keys do not matter.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** The fields of an object under lower-case names; undefined when it is none. Of one field in several spellings the last counts. */
export function fieldsOf(value: unknown): Fields | undefined {
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) return undefined;
  const fields: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, entry] of Object.entries(value)) if (entry !== null) fields[key.toLowerCase()] = entry;
  return fields;
}

export function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

export function isFlag(value: unknown): value is boolean | undefined {
  return value === undefined || typeof value === 'boolean';
}

/** Null stands for an empty text. */
export function isTextMap(value: unknown): value is Record<string, string | null> | undefined {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object' || Array.isArray(value)) return false;
  return Object.values(value).every((entry) => entry === null || typeof entry === 'string');
}

export function isTextList(value: unknown): value is (string | null)[] | undefined {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) && value.every((entry) => entry === null || typeof entry === 'string');
}

export function isListMap(value: unknown): value is Record<string, (string | null)[] | null> | undefined {
  if (value === undefined) return true;
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isTextList);
}
