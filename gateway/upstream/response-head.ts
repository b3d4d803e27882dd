import { isHeaderName } from '../../contract/canonical.ts';
import { sniffContentType } from '../../contract/sniff.ts';
import { headerKind, headerKindOf, namedByConnection, withoutNames } from './header-kind.ts';

/** A response's header lines as the client gets them, and what they say about the body. */
export class ResponseHead {
  readonly status: number;
  /** Name, value, name, value, ...: nothing hop-by-hop among them. */
  readonly entries: string[];
  hasLength: boolean;
  private hasType: boolean;
  private readonly hasEncoding: boolean;
  /** A hook had a hand in the lines, so names and values may be anything. */
  readonly edited: boolean;
  /** Value of `Trailer`, kept out of `entries`: it may be sent only where trailers can follow. */
  readonly trailer: string | undefined;

  /**
   * From all lines of the response. `dropLength`: the body that the client gets is not the one whose length is told.
   */
  constructor(status: number, lines: readonly string[], edited: boolean, dropLength: boolean) {
    const entries: string[] = [];
    const noLength = dropLength || !allowsBody(status);
    let named: string[] | undefined;
    let hasLength = false;
    let hasType = false;
    let hasEncoding = false;
    let trailer: string | undefined;
    for (let i = 0; i + 1 < lines.length; i += 2) {
      const name = lines[i] as string;
      const value = lines[i + 1] as string;
      switch (headerKindOf(name)) {
        case headerKind.hopByHop:
        case headerKind.te:
          continue;
        case headerKind.connection:
          for (const other of namedByConnection(value)) {
            named ??= [];
            named.push(other);
          }
          continue;
        case headerKind.trailer:
          trailer = trailer === undefined ? value : `${trailer}, ${value}`;
          continue;
        case headerKind.contentLength:
          if (noLength || hasLength) continue;
          hasLength = true;
          break;
        case headerKind.contentType:
          if (status === 304) continue;
          hasType = true;
          break;
        case headerKind.contentEncoding:
          hasEncoding = value !== '';
          break;
        default:
      }
      entries.push(name, value);
    }
    this.status = status;
    this.edited = edited;
    this.entries = named === undefined ? entries : withoutNames(entries, named);
    this.hasLength = hasLength;
    this.hasType = hasType;
    this.hasEncoding = hasEncoding;
    this.trailer = trailer;
  }

  /** A body that begins like this follows: say what it is, when nobody has. */
  addType(first: Buffer): void {
    if (this.hasType || this.hasEncoding || first.length === 0) return;
    this.hasType = true;
    this.entries.push('Content-Type', sniffContentType(first));
  }

  addLength(bytes: number | string): void {
    if (this.hasLength) return;
    this.hasLength = true;
    this.entries.push('Content-Length', String(bytes));
  }
}

/** Whether a response with this status can have a body (RFC 9110 §6.4.1). */
export function allowsBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 304;
}

/**
 * The same lines with what HTTP forbids dropped or mended as in the contract (spec/coprocess-contract §3.7): invalid names go, line breaks
 * in values become spaces.
 */
export function mended(entries: readonly string[]): string[] {
  const left: string[] = [];
  for (let i = 0; i + 1 < entries.length; i += 2) {
    const name = entries[i] as string;
    const value = entries[i + 1] as string;
    if (isHeaderName(name))
      left.push(name, isClean.test(value) ? value : value.replace(/[\r\n]/g, ' ').replace(unclean, ''));
  }
  return left;
}

const isClean = /^[\t\x20-\x7e\x80-\xff]*$/;
const unclean = /[^\t\x20-\x7e\x80-\xff]/g;
