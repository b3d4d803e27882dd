import { unescapeBytes } from '../../contract/url.ts';
import { renderTemplate, type TemplateVariable, type TextTemplate } from '../definitions/text-template.ts';
import type { Exchange } from '../exchange.ts';
import { peerAddress } from './client-address.ts';
import { ensureState } from './hooks.ts';

/** A text with its variables filled in, from the request as hooks have left it. Byte string. */
export function fillIn(template: TextTemplate, exchange: Exchange, groups: readonly string[] = []): string {
  return typeof template === 'string'
    ? template
    : renderTemplate(template, (part) => variableValue(part, exchange, groups));
}

function variableValue(part: TemplateVariable, exchange: Exchange, groups: readonly string[]): string {
  if (part.from === 'group') return groups[part.number] ?? '';
  if (part.from === 'context') return contextValue(part.name, exchange) ?? '';
  const value = exchange.caller?.session.meta_data?.[part.name];
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Value of a `$tyk_context.` variable. */
export function contextValue(name: string, exchange: Exchange): string | undefined {
  const set = exchange.contextValues?.get(name);
  if (set !== undefined) return set;
  const state = ensureState(exchange);
  if (name === 'path') return unescapeBytes(state.url.path);
  if (name === 'remote_addr') return peerAddress(exchange.request);
  if (name === 'request_id') return exchange.id;
  if (name.startsWith('headers_')) return headerByVariable(state.headers.raw(), name.slice('headers_'.length));
  if (name.startsWith('cookies_')) return cookie(state.headers.get('Cookie'), name.slice('cookies_'.length));
  return undefined;
}

/** A variable's name has `_` where the header's has `-`. */
function headerByVariable(raw: readonly string[], variable: string): string | undefined {
  for (let i = 0; i < raw.length; i += 2) if ((raw[i] as string).replaceAll('-', '_') === variable) return raw[i + 1];
  return undefined;
}

function cookie(header: string | undefined, variable: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim().replaceAll('-', '_') === variable)
      return pair.slice(equals + 1).trim();
  }
  return undefined;
}
