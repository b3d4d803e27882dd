import { isUtf8 } from 'node:buffer';

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is meant, control characters included.
const onlyAscii = /^[\x00-\x7f]*$/;

export function isAscii(text: string): boolean {
  return onlyAscii.test(text);
}

/** Text as a byte string: its UTF-8 bytes, one character each. */
export function toByteString(text: string): string {
  return onlyAscii.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** A byte string as text. Bytes that are not UTF-8 become U+FFFD. */
export function fromByteString(bytes: string): string {
  return onlyAscii.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Whether a byte string holds valid UTF-8. */
export function isUtf8ByteString(bytes: string): boolean {
  return onlyAscii.test(bytes) || isUtf8(Buffer.from(bytes, 'latin1'));
}
