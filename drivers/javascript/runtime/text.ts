/** Text as bytes, and base64, for scripts. */
export interface TextTools {
  /** UTF-8; a surrogate from U+DC80 to U+DCFF that stands alone is the byte that was no UTF-8. */
  bytesOf(text: string): number[];
  encode64(text: string, padded: boolean): string;
  /** Undefined for what is no base64 of this kind. */
  decode64(text: string, padded: boolean): string | undefined;
}

export function makeText(): TextTools {
  const codePoints = String.fromCharCode;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const sextets: number[] = [];
  for (let i = 0; i < 64; i++) sextets[alphabet.charCodeAt(i)] = i;

  function bytesOf(text: string): number[] {
    const bytes: number[] = [];
    for (let i = 0; i < text.length; i++) {
      let unit = text.charCodeAt(i);
      if (unit >= 0xd800 && unit <= 0xdbff) {
        const low = text.charCodeAt(i + 1);
        if (low >= 0xdc00 && low <= 0xdfff) {
          unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
          i++;
        } else unit = 0xfffd;
      } else if (unit >= 0xdc80 && unit <= 0xdcff) {
        bytes.push(unit - 0xdc00);
        continue;
      } else if (unit >= 0xdc00 && unit <= 0xdfff) unit = 0xfffd;
      if (unit < 0x80) bytes.push(unit);
      else if (unit < 0x800) bytes.push(0xc0 | (unit >> 6), 0x80 | (unit & 63));
      else if (unit < 0x10000) bytes.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 63), 0x80 | (unit & 63));
      else {
        bytes.push(0xf0 | (unit >> 18), 0x80 | ((unit >> 12) & 63), 0x80 | ((unit >> 6) & 63), 0x80 | (unit & 63));
      }
    }
    return bytes;
  }

  function textFrom(bytes: number[]): string {
    let text = '';
    for (let i = 0; i < bytes.length; ) {
      const lead = bytes[i] as number;
      const more = lead < 0x80 ? 0 : lead < 0xc2 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : -1;
      let point = more === 0 ? lead : lead & (0x3f >> more);
      let valid = more >= 0 && i + more < bytes.length;
      for (let k = 1; valid && k <= more; k++) {
        const next = bytes[i + k] as number;
        valid = next >> 6 === 2;
        point = (point << 6) | (next & 63);
      }
      if (more === 2) valid = valid && point >= 0x800 && (point < 0xd800 || point > 0xdfff);
      if (more === 3) valid = valid && point >= 0x10000 && point <= 0x10ffff;
      if (!valid) {
        text += codePoints(0xdc00 + lead);
        i++;
      } else {
        if (point < 0x10000) text += codePoints(point);
        else text += codePoints(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
        i += more + 1;
      }
    }
    return text;
  }

  function encode64(text: string, padded: boolean): string {
    const bytes = bytesOf(text);
    let out = '';
    for (let i = 0; i < bytes.length; i += 3) {
      const left = bytes.length - i;
      const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
      out += (alphabet[group >> 18] as string) + (alphabet[(group >> 12) & 63] as string);
      out += left > 1 ? (alphabet[(group >> 6) & 63] as string) : padded ? '=' : '';
      out += left > 2 ? (alphabet[group & 63] as string) : padded ? '=' : '';
    }
    return out;
  }

  function decode64(text: string, padded: boolean): string | undefined {
    let clean = text.replace(/[\r\n]/g, '');
    if (padded) {
      if (clean.length % 4 !== 0) return undefined;
      clean = clean.replace(/={1,2}$/, '');
    }
    if (clean.length % 4 === 1) return undefined;
    const bytes: number[] = [];
    let [bits, count] = [0, 0];
    for (let i = 0; i < clean.length; i++) {
      const value = sextets[clean.charCodeAt(i)];
      if (value === undefined) return undefined;
      bits = ((bits << 6) | value) & 0xfffff;
      count += 6;
      if (count >= 8) {
        count -= 8;
        bytes.push((bits >> count) & 255);
      }
    }
    return textFrom(bytes);
  }

  return { bytesOf, encode64, decode64 };
}
