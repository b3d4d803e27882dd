import { encodeText } from '../../contract/query.ts';
import { toByteString } from '../../contract/text.ts';
import { renderTemplate, type TemplateVariable, type TextTemplate } from '../definitions/text-template.ts';
import type { Exchange } from '../exchange.ts';
import { requestVariable } from './context.ts';

/** A text with its variables filled in. */
export function fillIn(template: TextTemplate, exchange: Exchange): string {
  return renderTemplate(template, (part) => variableValue(part, exchange, []));
}

/** A URL with its groups and variables filled in; values are escaped as in a query, unless they are URLs themselves. */
export function fillInUrl(template: TextTemplate, exchange: Exchange, groups: readonly string[]): string {
  return renderTemplate(template, (part) => {
    const value = variableValue(part, exchange, groups);
    return part.from === 'group' || value.startsWith('http') ? value : encodeText(toByteString(value));
  });
}

function variableValue(part: TemplateVariable, exchange: Exchange, groups: readonly string[]): string {
  if (part.from === 'group') return groups[part.number] ?? '';
  if (part.from === 'context') return contextValue(part.name, exchange) ?? '';
  return metadataText(exchange.caller?.session.meta_data?.[part.name]);
}

/** Text of an entry of a session's metadata: lists by their escaped elements, nothing for objects, true and false. */
function metadataText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (!Array.isArray(value)) return '';
  return value
    .map(metadataText)
    .filter((text) => text !== '')
    .map((text) => encodeText(toByteString(text)))
    .join(',');
}

/** Value of a `$tyk_context.` variable, as text. */
export function contextValue(name: string, exchange: Exchange): string | undefined {
  const set = exchange.contextValues?.get(name);
  if (set !== undefined) return set;
  if (exchange.context === undefined) return undefined;
  if (name === 'request_id') return exchange.id;
  if (name === 'token') return exchange.api.auth.token ? exchange.caller?.keyId : undefined;
  return requestVariable(name, exchange.context);
}
