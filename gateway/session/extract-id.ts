import { hash } from 'node:crypto';
import { parseQuery } from '../../contract/query.ts';
import type { RequestState } from '../../contract/request-state.ts';
import { fromByteString, isUtf8ByteString } from '../../contract/text.ts';
import type { HashFunction } from '../configuration/index.ts';
import type { Api } from '../definitions/api.ts';
import type { IdExtractor, IdFinder, IdSource } from '../definitions/id-extractor.ts';
import { fullName } from './key-names.ts';
import { type Refusal, refusals } from './refusal.ts';
import { firstText } from './xpath-text.ts';

/**
 * The name of the session that a request's ID extractor finds (spec/coprocess-contract §5); `nothingExtracted` when it finds nothing, or
 * an empty text, which would be one identity for everybody. The body must have been read where the extractor looks into it
 * ({@link readsBody}).
 */
export function extractId(
  extractor: IdExtractor,
  request: RequestState,
  api: Api,
  hashFunction: HashFunction | undefined,
): string | Refusal {
  const source = sourceText(extractor.from, request);
  if (source === undefined || source === '') return refusals.nothingExtracted;
  const found = find(extractor.with, source, extractor.from);
  if (found === undefined || found.length === 0) return refusals.nothingExtracted;
  return fullName(api.orgId, hash('md5', found, 'hex'), hashFunction);
}

/** Whether an extractor needs the request's body. */
export function readsBody({ from }: IdExtractor, method: string): boolean {
  return from.kind === 'body' || (from.kind === 'form' && hasForm.has(method));
}

/** The text that the extractor looks at, as a byte string. */
function sourceText(from: IdSource, request: RequestState): string | undefined {
  switch (from.kind) {
    case 'header':
      return request.headers.get(from.name);
    case 'form':
      return formValue(request, from.name);
    case 'body':
      return request.body.toString('latin1');
  }
}

const hasForm: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** All values of a parameter put together: those of an urlencoded body, then those of the query. */
function formValue(request: RequestState, name: string): string | undefined {
  const values: string[] = [];
  const [type = ''] = (request.headers.get('Content-Type') ?? '').split(';');
  if (hasForm.has(request.method) && type.trim().toLowerCase() === 'application/x-www-form-urlencoded') {
    values.push(...(parseQuery(request.body.toString('latin1')).get(name) ?? []));
  }
  values.push(...(parseQuery(request.url.query).get(name) ?? []));
  return values.length === 0 ? undefined : values.join('');
}

/** What the extractor finds there, in bytes. */
function find(finder: IdFinder, source: string, from: IdSource): Buffer | undefined {
  if (finder.kind === 'none') return undefined;
  if (finder.kind === 'value') return from.kind === 'body' ? undefined : Buffer.from(source, 'latin1');
  // Bytes that are no text would all look alike.
  if (!isUtf8ByteString(source)) return undefined;
  const text = fromByteString(source);
  const found = finder.kind === 'regex' ? finder.pattern.all(text)[finder.index] : firstText(text, finder.expression);
  return found === undefined ? undefined : Buffer.from(found);
}
