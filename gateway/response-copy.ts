import type { ClientResponse } from './exchange.ts';

/** Somebody who is told what a client gets. Strings are byte strings. */
export interface ResponseCopy {
  /** The head, about to be sent; `lines` is name, value, name, value, ... */
  head(status: number, lines: readonly string[]): void;
  body(chunk: Buffer): void;
}

const copy = Symbol('copy');

type Copied = ClientResponse & { [copy]?: ResponseCopy };

/** Have a response copied, whoever makes it: an upstream, a hook, or the gateway itself. */
export function copyResponse(response: ClientResponse, to: ResponseCopy): void {
  (response as Copied)[copy] = to;
}

/** Who is to be told of this response; hardly ever anybody. */
export function copyOf(response: ClientResponse): ResponseCopy | undefined {
  return (response as Copied)[copy];
}
