import type { PluginRequest } from 'interpose/plugin';

/** What a case asks of its hooks: the header X-Do, as JSON. */
export interface Asked {
  readonly set?: Readonly<Record<string, string>>;
  readonly delete?: readonly string[];
  readonly look?: readonly string[];
  readonly setParams?: Readonly<Record<string, string>>;
  readonly deleteParams?: readonly string[];
  readonly path?: string;
  readonly url?: string;
  readonly method?: string;
  readonly text?: string;
  readonly base64?: string;
  readonly append?: string;
  readonly code?: number;
  readonly body?: string;
  readonly error?: string;
  readonly overrideError?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string;
  readonly session?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly setResponse?: Readonly<Record<string, string>>;
  readonly deleteResponse?: readonly string[];
  readonly addValues?: Readonly<Record<string, readonly string[]>>;
  readonly replyText?: string;
  readonly replyBase64?: string;
}

export function asked(request: { readonly headers: { get(name: string): string | null } }): Asked {
  return JSON.parse(request.headers.get('x-do') ?? '{}') as Asked;
}

/** Adds a name to the list of those that have been here. */
export function sign(request: PluginRequest, name: string): void {
  const before = request.headers.get('x-order');
  request.headers.set('x-order', before === null ? name : `${before} ${name}`);
}
