import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readManifest } from '../../../coprocess/bundles/manifest.ts';
import { BundleError } from '../../../coprocess/bundles/problem.ts';
import { unpack } from '../../../coprocess/bundles/unpack.ts';
import { type RawEntry, rawZip } from './zip.ts';

const hostile = suite('hostile archives');

const manifest: RawEntry = { name: 'manifest.json', data: '{}' };
const named = (name: string | Buffer): Buffer => rawZip([manifest, { name, data: 'x' }]);
const entry = (more: Partial<RawEntry>): Buffer => rawZip([manifest, { name: 'a.py', data: 'x', ...more }]);
const good = rawZip([manifest, { name: 'a.py', data: 'text' }]);
const zip64Extra = (size: bigint): Buffer => {
  const extra = Buffer.alloc(12);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(8, 2);
  extra.writeBigUInt64LE(size, 4);
  return extra;
};

/** What each is, and the archive; the reason must say so. */
const archives: readonly (readonly [what: string, archive: Buffer, reason: RegExp])[] = [
  ['a path upwards', named('../a.py'), /invalid|path/],
  ['a path upwards in the middle', named('lib/../../a.py'), /invalid|path/],
  ['two dots as a name', named('..'), /invalid|path/],
  ['a dot as a part', named('./a.py'), /invalid/],
  ['an absolute path', named('/etc/cron.d/a'), /absolute|invalid/],
  ['a drive letter', named('C:/a.py'), /absolute|invalid/],
  ['a drive letter without a slash', named('C:a.py'), /absolute|invalid/],
  ['a stream of a file', named('a.py:stream'), /invalid/],
  ['a backslash', named('lib\\a.py'), /invalid/],
  ['a backslash upwards', named('..\\..\\a.py'), /invalid/],
  ['a NUL in a name', named('a.py\0.txt'), /invalid/],
  ['a newline in a name', named('a\n.py'), /invalid/],
  ['an empty name', named(''), /invalid/],
  ['an empty part', named('lib//a.py'), /invalid/],
  ['a name that ends in a dot', named('a.py.'), /invalid/],
  ['a name that ends in a space', named('a.py '), /invalid/],
  ['a name that is not UTF-8', named(Buffer.from([0x61, 0xff, 0x62])), /invalid/],
  ['a part of 300 bytes', named('a'.repeat(300)), /invalid/],
  ['a path of 2000 bytes', named(`${'aaaaaaaaa/'.repeat(200)}a`), /invalid/],
  ['a symbolic link', entry({ mode: 0o120777, data: '/etc/passwd' }), /link/],
  ['a named pipe', entry({ mode: 0o010644 }), /special/],
  ['a device', entry({ mode: 0o020644 }), /special/],
  ['a socket', entry({ mode: 0o140644 }), /special/],
  ['a folder that is said to be a file', rawZip([manifest, { name: 'lib/', mode: 0o100644 }]), /special/],
  ['a folder with content', rawZip([manifest, { name: 'lib/', data: 'x', method: 0 }]), /folder/],
  ['a file twice', rawZip([manifest, { name: 'a.py' }, { name: 'a.py' }]), /twice/],
  ['a file twice, in another case', rawZip([manifest, { name: 'a.py' }, { name: 'A.PY' }]), /twice/],
  ['a file twice, composed otherwise', rawZip([manifest, { name: 'é.py' }, { name: 'é.py' }]), /twice/],
  ['a second manifest', rawZip([manifest, { name: 'Manifest.json', data: '{}' }]), /twice/],
  ['a file that is a folder too', rawZip([manifest, { name: 'lib' }, { name: 'lib/' }]), /twice/],
  ['a file in a file', rawZip([manifest, { name: 'lib' }, { name: 'lib/a.py' }]), /folder/],
  ['a file in a folder without an entry', named('lib/a.py'), /folder/],
  ['an encrypted entry', entry({ flags: 0x0801 }), /encrypted/],
  ['a strongly encrypted entry', entry({ flags: 0x0841 }), /encrypt/],
  ['an entry that only its local header says is encrypted', entry({ localFlags: 0x0801 }), /encrypted/],
  ['an unknown compression', entry({ method: 12 }), /method 12/],
  ['another name in the local header', entry({ localName: 'b.py' }), /another name/],
  ['another method in the local header', entry({ localMethod: 0 }), /another method/],
  ['another size in the local header', entry({ localSize: 5 }), /another size/],
  ['another checksum in the local header', entry({ localCrc: 5 }), /another size or checksum/],
  ['a wrong checksum', entry({ crc: 7 }), /damaged|checksum/],
  ['more bytes than it says', entry({ data: 'x'.repeat(1000), size: 10 }), /bytes|size/],
  ['fewer bytes than it says', entry({ data: 'x', size: 1000 }), /bytes|size/],
  ['a bomb that tells its size', entry({ data: Buffer.alloc(2_000_000) }), /more than 1000000 bytes/],
  ['a bomb that hides its size', entry({ data: Buffer.alloc(2_000_000), size: 100 }), /bytes|size/],
  [
    'a bomb of many files',
    rawZip(Array.from({ length: 30 }, (_, i) => ({ name: `${i}`, data: Buffer.alloc(100_000) }))),
    /more than 1000000 bytes/,
  ],
  [
    'entries that share their data',
    rawZip(
      [
        { name: 'a', data: 'x' },
        { name: 'a', data: 'x' },
      ].map((one, i) => ({ ...one, name: `${i}`, localName: '0', offset: 0 })),
    ),
    /another name|shares/,
  ],
  ['absurdly many entries', rawZip(Array.from({ length: 10_001 }, (_, i) => ({ name: `${i}` }))), /10000 entries/],
  ['a count of entries that is not so', rawZip([manifest], { entries: 60_000 }), /entries|central directory|read/],
  ['a directory outside of the file', rawZip([manifest], { directoryOffset: 1_000_000 }), /read/],
  ['a local header outside of the file', entry({ offset: 1_000_000 }), /read/],
  ['data beyond the end of the file', entry({ compressedSize: 1_000_000, localFlags: 0x0808 }), /read|size/],
  [
    'a size in zip64 that is a lie',
    entry({ size: 0xffffffff, extra: zip64Extra(1n << 50n) }),
    /more than 1000000 bytes|read/,
  ],
  [
    'a deflate stream that is none',
    entry({ data: deflateRawSync('hello').fill(0xff), method: 0, localMethod: 8 }),
    /method/,
  ],
  ['nothing', Buffer.alloc(0), /read/],
  ['no archive', Buffer.from('this is not a zip'), /read/],
  ['the first half of an archive', good.subarray(0, good.length / 2), /read/],
  ['the second half of an archive', good.subarray(good.length / 2), /read/],
  ['an archive with more behind it', Buffer.concat([good, Buffer.alloc(70_000)]), /read/],
  ['an archive with text before it', Buffer.concat([Buffer.from('#!/bin/sh\n'.repeat(10)), good]), /read/],
];

