import type { HeaderPair } from './answer.ts';
import type { HeaderList } from './header-list.ts';

/**
 * The headers that a response hook leaves (spec/coprocess-contract §3.7). It gets them twice, as `headers` (first values) and as
 * `multivalue_headers`. When it left the first alone, the second counts as it is; otherwise the second is brought in line with the
 * first: changed values go first, new names are added, and names gone from `headers` are dropped.
 *
 * @returns all headers of the response.
 */
export function syncHeaders(
  sent: HeaderList,
  headers: ReadonlyMap<string, string>,
  multivalue: readonly { readonly key: string; readonly values: readonly string[] }[],
): HeaderPair[] {
  const result: HeaderPair[] = [];
  if (sameAsSent(sent, headers)) {
    for (const { key, values } of multivalue) for (const value of values) result.push([key, value]);
    return result;
  }
  const listed = new Set<string>();
  const added: HeaderPair[] = [];
  for (const { key, values } of multivalue) {
    const first = headers.get(key);
    if (first === undefined || listed.has(key)) continue;
    listed.add(key);
    result.push([key, first]);
    for (const value of values.slice(1)) result.push([key, value]);
  }
  for (const [key, value] of headers) if (!listed.has(key)) added.push([key, value]);
  // A name that differs from a listed one by case only becomes a further value of it, and stands first.
  return [...added, ...result];
}

function sameAsSent(sent: HeaderList, headers: ReadonlyMap<string, string>): boolean {
  let names = 0;
  for (let i = 0; i < sent.size; i++) {
    if (sent.isRepeat(i)) continue;
    names++;
    if (headers.get(sent.nameAt(i)) !== sent.valueAt(i)) return false;
  }
  return names === headers.size;
}
