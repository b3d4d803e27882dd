import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sniffContentType } from '../../contract/sniff.ts';

const sniff = suite('content types of bodies that come without one');

/** Type, and byte strings that have it. */
const table: Record<string, readonly string[]> = {
  'text/html; charset=utf-8': [
    '<html>',
    '<HtMl lang="en">',
    ' \t\r\n\f<!DOCTYPE html>',
    '<!doctype html ',
    '<!-- a -->',
    '<p>',
    '<A href="x">',
    '<b>bold</b>',
    '<body >',
    '<br >',
    '<h1>',
    '<div >',
    '<table>',
    '<script >',
    '<iframe>',
    '<style>',
    '<title>',
    '<font >',
    '<head>',
  ],
  'text/xml; charset=utf-8': ['<?xml version="1.0"?>', '\n<?xml'],
  'text/plain; charset=utf-8': [
    '',
    'hello',
    '{"json": true}',
    '<',
    '<html',
    '<htmlx>',
    '<bodyx>',
    '<!--a',
    '<?XML',
    '\xef\xbb\xbfBOM',
    'h\xe9llo',
    'tab\tand\x1bescape',
    ' %PDF-1.4',
    'RIFF',
    '\xff\xfe',
    '<h2>',
  ],
  'text/plain; charset=utf-16be': ['\xfe\xff\x00a'],
  'text/plain; charset=utf-16le': ['\xff\xfea\x00'],
  'application/pdf': ['%PDF-1.7'],
  'application/postscript': ['%!PS-Adobe-3.0'],
  'image/x-icon': ['\x00\x00\x01\x00', '\x00\x00\x02\x00'],
  'image/bmp': ['BM...'],
  'image/gif': ['GIF87a', 'GIF89a...'],
  'image/webp': ['RIFF\x01\x02\x03\x04WEBPVP8 '],
  'image/png': ['\x89PNG\r\n\x1a\n'],
  'image/jpeg': ['\xff\xd8\xff\xe0'],
  'audio/aiff': ['FORM\x00\x00\x00\x00AIFF'],
  'audio/mpeg': ['ID3\x03'],
  'application/ogg': ['OggS\x00'],
  'audio/midi': ['MThd\x00\x00\x00\x06'],
  'video/avi': ['RIFF\x01\x02\x03\x04AVI LIST'],
  'audio/wave': ['RIFF\x01\x02\x03\x04WAVEfmt '],
  'video/mp4': ['\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42', '\x00\x00\x00\x14ftypisom\x00\x00\x02\x00mp41'],
  'video/webm': ['\x1aE\xdf\xa3'],
  'application/vnd.ms-fontobject': [`${'a'.repeat(34)}LP`],
  'font/ttf': ['\x00\x01\x00\x00'],
  'font/otf': ['OTTO'],
  'font/collection': ['ttcf'],
  'font/woff': ['wOFF'],
  'font/woff2': ['wOF2'],
  'application/x-gzip': ['\x1f\x8b\x08'],
  'application/zip': ['PK\x03\x04'],
  'application/x-rar-compressed': ['Rar!\x1a\x07\x00', 'Rar!\x1a\x07\x01\x00'],
  'application/wasm': ['\x00asm\x01'],
  'application/octet-stream': [
    '\x01\x02\x03',
    'text\x00',
    '\x0b',
    '\x1a',
    '\x1f\x8b',
    '\x89PNG\r\n\x1a',
    '\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomavc1',
  ],
};

for (const [type, bodies] of Object.entries(table)) {
  sniff(type, () => {
    for (const body of bodies) assert.is(sniffContentType(Buffer.from(body, 'latin1')), type, JSON.stringify(body));
  });
}

sniff('bytes after the first 512 do not count', () => {
  assert.is(sniffContentType(Buffer.from(`${'a'.repeat(512)}\0`)), 'text/plain; charset=utf-8');
  assert.is(sniffContentType(Buffer.from(`${'a'.repeat(511)}\0`)), 'application/octet-stream');
});

sniff.run();
