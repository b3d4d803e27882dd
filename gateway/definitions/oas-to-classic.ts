import { Fields, isObject, type JsonObject, pathOf } from './fields.ts';
import {
  apiRows,
  endpointPluginRows,
  type MappingRow,
  type OperationMapping,
  oasVersion,
  operationMappings,
  sourceRows,
} from './oas-mapping.ts';
import { readOperations } from './oas-operations.ts';
import { readSecurity } from './oas-security.ts';
import { Report } from './problem.ts';

export const extensionKey = 'x-tyk-api-gateway';

/** The Classic structure of an OpenAPI document, as the control API stores it beside the document. */
export function oasToClassic(document: JsonObject): JsonObject {
  return new Compilation(document, new Map()).compile(new Report('', []));
}

/** Where a path of the Classic structure was in the document, by what a {@link Compilation} has noted. */
export function originOf(path: string, origins: ReadonlyMap<string, string>): string {
  for (let end = path.length; end > 0; end = Math.max(path.lastIndexOf('.', end - 1), path.lastIndexOf('[', end - 1))) {
    const origin = origins.get(path.slice(0, end));
    if (origin !== undefined) return origin + path.slice(end);
  }
  return path;
}

/**
 * Turns an OpenAPI document into the Classic structure. What is absent in the document is disabled in the structure, whatever the
 * Classic default is (spec/platform-contract §4.3).
 */
export class Compilation {
  private readonly document: JsonObject;
  private readonly classic: Record<string, unknown> = disabled();
  private readonly origins: Map<string, string>;

  constructor(document: JsonObject, origins: Map<string, string>) {
    this.document = document;
    this.origins = origins;
    for (const [oas, classic] of apiRows) origins.set(classic, `${extensionKey}.${oas}`);
  }

  compile(report: Report): JsonObject {
    const document = new Fields(this.document, '', report);
    const extension = document.object(extensionKey);
    for (const row of apiRows) this.map(extension, row, '');
    this.addDerived(extension);
    this.addAuthentication(document, extension);
    for (const { id, path, method, fields } of readOperations(document, extension)) {
      for (const [name, mapping] of Object.entries(operationMappings)) {
        if (fields.has(name)) this.addEndpoint(mapping, fields.object(name), path, method, name);
      }
      for (const entry of fields.objects('postPlugins')) {
        this.addEndpoint({ list: 'go_plugin', rows: endpointPluginRows }, entry, path, method, id);
      }
    }
    return this.classic;
  }

  private map(from: Fields, [oas, classic, convert]: MappingRow, prefix: string): void {
    const value = valueAt(from, oas);
    if (value === undefined) return;
    const target = prefix + classic;
    const path = pathOf(from.path, oas);
    this.origins.set(target, path);
    setAt(this.classic, target, this.converted(value, convert, path, target, from.report));
  }

  private converted(value: unknown, convert: MappingRow[2], path: string, target: string, report: Report): unknown {
    if (convert === undefined) return value;
    if (typeof convert === 'function') return convert(value, path, report);
    if (!Array.isArray(value)) return value;
    return value.map((entry: unknown, i) => {
      if (!isObject(entry)) return entry;
      const fields = new Fields(entry, `${path}[${i}]`, report);
      return this.entry(fields, convert, `${target}[${i}]`, {});
    });
  }

  /** An entry of a list, field by field; one that does not say that it is enabled is disabled. */
  private entry(from: Fields, rows: readonly MappingRow[], target: string, more: JsonObject): Record<string, unknown> {
    this.origins.set(target, from.path);
    const entry: Record<string, unknown> = { ...more, disabled: true };
    for (const [oas, classic, convert] of rows) {
      this.origins.set(`${target}.${classic}`, from.at(oas));
      const value = from.raw(oas);
      if (value !== undefined) entry[classic] = this.converted(value, convert, from.at(oas), target, from.report);
    }
    return entry;
  }

  /** Fields that follow from whether others are there. */
  private addDerived(extension: Fields): void {
    const access = extension.object('server').object('ipAccessControl');
    this.classic.enable_ip_whitelisting = access.strings('allow').length > 0;
    this.classic.enable_ip_blacklisting = access.strings('block').length > 0;
    const lifetime = extension.object('server').object('authentication').object('customKeyLifetime');
    if (!lifetime.boolean('enabled')) {
      delete this.classic.session_lifetime;
      delete this.classic.session_lifetime_respects_key_expiration;
    }
  }

  private addAuthentication(document: Fields, extension: Fields): void {
    const authentication = extension.object('server').object('authentication');
    const custom = authentication.object('custom');
    for (const row of sourceRows) this.map(custom, row, 'auth_configs.coprocess.');
    const token = readSecurity(document, authentication);
    if (token === undefined) return;
    this.classic.use_standard_auth = true;
    setAt(this.classic, 'auth_configs.authToken', token.config);
    this.origins.set('auth_configs.authToken', token.path);
  }

  private addEndpoint(mapping: OperationMapping, from: Fields, path: string, method: string, name: string): void {
    const listPath = `${oasVersion}.extended_paths.${mapping.list}`;
    const list = (getAt(this.classic, listPath) as unknown[] | undefined) ?? [];
    const target = `${listPath}[${list.length}]`;
    const entry = this.entry(from, mapping.rows, target, { path, method });
    if (name === 'virtualEndpoint') entry.function_source_type = from.has('body') ? 'blob' : 'file';
    if (accessLists.includes(mapping.list)) {
      entry.method_actions = { [method]: { action: 'no_action', code: 200, headers: {} } };
    }
    list.push(entry);
    setAt(this.classic, listPath, list);
  }
}

const accessLists = ['white_list', 'black_list', 'ignored'];

/** What an absent section means. */
function disabled(): Record<string, unknown> {
  return {
    is_oas: true,
    use_keyless: true,
    domain_disabled: true,
    tags_disabled: true,
    custom_middleware_bundle_disabled: true,
    config_data_disabled: true,
    do_not_track: true,
    definition: {},
    custom_middleware: { auth_check: { disabled: true }, id_extractor: { disabled: true } },
    version_data: {
      not_versioned: true,
      versions: {
        '': {
          name: '',
          use_extended_paths: true,
          extended_paths: {},
          global_headers_disabled: true,
          global_response_headers_disabled: true,
          global_size_limit_disabled: true,
          global_enforce_timeout_disabled: true,
        },
      },
    },
    global_rate_limit: { disabled: true },
    proxy: { strip_listen_path: false },
  };
}

/** The value at a dotted path below an object; undefined when a part of the way is missing. */
function valueAt(from: Fields, path: string): unknown {
  const names = path.split('.');
  let fields = from;
  for (const name of names.slice(0, -1)) {
    if (!fields.has(name)) return undefined;
    fields = fields.object(name);
  }
  return fields.raw(names.at(-1) as string);
}

function getAt(json: Record<string, unknown>, path: string): unknown {
  let value: unknown = json;
  for (const name of path.split('.')) value = isObject(value) ? value[name] : undefined;
  return value;
}

function setAt(json: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.');
  let target = json;
  for (const name of names.slice(0, -1)) {
    target[name] ??= {};
    target = target[name] as Record<string, unknown>;
  }
  target[names.at(-1) as string] = value;
}
