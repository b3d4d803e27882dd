/**
 * The content type of a body that comes without one, from its first 512 bytes: what browsers would take it for (WHATWG MIME Sniffing
 * §7), as the original's web server decides it. Never fails: what is not known is text, or else `application/octet-stream`.
 */
export function sniffContentType(body: Buffer): string {
  const data = body.length > sniffedBytes ? body.subarray(0, sniffedBytes) : body;
  let start = 0;
  while (start < data.length && isSpace(data[start] as number)) start += 1;
  for (const tag of htmlTags) if (startsWithTag(data, start, tag)) return 'text/html; charset=utf-8';
  if (startsWith(data, start, '<?xml')) return 'text/xml; charset=utf-8';
  for (const [pattern, type] of patterns) if (matches(data, pattern)) return type;
  if (isMp4(data)) return 'video/mp4';
  for (const [pattern, type] of laterPatterns) if (matches(data, pattern)) return type;
  for (let i = start; i < data.length; i += 1) if (isBinary(data[i] as number)) return 'application/octet-stream';
  return 'text/plain; charset=utf-8';
}

const sniffedBytes = 512;

/** Tags that make a document HTML when a space or `>` follows, in any case. */
const htmlTags: readonly string[] = [
  '<!DOCTYPE HTML',
  '<HTML',
  '<HEAD',
  '<SCRIPT',
  '<IFRAME',
  '<H1',
  '<DIV',
  '<FONT',
  '<TABLE',
  '<A',
  '<STYLE',
  '<TITLE',
  '<B',
  '<BODY',
  '<BR',
  '<P',
  '<!--',
];

/** First bytes of a format, as byte strings; `?` in `mask` lets a byte be anything. */
interface Pattern {
  readonly bytes: string;
  readonly mask?: string;
}

const patterns: readonly (readonly [Pattern, string])[] = [
  [{ bytes: '%PDF-' }, 'application/pdf'],
  [{ bytes: '%!PS-Adobe-' }, 'application/postscript'],
  [{ bytes: '\xfe\xff__', mask: '..??' }, 'text/plain; charset=utf-16be'],
  [{ bytes: '\xff\xfe__', mask: '..??' }, 'text/plain; charset=utf-16le'],
  [{ bytes: '\xef\xbb\xbf_', mask: '...?' }, 'text/plain; charset=utf-8'],
  [{ bytes: '\x00\x00\x01\x00' }, 'image/x-icon'],
  [{ bytes: '\x00\x00\x02\x00' }, 'image/x-icon'],
  [{ bytes: 'BM' }, 'image/bmp'],
  [{ bytes: 'GIF87a' }, 'image/gif'],
  [{ bytes: 'GIF89a' }, 'image/gif'],
  [{ bytes: 'RIFF____WEBPVP', mask: '....????......' }, 'image/webp'],
  [{ bytes: '\x89PNG\r\n\x1a\n' }, 'image/png'],
  [{ bytes: '\xff\xd8\xff' }, 'image/jpeg'],
  [{ bytes: 'FORM____AIFF', mask: '....????....' }, 'audio/aiff'],
  [{ bytes: 'ID3' }, 'audio/mpeg'],
  [{ bytes: 'OggS\x00' }, 'application/ogg'],
  [{ bytes: 'MThd\x00\x00\x00\x06' }, 'audio/midi'],
  [{ bytes: 'RIFF____AVI ', mask: '....????....' }, 'video/avi'],
  [{ bytes: 'RIFF____WAVE', mask: '....????....' }, 'audio/wave'],
];

const laterPatterns: readonly (readonly [Pattern, string])[] = [
  [{ bytes: '\x1aE\xdf\xa3' }, 'video/webm'],
  [{ bytes: `${'_'.repeat(34)}LP`, mask: `${'?'.repeat(34)}..` }, 'application/vnd.ms-fontobject'],
  [{ bytes: '\x00\x01\x00\x00' }, 'font/ttf'],
  [{ bytes: 'OTTO' }, 'font/otf'],
  [{ bytes: 'ttcf' }, 'font/collection'],
  [{ bytes: 'wOFF' }, 'font/woff'],
  [{ bytes: 'wOF2' }, 'font/woff2'],
  [{ bytes: '\x1f\x8b\x08' }, 'application/x-gzip'],
  [{ bytes: 'PK\x03\x04' }, 'application/zip'],
  [{ bytes: 'Rar!\x1a\x07\x00' }, 'application/x-rar-compressed'],
  [{ bytes: 'Rar!\x1a\x07\x01\x00' }, 'application/x-rar-compressed'],
  [{ bytes: '\x00asm' }, 'application/wasm'],
];

function matches(data: Buffer, { bytes, mask }: Pattern): boolean {
  if (data.length < bytes.length) return false;
  for (let i = 0; i < bytes.length; i += 1) {
    if (mask?.[i] !== '?' && data[i] !== bytes.charCodeAt(i)) return false;
  }
  return true;
}

function startsWith(data: Buffer, start: number, text: string): boolean {
  if (data.length - start < text.length) return false;
  for (let i = 0; i < text.length; i += 1) if (data[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Letters of the tag match in both cases; `<` is followed by its name and that by a space or `>`. */
function startsWithTag(data: Buffer, start: number, tag: string): boolean {
  if (data.length - start < tag.length + 1) return false;
  for (let i = 0; i < tag.length; i += 1) {
    const wanted = tag.charCodeAt(i);
    let byte = data[start + i] as number;
    if (wanted >= 0x41 && wanted <= 0x5a) byte &= 0xdf;
    if (byte !== wanted) return false;
  }
  const after = data[start + tag.length];
  return after === 0x20 || after === 0x3e;
}

/** ISO media: a box length, `ftyp`, and a brand that begins with `mp4` among those listed (the version number is no brand). */
function isMp4(data: Buffer): boolean {
  if (data.length < 12) return false;
  const boxBytes = data.readUInt32BE(0);
  if (data.length < boxBytes || boxBytes % 4 !== 0 || data.toString('latin1', 4, 8) !== 'ftyp') return false;
  for (let at = 8; at < boxBytes; at += 4) {
    if (at !== 12 && data.toString('latin1', at, at + 3) === 'mp4') return true;
  }
  return false;
}

function isSpace(byte: number): boolean {
  return byte === 0x09 || byte === 0x0a || byte === 0x0c || byte === 0x0d || byte === 0x20;
}

/** Bytes that no text holds. */
function isBinary(byte: number): boolean {
  return byte <= 0x08 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f);
}
