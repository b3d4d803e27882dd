import { RE2JS } from 're2js';

/**
 * A regular expression of an operator, to be tried on text of clients: it takes time in proportion to the text's length, whatever the
 * two hold. The syntax is RE2's, the original's; it matches anywhere in the text unless it is anchored.
 */
export interface TextPattern {
  /** As the definition has it. */
  readonly source: string;
  readonly groupCount: number;
  test(text: string): boolean;
  /** The first match and its groups (empty for groups that took no part), or undefined. */
  groups(text: string): readonly string[] | undefined;
  /** All matches, without their groups. */
  all(text: string): readonly string[];
}

/**
 * The pattern for an expression. `source` is what {@link TextPattern.source} says, when that is not the expression itself.
 * @throws {Error} when the expression is none; the message says why.
 */
export function compilePattern(expression: string, source = expression): TextPattern {
  const key = `${expression}\0${source}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const pattern = plain.test(expression) ? nativePattern(expression, source) : re2Pattern(expression, source);
  if (cache.size >= maxCachedPatterns) cache.clear();
  cache.set(key, pattern);
  return pattern;
}

/** Many APIs share patterns (`/health`, `.*`); compiling one takes 30 us and some kilobytes. */
const maxCachedPatterns = 10_000;
const cache = new Map<string, TextPattern>();

/**
 * Expressions that V8's own engine runs in linear time as well, and compiles in 1 us: characters, and whole segments `[^/]+` between
 * slashes, where no two ways of matching lead to the same place.
 */
const plain = /^\^?(?:[\w.\-~%@:,;=&!'"<># /]|\\[.\-/]|(?<=\/)(?:\[\^\/\]\+|\(\[\^\/\]\+\))(?=\/|\$?$))*\$?$/;

/** Made on first use: most patterns of most APIs are never asked. */
function nativePattern(expression: string, source: string): TextPattern {
  let regexp: RegExp | undefined;
  const compiled = (): RegExp => {
    regexp ??= new RegExp(expression);
    return regexp;
  };
  return {
    source,
    groupCount: expression.split('(').length - 1,
    test: (text) => compiled().test(text),
    groups: (text) =>
      compiled()
        .exec(text)
        ?.map((group) => group ?? ''),
    all: (text) => Array.from(text.matchAll(new RegExp(expression, 'g')), (match) => match[0]),
  };
}

function re2Pattern(expression: string, source: string): TextPattern {
  const regexp = compileRe2(expression);
  return {
    source,
    groupCount: regexp.groupCount(),
    test: (text) => regexp.test(text),
    groups: (text) => regexp.exec(text)?.map((group: string | undefined) => group ?? ''),
    all: (text) => Array.from(regexp.matchAll(text), (match) => match[0]),
  };
}

function compileRe2(expression: string): RE2JS {
  try {
    return RE2JS.compile(expression);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace('error parsing regexp: ', '') : String(error);
    throw new Error(`is no RE2 expression: ${reason}`);
  }
}
