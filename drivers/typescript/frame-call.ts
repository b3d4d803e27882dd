import type { CallSource, RequestSource, ResponseSource } from '../../sdk/runtime/source.ts';
import type { Message } from '../guest/frame.ts';

/** The `call` message of docs/guest-protocol.md, as the runtime wants it. Everything in it is text. */
export class FrameCall implements CallSource {
  private readonly message: Message & { readonly session?: number; readonly traceparent?: string };
  private readonly parts: readonly Buffer[];
  readonly request: FrameRequest;
  readonly deadlineMs: number;

  constructor(message: Message, parts: readonly Buffer[]) {
    this.message = message;
    this.parts = parts;
    this.request = new FrameRequest(message.request as RequestMembers, parts);
    this.deadlineMs = performance.now() + (message.timeoutMs as number);
  }

  get response(): ResponseSource | undefined {
    const response = this.message.response as ResponseMembers | undefined;
    if (response === undefined) return undefined;
    const { status, headers, body } = response;
    return { status, headers, body: bodyOf(body, this.parts), text: same };
  }

  get session(): Uint8Array | undefined {
    const { session } = this.message;
    return session === undefined ? undefined : this.parts[session];
  }

  get traceparent(): string | undefined {
    return this.message.traceparent;
  }
}

interface RequestMembers {
  readonly method: string;
  readonly url: string;
  readonly scheme: 'http' | 'https';
  readonly host?: string;
  readonly requestUri?: string;
  readonly originalUrl?: string;
  readonly headers: readonly string[];
  readonly body?: number;
}

interface ResponseMembers {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body?: number;
}

class FrameRequest implements RequestSource {
  private readonly members: RequestMembers;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly string[];
  readonly body: Buffer;

  constructor(members: RequestMembers, parts: readonly Buffer[]) {
    this.members = members;
    this.method = members.method;
    this.url = members.url;
    this.headers = members.headers;
    this.body = bodyOf(members.body, parts);
  }

  get scheme(): 'http' | 'https' {
    return this.members.scheme;
  }

  get host(): string {
    return this.members.host ?? '';
  }

  get requestUri(): string {
    return this.members.requestUri ?? this.url;
  }

  get rewriting(): boolean {
    return this.members.originalUrl !== undefined;
  }

  text(raw: string): string {
    return raw;
  }
}

const same = (raw: string): string => raw;
const noBody = Buffer.alloc(0);

function bodyOf(position: number | undefined, parts: readonly Buffer[]): Buffer {
  return (position === undefined ? undefined : parts[position]) ?? noBody;
}
