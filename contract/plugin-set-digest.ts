import { createHash } from 'node:crypto';
import { goJson } from './go-json.ts';
import type { PluginSet } from './plugin-set.ts';

/**
 * Hex SHA-256 over the content of a plugin set, whatever the order of its objects' keys: what names the set between gateways and
 * coprocesses.
 */
export function digestOf(set: Omit<PluginSet, 'digest'>): string {
  return createHash('sha256').update(goJson(set)).digest('hex');
}
