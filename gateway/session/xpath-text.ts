import { createRequire } from 'node:module';
import { DOMParser } from '@xmldom/xmldom';

/** What we use of the package, whose own types would bring the browser's globals with them and leave out `parse`. */
interface XPath {
  parse(expression: string): {
    evaluateString(options: { node: unknown; allowAnyNamespaceForNoPrefix: boolean }): string;
  };
}

const require = createRequire(import.meta.url);
const xpath = require('xpath') as XPath;

/**
 * The text of the first node that an XPath expression finds in an XML document; undefined when there is none, the text is no XML, or the
 * expression is none. Names without a prefix fit elements of any namespace, as in the original. Documents with a DOCTYPE are refused:
 * it could define entities without end.
 */
export function firstText(xml: string, expression: string): string | undefined {
  if (/<!doctype/i.test(xml)) return undefined;
  try {
    const document = new DOMParser({ onError: fail }).parseFromString(xml, 'text/xml');
    const text = parsed(expression).evaluateString({ node: document, allowAnyNamespaceForNoPrefix: true });
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Not even a warning is let pass: two parsers must not read two documents in one text. */
function fail(_level: string, message: string): never {
  throw new Error(message);
}

/** As many as there are extractors. */
const cache = new Map<string, ReturnType<XPath['parse']>>();

function parsed(expression: string): ReturnType<XPath['parse']> {
  let known = cache.get(expression);
  if (known === undefined) {
    known = xpath.parse(expression);
    cache.set(expression, known);
  }
  return known;
}
