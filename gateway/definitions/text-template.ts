/** Text with variables in it; a plain string has none. */
export type TextTemplate = string | readonly TemplatePart[];

/**
 * - `context`: `$tyk_context.name`. - `session`: `$tyk_meta.name`, an entry of the session's metadata. - `group`: `$1`, a group of a rewrite's
 *   pattern. - A string: itself.
 */
export type TemplatePart = string | TemplateVariable;

export type TemplateVariable =
  | { readonly from: 'context' | 'session'; readonly name: string; readonly source: string }
  | { readonly from: 'group'; readonly number: number; readonly source: string };

/** What a text may refer to. */
export interface TemplateScope {
  /** `$tyk_context.` variables are filled in; else all but those that a rewrite's own triggers set are empty. */
  readonly contextVariables: boolean;
  /** Number of groups that `$1`, `$2`, ... may refer to; undefined: they stand for themselves. */
  readonly groups: number | undefined;
  /** Values of `$secret_env.` and `$secret_conf.`, filled in at once. */
  readonly secret: (store: 'env' | 'conf', name: string) => string | undefined;
}

const variable = /\$tyk_context\.([\w.-]+)|\$tyk_meta\.([\w.-]+)|\$secret_(env|conf|vault|consul)\.([\w./-]+)|\$(\d+)/g;

/**
 * The template of a text.
 * @throws {Error} for a secret that is not there, or is in a store that we do not have.
 */
export function parseTemplate(text: string, scope: TemplateScope): TextTemplate {
  if (!text.includes('$')) return text;
  const parts: TemplatePart[] = [];
  let plainText = '';
  let rest = 0;
  for (const match of text.matchAll(variable)) {
    const part = toPart(match, scope);
    if (part === undefined) continue;
    plainText += text.slice(rest, match.index);
    rest = match.index + (typeof part === 'string' ? match[0].length : part.source.length);
    if (typeof part === 'string') {
      plainText += part;
      continue;
    }
    if (plainText !== '') parts.push(plainText);
    plainText = '';
    parts.push(part);
  }
  plainText += text.slice(rest);
  if (parts.length === 0) return plainText;
  if (plainText !== '') parts.push(plainText);
  return parts;
}

function toPart(match: RegExpExecArray, scope: TemplateScope): TemplatePart | undefined {
  const [source, context, session, store, secret, number] = match;
  if (context !== undefined) {
    return scope.contextVariables || context.startsWith('trigger-') ? { from: 'context', name: context, source } : '';
  }
  if (session !== undefined) return { from: 'session', name: session, source };
  if (store !== undefined) return secretValue(store, secret as string, scope);
  return scope.groups === undefined ? undefined : groupPart(number as string, scope.groups);
}

function secretValue(store: string, name: string, scope: TemplateScope): string {
  if (store !== 'env' && store !== 'conf')
    throw new Error(`refers to the secret store "${store}", which we do not have`);
  const value = scope.secret(store, name);
  if (value === undefined) throw new Error(`refers to the secret "${name}", which is not set`);
  return value;
}

/** `$12` is group 12, or, when there are fewer, group 1 and a 2; one that the pattern does not have is empty. */
function groupPart(digits: string, groups: number): TemplatePart {
  for (let length = digits.length; length > 0; length--) {
    const number = Number(digits.slice(0, length));
    if (number <= groups) return { from: 'group', number, source: `$${digits.slice(0, length)}` };
  }
  return '';
}

/** The text with its variables filled in. */
export function renderTemplate(template: TextTemplate, fill: (part: TemplateVariable) => string): string {
  if (typeof template === 'string') return template;
  let text = '';
  for (const part of template) text += typeof part === 'string' ? part : fill(part);
  return text;
}
