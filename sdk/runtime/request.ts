import { fromByteString, toByteString } from '../../contract/text.ts';
import type { BodyKind, RequestHead } from '../message.ts';
import { BodyView } from './body.ts';
import { EditedHeaders, type HeaderEdits } from './headers.ts';
import { EditedQuery, type QueryEdits } from './query.ts';
import type { RequestSource } from './source.ts';

/** What a hook made of a request, as the guest protocol carries it. */
export interface RequestEdits extends HeaderEdits, QueryEdits {
  url?: string;
  method?: string;
  /** Position in `parts`. */
  body?: number;
}

/** The request that a hook is given. Nothing of it is made before the hook asks. */
export class HookRequest implements RequestHead {
  private readonly source: RequestSource;
  private readonly view: BodyView;
  private editedHeaders: EditedHeaders | undefined;
  private editedQuery: EditedQuery | undefined;
  private newMethod: string | undefined;
  /** With `tyk://api-id` in front, when the request is to go on in another API. */
  private newPath: string | undefined;

  constructor(source: RequestSource, kind: BodyKind) {
    this.source = source;
    this.view = new BodyView(kind, source.body);
  }

  get method(): string {
    return this.newMethod ?? this.source.method;
  }

  set method(method: string) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method)) throw new TypeError(`${JSON.stringify(method)} is no method`);
    this.newMethod = method;
  }

  get url(): string {
    const query = this.query.toString();
    return query === undefined ? this.path : `${this.path}?${fromByteString(query)}`;
  }

  set url(url: string) {
    const mark = url.indexOf('?');
    this.moveTo(mark < 0 ? url : url.slice(0, mark), 'url');
    this.query.replace(mark < 0 ? undefined : toByteString(url.slice(mark + 1)));
  }

  get path(): string {
    if (this.newPath !== undefined) return this.newPath;
    const url = this.source.text(this.source.url);
    const mark = url.indexOf('?');
    const front = mark < 0 ? url : url.slice(0, mark);
    // A client may send an absolute URL, and response hooks see the upstream's.
    const host = front.startsWith('/') ? -1 : front.indexOf('://');
    if (host < 0) return front;
    const slash = front.indexOf('/', host + 3);
    return slash < 0 ? '/' : front.slice(slash);
  }

  set path(path: string) {
    this.moveTo(path, 'path');
  }

  get query(): EditedQuery {
    if (this.editedQuery === undefined) {
      const { url } = this.source;
      const mark = url.indexOf('?');
      this.editedQuery = new EditedQuery(mark < 0 ? undefined : toByteString(this.source.text(url.slice(mark + 1))));
    }
    return this.editedQuery;
  }

  get headers(): EditedHeaders {
    this.editedHeaders ??= new EditedHeaders(this.source);
    return this.editedHeaders;
  }

  get scheme(): 'http' | 'https' {
    return this.source.scheme;
  }

  get host(): string {
    return this.source.text(this.source.host);
  }

  get requestUri(): string {
    return this.source.text(this.source.requestUri);
  }

  get body(): unknown {
    return this.view.read();
  }

  set body(body: unknown) {
    this.view.write(body);
  }

  /** What changed; a new body is put into `parts`. */
  edits(parts: Buffer[]): RequestEdits | undefined {
    const edits: RequestEdits = {};
    let changed = this.editedHeaders?.collect(edits) ?? false;
    const body = this.view.changed();
    if (body !== undefined) edits.body = parts.push(body) - 1;
    if (this.newMethod !== undefined && this.newMethod !== this.source.method) edits.method = this.newMethod;
    const queryChanged = this.editedQuery?.changed === true;
    // The query of a URL counts only while a rewrite is pending; else it is changed parameter by parameter.
    if (queryChanged && !this.source.rewriting) this.editedQuery?.collect(edits);
    if (this.newPath !== undefined || (queryChanged && this.source.rewriting)) {
      edits.url = this.source.rewriting ? this.url : this.path;
    }
    changed ||= queryChanged || edits.body !== undefined || edits.method !== undefined || edits.url !== undefined;
    return changed ? edits : undefined;
  }

  private moveTo(path: string, name: string): void {
    if (!path.startsWith('/') && !/^tyk:\/\/[^/]/.test(path)) {
      throw new TypeError(
        `request.${name} must begin with "/" (or be "tyk://api-id/..."), got ${JSON.stringify(path)}`,
      );
    }
    if (name === 'path' && path.includes('?')) {
      throw new TypeError('request.path holds no query: use request.query, or assign to request.url');
    }
    this.newPath = path;
  }
}
