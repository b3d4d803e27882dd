import { createHash, randomUUID } from 'node:crypto';
import type { HashFunction, Keys } from '../configuration/index.ts';
import { murmur3x32Blocks, murmur3x128 } from './murmur3.ts';

/**
 * How keys are called: as clients present them, and in the store (spec/platform-contract §6.3). A key's name is text; it is hashed and
 * stored as UTF-8.
 */

/** What a key is called. */
export interface KeyName {
  readonly clear: string;
  /** In the store: the clear name, or its hash. */
  readonly stored: string;
}

export function keyName(clear: string, keys: Keys): KeyName {
  return { clear, stored: keys.hash ? hashOfName(clear) : clear };
}

/** What a key may be called that goes by a name with an organisation; the first first (spec/platform-contract §6.4). */
export function possibleNames(name: string, orgId: string, keys: Keys): KeyName[] {
  const names = [name];
  if (organisationOf(name) !== orgId && !keys.fullNameOnly) {
    names.unshift(fullName(orgId, name, keys.hashFunction));
    names.push(...keys.hashFallbacks.map((hashFunction) => fullName(orgId, name, hashFunction)));
  }
  return [...new Set(names)].map((clear) => keyName(clear, keys));
}

/** A new id: 32 hex digits. */
export function newId(): string {
  return randomUUID().replaceAll('-', '');
}

/**
 * The full name of a key: organisation and id put together, or with a hash function the base64 of a small JSON text that names all
 * three. An id that begins with the organisation is that organisation's already.
 */
export function fullName(orgId: string, id: string, hashFunction: HashFunction | undefined): string {
  const rest = id.startsWith(orgId) ? id.slice(orgId.length) : id;
  const own = rest === '' ? newId() : rest;
  if (hashFunction === undefined) return orgId + own;
  return Buffer.from(`{"org":"${orgId}","id":"${own}","h":"${hashFunction}"}`).toString('base64');
}

/** The organisation that a name tells; empty when it tells none. Names of the old form tell it only by its usual length. */
export function organisationOf(name: string): string {
  const parts = readFullName(name);
  if (parts !== undefined) return typeof parts.org === 'string' ? parts.org : '';
  return name.length > objectIdLength ? name.slice(0, objectIdLength) : '';
}

/** Organisations are called by 24 hex digits where a dashboard made them. */
const objectIdLength = 24;

/** The hash under which a key is stored. The key itself tells the function; those that do not, take murmur32. */
export function hashOfName(name: string): string {
  const parts = readFullName(name);
  return hash(Buffer.from(name), parts === undefined ? undefined : parts.h);
}

function hash(bytes: Buffer, hashFunction: unknown): string {
  switch (hashFunction) {
    case 'sha256':
      return createHash('sha256').update(bytes).digest('hex');
    case 'murmur128':
      return murmur3x128(bytes).map(hex64).join('');
    case undefined:
    case '':
    case 'murmur32':
      return murmur3x32Blocks(bytes).toString(16).padStart(8, '0');
    default:
      return hex64(murmur3x128(bytes)[0]);
  }
}

function hex64(half: bigint): string {
  return half.toString(16).padStart(16, '0');
}

function readFullName(name: string): { org?: unknown; h?: unknown } | undefined {
  // `{"` in base64.
  if (!name.startsWith('ey')) return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(name, 'base64').toString());
    return typeof parts === 'object' && parts !== null ? parts : undefined;
  } catch {
    return undefined;
  }
}
