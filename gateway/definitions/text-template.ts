/** Text with variables in it; a plain string has none. */
export type TextTemplate = string | readonly TemplatePart[];

/**
 * - `context`: `$tyk_context.name`; - `session`: `$tyk_meta.name`, an entry of the session's metadata; - `group`: `$1`, a group of a rewrite's
 *   pattern; - plain text.
 */
export type TemplatePart =
  | string
  | { readonly from: 'context' | 'session'; readonly name: string; readonly source: string }
  | { readonly from: 'group'; readonly number: number; readonly source: string };
