import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fullName, hashOfName, organisationOf } from '../../../gateway/session/key-names.ts';
import { murmur3x32Blocks, murmur3x128 } from '../../../gateway/session/murmur3.ts';

const names = suite('key names');

const hex = (halves: readonly bigint[]): string => halves.map((half) => half.toString(16).padStart(16, '0')).join('');
const bytes = (text: string): Buffer => Buffer.from(text);

names('MurmurHash3 x64-128 gives the published vectors', () => {
  const vectors = {
    '': '00000000000000000000000000000000',
    hello: 'cbd8a7b341bd9b025b1e906a48ae1d19',
    'The quick brown fox jumps over the lazy dog': 'e34bbc7bbc071b6c7a433ca9c49a9347',
    'The quick brown fox jumps over the lazy cog': '658ca970ff85269a43fee3eaa68e5c3e',
  };
  for (const [text, hash] of Object.entries(vectors)) assert.is(hex(murmur3x128(bytes(text))), hash, text);
});

names('MurmurHash3 x86-32 gives the published vectors, once it is mixed to the end', () => {
  /** Texts of whole blocks, for which the state lacks nothing but the length and the final mixing. */
  const vectors = { test: 0xba6bd213, aaaa: 0x7eeed987 };
  const finish = (state: number, length: number): number => {
    let h = state ^ length;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) >>> 0;
  };
  for (const [text, hash] of Object.entries(vectors)) {
    assert.is(finish(murmur3x32Blocks(bytes(text)), text.length), hash, text);
  }
});

names('keys have the hashes that the original was seen to give them', () => {
  const recorded = {
    '': '00000000',
    'defaultvis-hashed': '3315dd41',
    'vis-hash-token': '54fdc7f6',
    'vis-fnp-token': 'a3c1fc89',
    'eyJvcmciOiJkZWZhdWx0IiwiaWQiOiJ2aXMtZm4iLCJoIjoibXVybXVyNjQifQ==': 'c0407958f9c24920',
  };
  for (const [name, hash] of Object.entries(recorded)) assert.is(hashOfName(name), hash, name);
});

names('a key says itself how it is hashed', () => {
  const text = (h: string): string => Buffer.from(`{"org":"o","id":"i","h":"${h}"}`).toString('base64');
  assert.is(hashOfName(text('murmur32')).length, 8);
  assert.is(hashOfName(text('murmur128')).length, 32);
  assert.is(hashOfName(text('sha256')).length, 64);
  assert.is(hashOfName(text('of-tomorrow')).length, 16);
  assert.is(hashOfName('eyNotJson').length, 8);
});

names('a full name is organisation and id, or the base64 of both and the hash function', () => {
  assert.is(fullName('default', 'mine', undefined), 'defaultmine');
  assert.is(fullName('default', 'defaultmine', undefined), 'defaultmine');
  assert.is(fullName('', 'mine', undefined), 'mine');
  assert.match(fullName('default', '', undefined), /^default[0-9a-f]{32}$/);
  assert.is(
    fullName('default', 'vis-fn', 'murmur64'),
    'eyJvcmciOiJkZWZhdWx0IiwiaWQiOiJ2aXMtZm4iLCJoIjoibXVybXVyNjQifQ==',
  );
});

names('a name tells its organisation in base64, or by its length', () => {
  assert.is(organisationOf(fullName('acme', 'mine', 'sha256')), 'acme');
  assert.is(organisationOf('53ac07777cbb8c2d530000021234'), '53ac07777cbb8c2d53000002');
  assert.is(organisationOf('defaultmine'), '');
});

names.run();
