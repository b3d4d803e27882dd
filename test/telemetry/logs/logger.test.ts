import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLogger, type Logger } from '../../../telemetry/logs/logger.ts';

const logs = suite('log');

/** A logger, and the lines that it wrote. */
function opened(
  options: { readonly level?: 'debug' | 'info' | 'error'; readonly format?: 'json' | 'text' } = {},
): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { ...createLogger({ level: 'info', format: 'json', ...options, destination }), lines };
}

function parsed(line: string | undefined): Record<string, unknown> {
  return JSON.parse(line ?? '') as Record<string, unknown>;
}

logs('a line is one JSON object with time, level, message and fields', () => {
  const { log, lines } = opened();
  log('warn', 'two\nlines', { api: 'orders' });
  log('info', 'bare');
  assert.is(lines.length, 2);
  const { time, ...rest } = parsed(lines[0]);
  assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
  assert.equal(rest, { level: 'warn', message: 'two\nlines', api: 'orders' });
  assert.is(lines[0]?.indexOf('\n'), (lines[0]?.length ?? 0) - 1);
});

logs('lines below the level are not written', () => {
  const { log, lines, isWritten } = opened({ level: 'error' });
  log('warn', 'no');
  log('error', 'yes');
  assert.is(lines.length, 1);
  assert.not(isWritten('warn'));
  assert.ok(isWritten('error'));
});

logs('secrets never reach the log, wherever they are and however they are spelt', () => {
  const { log, lines } = opened();
  const headers = { Authorization: 'Bearer abc', accept: 'json', 'Set-Cookie': ['a=1', 'b=2'] };
  const fields = { headers, servers: [{ tls: { key: '-----BEGIN' } }], Token: 't', secret: undefined };
  log('info', 'starting', fields);
  const { time: _time, ...line } = parsed(lines[0]);
  assert.equal(line, {
    level: 'info',
    message: 'starting',
    headers: { Authorization: '[redacted]', accept: 'json', 'Set-Cookie': '[redacted]' },
    servers: [{ tls: { key: '[redacted]' } }],
    Token: '[redacted]',
  });
  assert.is(headers.Authorization, 'Bearer abc', 'what was given stays as it is');
});

logs('errors are told with their causes', () => {
  const { log, lines } = opened();
  const refused = new AggregateError([
    new Error('connect ECONNREFUSED ::1:1'),
    new Error('connect ECONNREFUSED 127.0.0.1:1'),
  ]);
  log('error', 'failed', { error: new Error('no link', { cause: refused }) });
  assert.is(parsed(lines[0]).error, 'no link: connect ECONNREFUSED ::1:1, connect ECONNREFUSED 127.0.0.1:1');
});

logs('fields that contain themselves do not end the process', () => {
  const { log, lines } = opened();
  const fields: Record<string, unknown> = { name: 'loop' };
  fields.self = fields;
  log('info', 'round', fields);
  assert.is(parsed(lines[0]).name, 'loop');
});

logs('a logger with fields writes them onto every line', () => {
  const logger = opened();
  logger.with({ set: 'abc', password: 'x' }).log('info', 'loaded', { hooks: 2 });
  const { time: _time, ...line } = parsed(logger.lines[0]);
  assert.equal(line, { level: 'info', set: 'abc', password: '[redacted]', hooks: 2, message: 'loaded' });
});

logs('the text form is one readable line', () => {
  const { log, lines } = opened({ format: 'text' });
  log('warn', 'hook "stamp" failed', {
    api: 'orders',
    cause: ['a', 'b'],
    path: '/orders/1',
    note: 'two words',
    odd: '\u001b[2J',
  });
  assert.match(
    lines[0] ?? '',
    /^\d\d:\d\d:\d\d\.\d{3} WARN {2}hook "stamp" failed {2}api=orders cause=\["a","b"\] path=\/orders\/1 note="two words" odd="\\u001b\[2J"\n$/,
  );
});

logs.run();
