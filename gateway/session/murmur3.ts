/**
 * MurmurHash3 by Austin Appleby (public domain), the two variants with which keys are hashed: 32 bits, and 128 bits for 64-bit machines.
 * Seed 0.
 */

/**
 * The 32-bit state after the whole blocks of four bytes. The library of the original takes this for the hash: it leaves out the last
 * `length % 4` bytes and the final mixing (recorded; `test/gateway/session/murmur3.test.ts`). So keys that differ in their last one to
 * three bytes only have the same hash; `hash_key_function` picks a better one for new keys.
 */
export function murmur3x32Blocks(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let h = 0;
  for (let i = 0; i + 4 <= bytes.length; i += 4) {
    const k = Math.imul(view.getUint32(i, true), 0xcc9e2d51);
    h ^= Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  return h >>> 0;
}

const c1 = 0x87c37b91114253d5n;
const c2 = 0x4cf5ad432745937fn;

/** The two unsigned 64-bit halves of the 128-bit hash (x64 variant). */
export function murmur3x128(bytes: Uint8Array): [bigint, bigint] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = bytes.length & ~15;
  let h1 = 0n;
  let h2 = 0n;
  for (let i = 0; i < blocks; i += 16) {
    h1 ^= scramble64(view.getBigUint64(i, true), c1, 31n, c2);
    h1 = u64(u64(rotate(h1, 27n) + h2) * 5n + 0x52dce729n);
    h2 ^= scramble64(view.getBigUint64(i + 8, true), c2, 33n, c1);
    h2 = u64(u64(rotate(h2, 31n) + h1) * 5n + 0x38495ab5n);
  }
  h1 ^= scramble64(littleEndian(bytes, blocks, Math.min(blocks + 8, bytes.length)), c1, 31n, c2);
  h2 ^= scramble64(littleEndian(bytes, Math.min(blocks + 8, bytes.length), bytes.length), c2, 33n, c1);
  const length = BigInt(bytes.length);
  h1 ^= length;
  h2 ^= length;
  h1 = u64(h1 + h2);
  h2 = u64(h2 + h1);
  h1 = finish64(h1);
  h2 = finish64(h2);
  h1 = u64(h1 + h2);
  return [h1, u64(h2 + h1)];
}

function scramble64(block: bigint, first: bigint, turn: bigint, second: bigint): bigint {
  return u64(rotate(u64(block * first), turn) * second);
}

function finish64(hash: bigint): bigint {
  let h = u64((hash ^ (hash >> 33n)) * 0xff51afd7ed558ccdn);
  h = u64((h ^ (h >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return h ^ (h >> 33n);
}

function littleEndian(bytes: Uint8Array, start: number, end: number): bigint {
  let value = 0n;
  for (let i = end - 1; i >= start; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}

function rotate(value: bigint, bits: bigint): bigint {
  return u64((value << bits) | (value >> (64n - bits)));
}

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
