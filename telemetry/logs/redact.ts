import { describeError } from './causes.ts';

/**
 * Names of fields whose values never reach the log, in lower case. pino has redaction of its own; with patterns for fields inside fields it
 * takes 70 us a line and tells upper from lower case, which header names do not.
 */
const secretNames: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'x-tyk-authorization',
  'x-api-key',
  'cookie',
  'set-cookie',
  'apikey',
  'api_key',
  'key',
  'privatekey',
  'private_key',
  'password',
  'passphrase',
  'secret',
  'token',
]);

const censored = '[redacted]';
/** Fields deeper than this are left out: a log line is no dump. */
const maxDepth = 6;

/** The same fields without secrets, and with errors as text. Objects that need no change are not copied. */
export function redacted(fields: Record<string, unknown>): Record<string, unknown> {
  return cleaned(fields, 0) as Record<string, unknown>;
}

function cleaned(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return describeError(value);
  if (depth === maxDepth) return '[...]';
  if (Array.isArray(value)) {
    const items = value.map((item) => cleaned(item, depth + 1));
    return items.every((item, i) => item === value[i]) ? value : items;
  }
  let copy: Record<string, unknown> | undefined;
  for (const [name, field] of Object.entries(value)) {
    const clean = isSecret(name, field) ? censored : cleaned(field, depth + 1);
    if (clean === field) continue;
    copy ??= { ...value };
    copy[name] = clean;
  }
  return copy ?? value;
}

function isSecret(name: string, value: unknown): boolean {
  return value !== undefined && secretNames.has(name.toLowerCase());
}
