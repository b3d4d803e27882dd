import { BundleError, reasonOf } from './problem.ts';

/** `manifest.json` of a bundle. Keys are found whatever their case, and unknown ones are nothing (spec/platform-contract §0). */
export interface Manifest {
  readonly fileList: readonly string[];
  /** Hex MD5 over the files of `fileList`; empty when there is none. */
  readonly checksum: string;
  /** Base64; empty when there is none. */
  readonly signature: string;
  readonly customMiddleware: Readonly<Record<string, unknown>>;
  /** All of it, as it stands there. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Manifests are small; this is room for the longest list of files. */
export const maxManifestBytes = 4 * 1024 * 1024;

/** @throws {BundleError} */
export function readManifest(text: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new BundleError(`its manifest.json is no JSON: ${reasonOf(error)}`);
  }
  if (!isObject(json)) throw new BundleError('its manifest.json holds no object');
  return {
    fileList: texts(field(json, 'file_list'), 'file_list'),
    checksum: textOf(field(json, 'checksum'), 'checksum'),
    signature: textOf(field(json, 'signature'), 'signature'),
    customMiddleware: objectOf(field(json, 'custom_middleware'), 'custom_middleware'),
    json,
  };
}

/** A field by its name, exact or in any case; null is as if it were not there. */
export function field(object: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name] ?? undefined;
  const key = Object.keys(object).findLast((one) => one.toLowerCase() === name);
  return key === undefined ? undefined : (object[key] ?? undefined);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown, name: string): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') throw wrongType(name, 'text');
  return value;
}

function texts(value: unknown, name: string): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw wrongType(name, 'a list of texts');
  return value;
}

function objectOf(value: unknown, name: string): Record<string, unknown> {
  if (value === undefined) return {};
  if (!isObject(value)) throw wrongType(name, 'an object');
  return value;
}

function wrongType(name: string, expected: string): BundleError {
  return new BundleError(`"${name}" in its manifest.json must be ${expected}`);
}
