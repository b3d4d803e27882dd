import type { Limit } from './session.ts';

/** A limit that says nothing: the session's counts. */
export function isEmptyLimit(limit: Limit | undefined): boolean {
  return limit === undefined || Object.values(limit).every((value) => !value);
}

/** Zero is absence. */
export function setNumber<Name extends string>(
  target: { [name in Name]?: number },
  name: Name,
  value: number | undefined,
): void {
  if (value === undefined || value === 0) delete target[name];
  else target[name] = value;
}

/** Requests per second; 0 for no rate. */
export function perSecond({ rate = 0, per = 0 }: { rate?: number; per?: number }): number {
  return rate > 0 && per > 0 ? rate / per : 0;
}

/** More of a limit where -1 is without limit. */
export function isMore(a: number, b = 0): boolean {
  if (b === -1) return false;
  return a === -1 || a > b;
}

/** An entry of a map whose keys come from clients. */
export function ownEntry<T>(map: Record<string, T> | undefined, key: string): T | undefined {
  return map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;
}
