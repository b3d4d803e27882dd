// A guest that does what its call says: also what no guest should. Speaks the frames of docs/guest-protocol.md by itself.
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';

let load;

function send(message, ...parts) {
  if (parts.length > 0) message.bytes = parts.map((part) => part.length);
  const header = Buffer.from(JSON.stringify([message]));
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32BE(4 + header.length + Buffer.concat(parts).length, 0);
  prefix.writeUInt32BE(header.length, 4);
  return Buffer.concat([prefix, header, ...parts]);
}

const say = (message, ...parts) => writeSync(4, send(message, ...parts));

const deeds = {
  echo: (call, parts) => say({ type: 'answer', id: call.id, echo: call.echo, us: 5 }, ...parts),
  environment: (call) => say({ type: 'answer', id: call.id, environment: process.env }),
  who: (call) => say({ type: 'answer', id: call.id, pid: process.pid, load }),
  never: () => {},
  restless: () => setInterval(() => say({ type: 'log', level: 'debug', message: 'still here' }), 20),
  loop: () => {
    for (;;);
  },
  exit: (call) => {
    console.error('about to go');
    process.exit(call.code ?? 3);
  },
  throw: (call) => say({ type: 'error', id: call.id, message: 'no good', stack: 'Error: no good\n  at plugin.rb:7' }),
  garbage: () => writeSync(4, Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')),
  lie: (call) => writeSync(4, send({ type: 'answer', id: call.id, bytes: [1000] })),
  // One byte at a time, each in a turn of its own.
  drip: (call) => {
    const frame = send({ type: 'answer', id: call.id, echo: 'drops' }, Buffer.from('body'));
    let at = 0;
    const drop = () => {
      writeSync(4, frame, at++, 1);
      if (at < frame.length) setImmediate(drop);
    };
    drop();
  },
  bomb: () => {
    const held = [];
    setInterval(() => held.push(Buffer.alloc(16 * 1024 * 1024, 1)), 5);
  },
  print: (call) => {
    console.log('one');
    console.error('two');
    process.stdout.write(`${'x'.repeat(20_000)}\nthree\n`, () => say({ type: 'answer', id: call.id }));
  },
  flood: (call) => {
    for (let i = 0; i < 100_000; i++) console.log(`line ${i}`);
    say({ type: 'answer', id: call.id });
  },
  ask: (call) => {
    asking = call.id;
    say({ type: 'request', id: 1, service: call.service, args: { key: 'a' } });
  },
};
let asking;

let held = Buffer.alloc(0);
let pieces = [];
let pieceBytes = 0;
new Socket({ fd: 3, readable: true, writable: false })
  .on('data', (chunk) => {
    pieces.push(chunk);
    pieceBytes += chunk.length;
    if (held.length >= 8 && held.length + pieceBytes < 4 + held.readUInt32BE(0)) return;
    held = Buffer.concat([held, ...pieces]);
    pieces = [];
    pieceBytes = 0;
    while (held.length >= 8 && held.length >= 4 + held.readUInt32BE(0)) {
      const end = 4 + held.readUInt32BE(0);
      let at = 8 + held.readUInt32BE(4);
      for (const message of JSON.parse(held.toString('utf8', 8, at))) {
        const parts = (message.bytes ?? []).map((length) => {
          at += length;
          return held.subarray(at - length, at);
        });
        take(message, parts);
      }
      held = held.subarray(end);
    }
  })
  .on('end', () => process.exit());

function take(message, parts) {
  if (message.type === 'load') {
    load = message;
    if (message.fail) throw new Error('cannot load');
    if (message.silent) return;
    say({ type: 'hello', protocol: message.protocol ?? 1, language: 'faults', capabilities: message.capabilities });
    say({ type: 'loaded', hooks: [{ ready: true, body: 'none' }] });
  } else if (message.type === 'call') deeds[message.deed](message, parts);
  else if (message.type === 'reply') say({ type: 'answer', id: asking, result: message.result, error: message.error });
  else if (message.type === 'cancel' && load.acknowledge) say({ type: 'error', id: message.id, reason: 'CANCELLED' });
}
