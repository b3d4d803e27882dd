import { isHeaderName } from '../../contract/canonical.ts';
import { headerKind, headerKindOf, namedByConnection, withoutNames } from './header-kind.ts';

/** A response's header lines as the client gets them, and what they say about the body. */
export class ResponseHead {
  readonly status: number;
  /** Name, value, name, value, ...: nothing hop-by-hop among them. */
  readonly entries: string[];
  readonly hasLength: boolean;
  readonly hasType: boolean;
  readonly hasEncoding: boolean;
  /** Value of `Trailer`, kept out of `entries`: it may be sent only where trailers can follow. */
  readonly trailer: string | undefined;

  /**
   * From all lines of the response. `edited`: a hook had a hand in them, so names and values may be anything; `dropLength`: the
   * body that the client gets is not the one whose length is told.
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
      if (edited) addEdited(entries, name, value);
      else entries.push(name, value);
    }
    this.status = status;
    this.entries = named === undefined ? entries : withoutNames(entries, named);
    this.hasLength = hasLength;
    this.hasType = hasType;
    this.hasEncoding = hasEncoding;
    this.trailer = trailer;
  }
}

/** Whether a response with this status can have a body (RFC 9110 §6.4.1). */
export function allowsBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 304;
}

/** The same lines, with everything dropped or mended that Node would refuse. */
export function mended(entries: readonly string[]): string[] {
  const left: string[] = [];
  for (let i = 0; i + 1 < entries.length; i += 2) addEdited(left, entries[i] as string, entries[i + 1] as string);
  return left;
}

/** As the contract has it (spec/coprocess-contract §3.7): invalid names are dropped, line breaks in values become spaces. */
function addEdited(entries: string[], name: string, value: string): void {
  if (!isHeaderName(name)) return;
  entries.push(name, value.replace(/[\r\n]/g, ' ').replace(/[^\t\x20-\x7e\x80-\xff]/g, ''));
}
