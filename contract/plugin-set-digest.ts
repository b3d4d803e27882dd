import { createHash } from 'node:crypto';
import type { PluginSet } from './plugin-set.ts';

/**
 * Hex SHA-256 over the content of a plugin set, whatever the order of its objects' keys: what names the set between gateways and
 * coprocesses.
 */
export function digestOf(set: Omit<PluginSet, 'digest'>): string {
  return createHash('sha256')
    .update(JSON.stringify(set, (_, value: unknown) => (isPlainObject(value) ? sortedKeys(value) : value)))
    .digest('hex');
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sortedKeys(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
