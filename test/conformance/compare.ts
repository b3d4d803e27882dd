import type { Step, StepRecord } from './suite.ts';

/** One place where what we did is not what was recorded. */
export interface Difference {
  readonly path: string;
  readonly wanted: unknown;
  readonly had: unknown;
}

/** Headers that say nothing of the contract: hop-by-hop, lengths (bodies are compared), software and dates. */
const volatileClient = new Set(['date', 'content-length', 'connection', 'keep-alive', 'transfer-encoding', 'server']);
const volatileUpstream = new Set([
  'connection',
  'accept-encoding',
  'user-agent',
  'content-length',
  'transfer-encoding',
  'traceparent',
  'tracestate',
  'x-forwarded-for',
]);

/** Compare a step with its recording; `ignore` are dotted paths. */
export function differencesOf(
  step: Step,
  wanted: StepRecord,
  had: StepRecord,
  ignore: readonly string[],
): Difference[] {
  let want: Record<string, unknown> = { ...wanted };
  let have: Record<string, unknown> = { ...had };
  for (const [part, fields] of Object.entries(step.instead ?? {})) {
    const seen = (have[part] ?? {}) as Record<string, unknown>;
    want = { ...want, [part]: fields };
    have = { ...have, [part]: Object.fromEntries(Object.entries(seen).filter(([key]) => key in fields)) };
  }
  const all = [...differences(comparable(want), comparable(have), '')];
  return all.filter(({ path }) => !ignore.some((prefix) => path.startsWith(prefix)));
}

function comparable(record: Record<string, unknown>): Record<string, unknown> {
  const copy = structuredClone(record) as StepRecord & Record<string, unknown>;
  const at = copy.at;
  delete copy.at;
  if (copy.client !== undefined && Array.isArray(copy.client.headers)) {
    copy.client.headers = folded(copy.client.headers as [string, string][], volatileClient);
    delete copy.client.reason;
  }
  for (const request of copy.upstream ?? [])
    request.headers = folded(request.headers as [string, string][], volatileUpstream);
  for (const call of copy.plugin ?? []) {
    delete call.metadata;
    const object = call.object as { request?: { headers?: Record<string, string> } } | undefined;
    delete object?.request?.headers?.connection;
  }
  return clocked(copy, at) as Record<string, unknown>;
}

/** Names in lower case, values of one name sorted. */
function folded(headers: readonly (readonly [string, string])[], skip: ReadonlySet<string>): Record<string, string[]> {
  const result: Record<string, string[]> = {};
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    if (skip.has(key)) continue;
    result[key] ??= [];
    result[key].push(value);
  }
  for (const values of Object.values(result)) values.sort();
  return result;
}

/** Unix times and dates count by their distance from the moment of the step, to within three seconds. */
class Clock {
  readonly text: string;
  readonly distance: number;
  constructor(text: string, at: number) {
    this.text = text;
    this.distance = (/^\d+$/.test(text) ? Number(text) : Date.parse(text) / 1000) - at;
  }
  equals(other: Clock): boolean {
    return this.text === other.text || Math.abs(this.distance - other.distance) <= 3;
  }
}

const date = /^(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)|1[5-9]\d{8})$/;

function clocked(value: unknown, at: number | undefined): unknown {
  if (at === undefined) return value;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1.5e9 && value < 2e9)
    return new Clock(String(value), at);
  if (typeof value === 'string') {
    if (date.test(value)) return new Clock(value, at);
    if (!/^[{[]/.test(value)) return value;
    const parsed = parsedJson(value);
    const inside = parsed === undefined ? undefined : clocked(parsed, at);
    return inside !== undefined && holdsClock(inside) ? { '(json)': inside } : value;
  }
  if (Array.isArray(value)) return value.map((item) => clocked(item, at));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clocked(item, at)]));
}

function holdsClock(value: unknown): boolean {
  if (value instanceof Clock) return true;
  return value !== null && typeof value === 'object' && Object.values(value).some(holdsClock);
}

function* differences(want: unknown, have: unknown, path: string): Generator<Difference> {
  if (want instanceof Clock && have instanceof Clock) {
    if (!want.equals(have)) yield { path, wanted: want.text, had: have.text };
  } else if (typeof want === 'string' && typeof have === 'string') {
    yield* textDifferences(want, have, path);
  } else if (Array.isArray(want) && Array.isArray(have)) {
    if (want.length !== have.length) yield { path, wanted: want, had: have };
    else for (const [i, item] of want.entries()) yield* differences(item, have[i], `${path}.${i}`);
  } else if (isObject(want) && isObject(have)) {
    for (const key of new Set([...Object.keys(want), ...Object.keys(have)].sort())) {
      const inner = path === '' ? key : key === '(json)' ? path + key : `${path}.${key}`;
      yield* differences(key in want ? want[key] : '(absent)', key in have ? have[key] : '(absent)', inner);
    }
  } else if (want !== have) {
    yield { path, wanted: want, had: have };
  }
}

/** JSON texts are compared as what they say; the original's error bodies hold `\'`, which is no JSON; XML with or without escapes. */
function* textDifferences(want: string, have: string, path: string): Generator<Difference> {
  if (want === have) return;
  if (want.trimStart().startsWith('<?xml') && unescapedXml(want) === unescapedXml(have)) return;
  const a = parsedJson(want.replaceAll("\\'", "'"));
  const b = parsedJson(have.replaceAll("\\'", "'"));
  if (isObject(a) || Array.isArray(a)) yield* differences(a, b, `${path}(json)`);
  else yield { path, wanted: want, had: have };
}

function unescapedXml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Clock);
}
