import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isObject, type JsonObject, pathOf } from './fields.ts';
import type { DefinitionOptions } from './options.ts';
import type { Report } from './problem.ts';

/** Text that refers to a secret, or may do so. */
export const secretReference = /(?:env|secrets|file|consul|vault|kv):\/\/|\$kv\{/;

/**
 * The document with its secrets filled in: `env://NAME` and `secrets://KEY` up to the end of a text, `file://PATH` as a whole text
 * (a relative path is looked up beside the definition). A variable or key that is not set leaves its text as it is, with a warning.
 */
export function fillSecrets(
  document: JsonObject,
  source: string,
  options: DefinitionOptions,
  report: Report,
): JsonObject {
  const fill = (value: unknown, path: string): unknown => {
    if (typeof value === 'string') return secretReference.test(value) ? fillText(value, path) : value;
    if (Array.isArray(value)) return value.map((item, i) => fill(item, `${path}[${i}]`));
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, pathOf(path, key))]));
  };

  const fillText = (text: string, path: string): string => {
    if (text.startsWith('file://')) return readSecretFile(text.slice('file://'.length), source, path, report);
    if (/^(?:consul|vault|kv):\/\/|\$kv\{/.test(text)) {
      const cure = 'use env://NAME, secrets://KEY or file://PATH';
      report.feature(path, 'secret-stores', 'refers to a secret store that we do not have', cure);
      return text;
    }
    return text.replace(/(env|secrets):\/\/([^"]+)$/, (whole, scheme: string, name: string) => {
      const value = scheme === 'env' ? options.env[name] : options.secrets[name];
      if (value !== undefined && value !== '') return value;
      report.warn(path, `${whole} is not set, and stays as it is`);
      return whole;
    });
  };

  return refersToSecret(document) ? (fill(document, '') as JsonObject) : document;
}

function refersToSecret(value: unknown): boolean {
  if (typeof value === 'string') return secretReference.test(value);
  if (Array.isArray(value)) return value.some(refersToSecret);
  if (typeof value !== 'object' || value === null) return false;
  for (const key in value) if (refersToSecret((value as JsonObject)[key])) return true;
  return false;
}

function readSecretFile(path: string, source: string, at: string, report: Report): string {
  try {
    return readFileSync(resolve(dirname(source), path), 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'it cannot be read';
    report.invalid(
      at,
      `the file "${path}" cannot be read: ${reason}`,
      'write the path of a file that this process may read',
    );
    return '';
  }
}
