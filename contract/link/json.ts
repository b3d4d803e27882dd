import { fromByteString, toByteString } from '../text.ts';

/** JSON as the link carries it: a byte string, empty for `undefined`. */
export function toJson(value: unknown): string {
  return value === undefined ? '' : toByteString(JSON.stringify(value));
}

/** @throws {SyntaxError} */
export function fromJson(bytes: string): unknown {
  return bytes === '' ? undefined : JSON.parse(fromByteString(bytes));
}
