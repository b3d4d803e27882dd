import { type Api, type DefinitionOptions, parseClassic, parseOas } from '../../../gateway/definitions/index.ts';

type Json = Record<string, unknown>;

/** A Classic definition that loads, with these fields over it. */
export function classic(fields: Json = {}): Json {
  return {
    api_id: 'orders',
    name: 'Orders',
    org_id: 'default',
    use_keyless: true,
    proxy: { listen_path: '/orders/', target_url: 'http://127.0.0.1:3000/', strip_listen_path: true },
    ...fields,
  };
}

/** The same with one version that has these fields. */
export function withVersion(version: Json, fields: Json = {}): Json {
  const versions = { Default: { name: 'Default', use_extended_paths: true, ...version } };
  return classic({ version_data: { not_versioned: true, versions }, ...fields });
}

/** The same with these extended paths. */
export function withPaths(paths: Json, fields: Json = {}): Json {
  return withVersion({ extended_paths: paths }, fields);
}

export interface OasParts {
  info?: Json;
  server?: Json;
  middleware?: Json;
  upstream?: Json;
  /** Members of the document beside the extension. */
  document?: Json;
}

/** An OpenAPI document that loads, with these parts over it. */
export function oas(parts: OasParts = {}): Json {
  return {
    openapi: '3.0.3',
    info: { title: 'Orders', version: '1' },
    paths: {},
    ...parts.document,
    'x-tyk-api-gateway': {
      info: { id: 'orders', name: 'Orders', orgId: 'default', state: { active: true }, ...parts.info },
      server: { listenPath: { value: '/orders/', strip: true }, ...parts.server },
      upstream: { url: 'http://127.0.0.1:3000/', ...parts.upstream },
      ...(parts.middleware === undefined ? {} : { middleware: parts.middleware }),
    },
  };
}

/** An OpenAPI document with one operation, GET /users/{id}, and its middleware. */
export function oasOperation(middleware: Json, operation: Json = {}): Json {
  return oas({
    document: { paths: { '/users/{id}': { get: { operationId: 'getUser', responses: {}, ...operation } } } },
    middleware: { operations: { getUser: middleware } },
  });
}

/** The API of a Classic definition; fails when it is refused. */
export function apiOf(definition: Json, options?: Partial<DefinitionOptions>): Api {
  return accepted(parseClassic(definition, 'orders.json', options));
}

/** The API of an OpenAPI document; fails when it is refused. */
export function oasApiOf(document: Json, options?: Partial<DefinitionOptions>): Api {
  return accepted(parseOas(document, 'orders.json', options));
}

function accepted(parsed: ReturnType<typeof parseClassic>): Api {
  if (parsed.api === undefined) throw new Error(JSON.stringify(parsed.refusal, null, 2));
  return parsed.api;
}
