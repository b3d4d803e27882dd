import { isDeepStrictEqual } from 'node:util';
import type { Expectation, Seen } from './case.ts';
import type { Received } from './upstream.ts';

/** What came of one step: at the client, and at the upstream. */
export interface Outcome {
  readonly client: Received;
  readonly upstream: readonly Received[];
}

/** Where an outcome is not as expected, as sentences. */
export function differencesOf(expected: Expectation, { client, upstream }: Outcome): string[] {
  const found = [...seenDifferences('client', { status: 200, ...expected.client }, client)];
  if (expected.upstream === 'none') {
    if (upstream.length > 0) found.push(`upstream: called for ${upstream[0]?.target}, and it was not to be called`);
  } else if (upstream.length !== 1) {
    found.push(`upstream: called ${upstream.length} times, and once was expected`);
  } else {
    found.push(...seenDifferences('upstream', expected.upstream ?? {}, upstream[0] as Received));
  }
  return found;
}

function* seenDifferences(
  who: string,
  expected: Seen & { readonly status?: number },
  had: Received,
): Generator<string> {
  for (const key of ['status', 'method', 'target'] as const) {
    if (expected[key] !== undefined && expected[key] !== had[key])
      yield differs(`${who}: ${key}`, expected[key], had[key]);
  }
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    const wanted = value === null ? [] : typeof value === 'string' ? [value] : value;
    const values = valuesOf(had, name);
    if (!isDeepStrictEqual(values, wanted)) yield differs(`${who}: header ${name}`, wanted, values);
  }
  for (const [name, value] of Object.entries(expected.says ?? {})) {
    const [text] = valuesOf(had, name);
    if (text === undefined) yield `${who}: header ${name} is not there`;
    else yield* jsonDifferences(`${who}: ${name}`, value, JSON.parse(text));
  }
  if (expected.body !== undefined && expected.body !== had.body.toString()) {
    yield differs(`${who}: body`, expected.body, had.body.toString());
  }
  if (expected.length !== undefined && expected.length !== had.body.length) {
    yield differs(`${who}: bytes of the body`, expected.length, had.body.length);
  }
  if (expected.json !== undefined) yield* bodyDifferences(who, expected.json, had.body.toString());
  if (expected.body64 !== undefined && expected.body64 !== had.body.toString('base64')) {
    yield differs(`${who}: body, as base64`, expected.body64, had.body.toString('base64'));
  }
}

function* bodyDifferences(who: string, wanted: unknown, text: string): Generator<string> {
  try {
    yield* jsonDifferences(`${who}: body`, wanted, JSON.parse(text));
  } catch {
    yield differs(`${who}: body`, wanted, text);
  }
}

/** Members that are not named do not matter; in Lua an empty list is an empty object. */
function* jsonDifferences(path: string, wanted: unknown, had: unknown): Generator<string> {
  if (isObject(wanted) && isObject(had) && Object.keys(wanted).length > 0) {
    for (const [key, value] of Object.entries(wanted)) yield* jsonDifferences(`${path}.${key}`, value, had[key]);
  } else if (!isDeepStrictEqual(wanted, had) && !(isEmpty(wanted) && isEmpty(had))) {
    yield differs(path, wanted, had);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Nothing, in the words of each language: an absent member, null, an empty list or map. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

function valuesOf({ headers }: Received, name: string): string[] {
  return headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

function differs(what: string, wanted: unknown, had: unknown): string {
  return `${what}: want ${JSON.stringify(wanted)}, have ${JSON.stringify(had)}`;
}
