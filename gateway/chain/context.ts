import type { Query } from '../../contract/query.ts';
import { parseQuery } from '../../contract/query.ts';
import type { RequestState } from '../../contract/request-state.ts';
import { fromByteString } from '../../contract/text.ts';
import { unescapeBytes } from '../../contract/url.ts';
import type { Api } from '../definitions/api.ts';
import { clientAddress } from './client-address.ts';
import { type ChainParts, ensureBody, ensureState, type Step } from './hooks.ts';

/** What `$tyk_context.` variables are filled in from: the request as pre hooks left it, before credentials are taken out. */
export interface RequestContext {
  readonly headers: readonly string[];
  readonly host: string;
  readonly path: string;
  readonly address: string;
  readonly query: string | undefined;
  /** An urlencoded body; only when a variable of the API asks for form values. */
  readonly form: string | undefined;
}

/** Notes the request for the variables of an API that uses them. */
export function contextStep(api: Api, parts: ChainParts): Step | undefined {
  if (!api.contextVariables) return undefined;
  return async (exchange) => {
    const state = ensureState(exchange);
    const readsForm = api.contextReadsForm && hasForm(state);
    if (readsForm && !(await ensureBody(exchange, state, parts))) return true;
    exchange.context = {
      headers: [...state.headers.raw()],
      host: state.host,
      path: fromByteString(unescapeBytes(state.url.path)),
      address: clientAddress(exchange.request, parts.forwardedFor),
      query: state.url.query,
      form: readsForm ? state.body.toString('latin1') : undefined,
    };
    return false;
  };
}

/** Value of a built-in variable, as text. */
export function requestVariable(name: string, context: RequestContext): string | undefined {
  switch (name) {
    case 'path':
      return context.path;
    case 'path_parts':
      return context.path.split('/').join(',').replace(/^,/, '');
    case 'remote_addr':
      return context.address;
    case 'headers_Host':
      return context.host;
    case 'request_data':
      return [...formOf(context)].map(([key, values]) => fromByteString(`${key}:${values.join(',')}`)).join(';');
  }
  if (name.startsWith('headers_')) return headerOf(context.headers, name.slice('headers_'.length));
  if (name.startsWith('cookies_')) return cookieOf(context.headers, name.slice('cookies_'.length));
  return name.startsWith('request_data_') ? formValue(context, name.slice('request_data_'.length)) : undefined;
}

const formMethods: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

function hasForm(state: RequestState): boolean {
  const [type = ''] = (state.headers.get('Content-Type') ?? '').split(';');
  return formMethods.has(state.method) && type.trim().toLowerCase() === 'application/x-www-form-urlencoded';
}

/** Form and query values by key, those of the body first. */
function formOf({ query, form }: RequestContext): Query {
  const all = parseQuery(form);
  for (const [key, values] of parseQuery(query)) all.set(key, [...(all.get(key) ?? []), ...values]);
  return all;
}

/** A variable's name has `_` where the other name has `-`. */
const named = (name: string, variable: string): boolean => name.replaceAll('-', '_') === variable;

function formValue(context: RequestContext, variable: string): string | undefined {
  for (const [key, values] of formOf(context))
    if (named(fromByteString(key), variable)) return fromByteString(values[0] ?? '');
  return undefined;
}

function headerOf(raw: readonly string[], variable: string): string | undefined {
  for (let i = 0; i < raw.length; i += 2)
    if (named(raw[i] as string, variable)) return fromByteString(raw[i + 1] as string);
  return undefined;
}

function cookieOf(raw: readonly string[], variable: string): string | undefined {
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i] !== 'Cookie') continue;
    for (const pair of (raw[i + 1] as string).split(';')) {
      const equals = pair.indexOf('=');
      if (equals > 0 && named(pair.slice(0, equals).trim(), variable))
        return fromByteString(pair.slice(equals + 1).trim());
    }
  }
  return undefined;
}