const limits = { maxBytes: 1_000_000 };

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'interpose-zip-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Unpacks an archive; returns what was refused, or nothing. Whatever happens, nothing may lie outside of the folder. */
async function unpacked(archive: Buffer): Promise<{ refusal: Error | undefined; files: string[] }> {
  return inFolder(async (folder) => {
    const into = join(folder, 'into');
    await writeFile(join(folder, 'a.zip'), archive);
    await mkdir(into);
    let refusal: Error | undefined;
    await unpack(join(folder, 'a.zip'), into, limits).catch((error: Error) => {
      refusal = error;
    });
    assert.equal((await readdir(folder)).toSorted(), ['a.zip', 'into']);
    return { refusal, files: await readdir(into) };
  });
}

for (const [what, archive, reason] of archives) {
  hostile(`${what} is refused`, async () => {
    const { refusal } = await unpacked(archive);
    assert.ok(refusal instanceof BundleError, `it was not refused: ${refusal}`);
    assert.match(refusal.message, reason);
  });
}

hostile('what is wrong with an entry is seen before any is written', async () => {
  assert.equal((await unpacked(rawZip([manifest, { name: 'a.py' }, { name: '../b' }]))).files, []);
});

hostile('a plain archive is unpacked, folders too', async () => {
  const archive = rawZip([manifest, { name: 'lib/', mode: 0o040755 }, { name: 'lib/a.py', data: 'x', mode: 0o100755 }]);
  const { refusal, files } = await unpacked(archive);
  assert.equal([refusal, files.toSorted()], [undefined, ['lib', 'manifest.json']]);
});

hostile('archives with random damage are refused or unpacked, and nothing else', async () => {
  const whole = rawZip([
    manifest,
    { name: 'lib/' },
    { name: 'lib/a.py', data: 'x'.repeat(300) },
    { name: 'b', data: 'y' },
  ]);
  const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(damage, async (changes) => {
      const archive = Buffer.from(whole);
      for (const [at, byte] of changes) archive[at] = byte;
      const { refusal } = await unpacked(archive);
      assert.ok(refusal === undefined || refusal instanceof BundleError, String(refusal));
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 400) },
  );
});

hostile('manifests of any content are refused or read, and nothing else', () => {
  const keys = fc.constantFrom('file_list', 'Checksum', 'signature', 'custom_middleware', '__proto__', 'other');
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.dictionary(keys, fc.jsonValue()).map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(text, (json) => {
      try {
        const { fileList, checksum, signature, customMiddleware } = readManifest(json);
        assert.ok(fileList.every((name) => typeof name === 'string'));
        assert.equal([typeof checksum, typeof signature, typeof customMiddleware], ['string', 'string', 'object']);
      } catch (error) {
        assert.instance(error, BundleError);
      }
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 2000) },
  );
});

hostile.run();
