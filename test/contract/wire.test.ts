import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WireError, WireReader } from '../../contract/wire/reader.ts';
import { WireWriter } from '../../contract/wire/writer.ts';

const wire = suite('wire');

const numbers = fc.oneof(
  fc.nat({ max: 2 ** 32 - 1 }),
  fc.constantFrom(0, 127, 128, 2 ** 31, 2 ** 32, 2 ** 35 - 1, 2 ** 53 - 1),
);
const texts = fc.string({ maxLength: 300 });

wire('numbers, texts and maps are what protobuf libraries write and read', () => {
  fc.assert(
    fc.property(numbers, texts, texts, (number, key, value) => {
      const [keyBytes, valueBytes] = [Buffer.from(key).toString('latin1'), Buffer.from(value).toString('latin1')];
      const writer = new WireWriter(16);
      writer.uint(1, number);
      writer.string(2, keyBytes);
      writer.mapEntry(3, keyBytes, valueBytes);
      const bytes = writer.take();

      const theirs = new BinaryWriter();
      theirs.uint32(8).uint64(BigInt(number)).uint32(18).string(key);
      theirs.uint32(26).fork().uint32(10).string(key).uint32(18).string(value).join();
      assert.ok(bytes.equals(theirs.finish()));

      const reader = new WireReader(bytes);
      assert.ok(reader.next());
      assert.is(reader.uint(), number);
      assert.ok(reader.next());
      assert.is(reader.string(), keyBytes);
      assert.ok(reader.next());
      assert.equal(reader.mapEntry(), [keyBytes, valueBytes]);
      assert.not(reader.next());
    }),
  );
});

wire('a message of unknown length is one that protobuf libraries read, at any size', () => {
  for (const size of [0, 1, 127, 128, 20_000, 3_000_000]) {
    const writer = new WireWriter(16);
    const outer = writer.begin(7);
    writer.bytes(1, Buffer.alloc(size, 7));
    writer.finish(outer);
    const reader = new BinaryReader(writer.take());
    assert.is(reader.uint32(), (7 << 3) | 2);
    assert.is(reader.uint32(), new BinaryWriter().uint32(10).bytes(Buffer.alloc(size)).finish().length);
    assert.is(reader.uint32(), 10);
    assert.is(reader.bytes().length, size);
  }
});

wire('messages that were taken stay as they are, whatever is written next', () => {
  const writer = new WireWriter(64);
  const taken: Buffer[] = [];
  for (let i = 0; i < 500; i++) {
    writer.string(1, `message ${i} ${'x'.repeat(i % 90)}`);
    taken.push(writer.take());
  }
  taken.forEach((message, i) => {
    const reader = new WireReader(message);
    assert.ok(reader.next());
    assert.is(reader.string(), `message ${i} ${'x'.repeat(i % 90)}`);
  });
});

wire('what was written last can be taken back', () => {
  const writer = new WireWriter();
  writer.string(1, 'kept');
  const mark = writer.length;
  writer.string(1, 'taken back');
  writer.truncate(mark);
  writer.string(1, 'too');
  assert.equal([...writer.take()], [10, 4, ...Buffer.from('kept'), 10, 3, ...Buffer.from('too')]);
});

wire('negative numbers and packed lists are read', () => {
  const theirs = new BinaryWriter();
  theirs.uint32(8).int32(-1).uint32(18).fork().uint32(1).uint32(300).join().uint32(16).uint32(5);
  const reader = new WireReader(Buffer.from(theirs.finish()));
  assert.ok(reader.next());
  assert.is(reader.int32(), -1);
  const list: number[] = [];
  while (reader.next()) reader.uints(list);
  assert.equal(list, [1, 300, 5]);
});

wire('map entries are read however they are written: turned round, in part, with fields of later versions', () => {
  const entry = (...fields: [number, string][]): Buffer => {
    const writer = new WireWriter();
    const start = writer.begin(1);
    for (const [field, text] of fields) writer.string(field, text);
    writer.finish(start);
    return writer.take();
  };
  const cases: [Buffer, [string, string]][] = [
    [entry([1, 'k'], [2, 'v']), ['k', 'v']],
    [entry([2, 'v'], [1, 'k']), ['k', 'v']],
    [entry([1, 'k']), ['k', '']],
    [entry([2, 'v']), ['', 'v']],
    [entry(), ['', '']],
    [entry([1, 'k'], [2, 'v'], [3, 'new']), ['k', 'v']],
    [entry([1, 'old'], [1, 'k'], [2, 'old'], [2, 'v']), ['k', 'v']],
  ];
  for (const [bytes, expected] of cases) {
    for (const reader of [new WireReader(bytes), WireReader.ofText(bytes)]) {
      assert.ok(reader.next());
      assert.equal(reader.mapEntry(), expected);
      assert.not(reader.next());
    }
  }
  // A key that claims to be longer than its entry.
  const reader = new WireReader(Buffer.from([10, 4, 10, 9, 65, 65, 65, 65, 65, 65, 65, 65, 65, 65]));
  assert.ok(reader.next());
  assert.throws(
    () => reader.mapEntry(),
    (error: Error) => error instanceof WireError,
  );
});

wire('bytes that are no message are refused, and never read past their end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const reader = new WireReader(Buffer.from(bytes));
      try {
        while (reader.next()) assert.ok(reader.whole().length > 0);
      } catch (error) {
        assert.instance(error, WireError);
      }
    }),
  );
});

wire('what was taken stays as it was, whatever sizes follow one another', () => {
  const writer = new WireWriter(64, 64);
  const taken: Buffer[] = [];
  const sizes = [3, 500, 0, 40, 41, 5000, 1, 64, 20, 20, 20, 700];
  for (const [i, size] of sizes.entries()) {
    writer.reset();
    if (i % 2 === 0) writer.expect(size + 10);
    writer.skip(5);
    writer.raw(Buffer.alloc(size, i + 1));
    taken.push(writer.take());
  }
  assert.equal(
    taken.map((bytes) => bytes.length),
    sizes.map((size) => size + 5),
  );
  for (const [i, bytes] of taken.entries()) assert.ok(bytes.subarray(5).every((byte) => byte === i + 1));
});

wire.run();
