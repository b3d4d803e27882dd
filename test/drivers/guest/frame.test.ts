import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameReader, FrameWriter, type Message } from '../../../drivers/guest/frame.ts';

const frames = suite('frames');

interface Sent {
  readonly message: Message;
  readonly parts: readonly string[];
}

function read(chunks: readonly Buffer[], maxFrameBytes = 1 << 20): Sent[] {
  const got: Sent[] = [];
  const reader = new FrameReader(maxFrameBytes, (message, parts) => {
    got.push({ message, parts: parts.map((part) => part.toString('latin1')) });
  });
  for (const chunk of chunks) reader.push(chunk);
  return got;
}

function write(batches: readonly (readonly Sent[])[]): Buffer {
  const writer = new FrameWriter();
  const buffers: Buffer[] = [];
  for (const batch of batches) {
    for (const { message, parts } of batch) {
      writer.add(
        JSON.stringify(message),
        parts.map((part) => Buffer.from(part, 'latin1')),
      );
    }
    buffers.push(...writer.take());
  }
  return Buffer.concat(buffers);
}

frames('messages and their bytes arrive as they were sent, whatever pieces the pipe delivers', () => {
  const part = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  const sent = fc.record({ text: fc.string({ unit: 'grapheme' }), parts: fc.array(part, { maxLength: 3 }) }).map(
    ({ text, parts }): Sent => ({
      message: {
        type: 'call',
        text,
        ...(parts.length > 0 && { bytes: parts.map((bytes) => bytes.length) }),
      },
      parts,
    }),
  );
  const batches = fc.array(fc.array(sent, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(batches, fc.array(fc.nat({ max: 100 })), (batch, cuts) => {
      const bytes = write(batch);
      const chunks: Buffer[] = [];
      let at = 0;
      for (const cut of cuts) {
        chunks.push(bytes.subarray(at, at + cut));
        at += cut;
      }
      chunks.push(bytes.subarray(at));
      assert.equal(read(chunks), batch.flat());
    }),
    { numRuns: 300 },
  );
});

frames('a frame is read when it comes one byte at a time', () => {
  const sent: Sent[] = [
    { message: { type: 'call', id: 1, bytes: [3, 0] }, parts: ['abc', ''] },
    { message: { type: 'end' }, parts: [] },
  ];
  assert.equal(read([...write([sent, sent])].map((byte) => Buffer.of(byte))), [...sent, ...sent]);
});

frames('large bodies are not copied together, and arrive whole', () => {
  const body = 'x'.repeat(300_000);
  const sent: Sent = { message: { type: 'call', id: 1, bytes: [300_000, 2] }, parts: [body, 'yz'] };
  assert.equal(read([write([[sent]])]), [sent]);
});

const frame = (length: number, headerLength: number, rest: string): Buffer => {
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32BE(length, 0);
  prefix.writeUInt32BE(headerLength, 4);
  return Buffer.concat([prefix, Buffer.from(rest)]);
};

const broken: [string, Buffer, RegExp][] = [
  ['longer than the limit', frame(2 << 20, 2, '[]'), /2097152 bytes is over the limit of 1048576/],
  ['whose header is longer than itself', frame(6, 3, '[]'), /longer than its frame/],
  ['that is no JSON', frame(6, 2, '[}'), /not JSON/],
  ['that is no array', frame(6, 2, '{}'), /not an array of messages/],
  ['with a message that has no type', frame(8, 4, '[{}]'), /not an array of messages/],
  ['that owns more bytes than it has', frame(29, 25, '[{"type":"a","bytes":[1]}]'.slice(0, 26)), /owns more bytes/],
];
broken[5] = ['that owns more bytes than it has', frame(30, 26, '[{"type":"a","bytes":[1]}]'), /owns more bytes/];

for (const [what, bytes, message] of broken) {
  frames(`a frame ${what} is refused`, () => {
    assert.throws(() => read([bytes]), message);
  });
}

frames.run();
