import type { BodyKind, ResponseHead } from '../message.ts';
import { BodyView } from './body.ts';
import { HeaderListView } from './headers.ts';
import type { ResponseSource } from './source.ts';

/** What a hook made of a response, as the guest protocol carries it. */
export interface ResponseEdits {
  status?: number;
  /** All headers: name, value, name, value, ... */
  headers?: readonly string[];
  /** Position in `parts`. */
  body?: number;
}

/** The response that a hook is given. */
export class HookResponse implements ResponseHead {
  private readonly source: ResponseSource;
  private readonly view: BodyView;
  private list: HeaderListView | undefined;
  private newStatus: number | undefined;

  constructor(source: ResponseSource, kind: BodyKind) {
    this.source = source;
    this.view = new BodyView(kind, source.body);
  }

  get status(): number {
    return this.newStatus ?? this.source.status;
  }

  set status(status: number) {
    if (!Number.isInteger(status) || status < 200 || status > 999) {
      throw new TypeError(`${status} is no status of a final response`);
    }
    this.newStatus = status;
  }

  get headers(): HeaderListView {
    this.list ??= new HeaderListView(this.source.headers, (raw) => this.source.text(raw));
    return this.list;
  }

  get body(): unknown {
    return this.view.read();
  }

  set body(body: unknown) {
    this.view.write(body);
  }

  /** What changed; a new body is put into `parts`. */
  edits(parts: Buffer[]): ResponseEdits | undefined {
    const edits: ResponseEdits = {};
    const headers = this.list?.changed;
    if (headers !== undefined) edits.headers = headers;
    if (this.newStatus !== undefined && this.newStatus !== this.source.status) edits.status = this.newStatus;
    const body = this.view.changed();
    if (body !== undefined) edits.body = parts.push(body) - 1;
    return headers === undefined && edits.status === undefined && body === undefined ? undefined : edits;
  }
}
