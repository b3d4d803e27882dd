import type { TextPattern } from './text-pattern.ts';

/** Where a request carries the text that names its session, and how that text is found there. */
export interface IdExtractor {
  readonly from: IdSource;
  readonly with: IdFinder;
}

/** A header (canonical name), a parameter of query or form, or the raw body. */
export type IdSource =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'form'; readonly name: string }
  | { readonly kind: 'body' };

/**
 * All of it; the n-th match of a pattern (from 0); the text of the first node of an XPath expression; or nothing ever, for an extractor
 * that cannot work: every request is then answered 400.
 */
export type IdFinder =
  | { readonly kind: 'value' }
  | { readonly kind: 'regex'; readonly pattern: TextPattern; readonly index: number }
  | { readonly kind: 'xpath'; readonly expression: string }
  | { readonly kind: 'none'; readonly reason: string };
