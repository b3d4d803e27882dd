import type { EndpointRule } from './api-version.ts';
import { compilePattern, type TextPattern } from './text-pattern.ts';

/** How endpoint paths match: a gateway's switch, for all its APIs. */
export interface PathMatching {
  /** A path that begins with `/` matches at the start only. */
  readonly prefix: boolean;
  /** A path matches at the end only. */
  readonly suffix: boolean;
}

/**
 * The pattern for the path of an endpoint (spec/platform-contract §11 Q15): a regular expression that matches anywhere, in which
 * `{name}` and a `*` between slashes are one segment, and a `/*` at the end is anything.
 * @throws {Error} when it is no expression.
 */
export function endpointPattern(path: string, matching: PathMatching, ignoreCase: boolean): TextPattern {
  let expression = withoutNames(path, '([^/]+)').replaceAll('/*/', '/[^/]+/');
  if (expression.endsWith('/*')) expression = `${expression.slice(0, -1)}.*`;
  if (matching.prefix && expression.startsWith('/')) expression = `^${expression}`;
  if (matching.suffix && !expression.endsWith('$')) expression = `${expression}$`;
  return compilePattern(ignoreCase ? `(?i)${expression}` : expression, path);
}

/**
 * The pattern for a listen path with `{name}` or `{name:expression}` parts: it matches at the start of a path.
 * Undefined when there are none, for then the listen path is plain text.
 * @throws {Error} when an expression in it is none.
 */
export function listenPattern(path: string): TextPattern | undefined {
  return hasNames(path) ? compilePattern(`^${quotedAround(path, '[^/]+')}`, path) : undefined;
}

/**
 * The same for a host name, all of which must match.
 * @throws {Error} when an expression in it is none.
 */
export function hostPattern(host: string): TextPattern | undefined {
  return hasNames(host) ? compilePattern(`^(?i:${quotedAround(host, '[^.]+')})$`, host) : undefined;
}

/** The rule of a kind that a request falls under: the first whose method and path fit. */
export function firstMatch<Rule extends EndpointRule>(
  rules: readonly Rule[],
  method: string,
  paths: readonly string[],
): Rule | undefined {
  for (const rule of rules) if (matches(rule, method, paths)) return rule;
  return undefined;
}

/**
 * Whether a rule is for a request. `paths` are the forms of its path that are tried: without listen path and version, with the
 * listen path but without version, and whole; each once, percent-decoded.
 */
export function matches(rule: EndpointRule, method: string, paths: readonly string[]): boolean {
  if (rule.method !== '' && rule.method !== method) return false;
  for (const path of paths) if (rule.pattern.test(path)) return true;
  return false;
}

/** Where a `{name}` or `{name:expression}` stands. Braces that begin with a digit are a count of a regular expression. */
interface NamedPart {
  readonly start: number;
  readonly end: number;
  readonly expression: string | undefined;
}

function namedParts(text: string): readonly NamedPart[] {
  const parts: NamedPart[] = [];
  for (const match of text.matchAll(/\{[^\d{}:,][^{}:]*(?=[:}])/g)) {
    if (match.index < (parts.at(-1)?.end ?? 0)) continue;
    const end = closingBrace(text, match.index);
    if (end === undefined) continue;
    const colon = match.index + match[0].length;
    parts.push({
      start: match.index,
      end,
      expression: text[colon] === ':' ? text.slice(colon + 1, end - 1) : undefined,
    });
  }
  return parts;
}

function closingBrace(text: string, start: number): number | undefined {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '{') depth++;
    else if (text[i] === '}' && --depth === 0) return i + 1;
  }
  return undefined;
}

function hasNames(text: string): boolean {
  return text.includes('{') && namedParts(text).length > 0;
}

/** The text with each named part replaced; the rest is an expression already. */
function withoutNames(text: string, by: string): string {
  if (!text.includes('{')) return text;
  let rest = 0;
  let result = '';
  for (const part of namedParts(text)) {
    result += text.slice(rest, part.start) + by;
    rest = part.end;
  }
  return result + text.slice(rest);
}

/** An expression for plain text with named parts. */
function quotedAround(text: string, by: string): string {
  let rest = 0;
  let result = '';
  for (const part of namedParts(text)) {
    result += `${quoted(text.slice(rest, part.start))}(${part.expression ?? by})`;
    rest = part.end;
  }
  return result + quoted(text.slice(rest));
}

function quoted(text: string): string {
  return text.replace(/[.*+?^$()[\]{}|\\]/g, '\\$&');
}
