import { basename } from 'node:path';
import type { Api, PluginRule } from './api.ts';
import type { MockRule } from './api-version.ts';
import { readAuth, readAuthSwitches } from './classic-auth.ts';
import { EndpointReader } from './classic-endpoints.ts';
import { classicFields } from './classic-fields.ts';
import { readExpiry, readListen } from './classic-listen.ts';
import { bundleNames, HookReader } from './classic-plugins.ts';
import {
  readCors,
  readEventHandlers,
  readIpAccess,
  readLimits,
  readResponseProcessors,
  readTracking,
} from './classic-steps.ts';
import { readTarget } from './classic-target.ts';
import { readVersions } from './classic-versions.ts';
import { type FieldTree, type Survey, surveyFields } from './field-table.ts';
import { Fields, isObject, type JsonObject } from './fields.ts';
import { type DefinitionOptions, defaultDefinitionOptions } from './options.ts';
import { type Refusal, Report } from './problem.ts';
import { fillSecrets } from './secrets.ts';
import { Templates } from './templates.ts';

/** A definition became an API, or was refused. */
export interface Parsed {
  readonly api?: Api;
  readonly refusal?: Refusal;
  /** What the operator should hear. */
  readonly warnings: readonly string[];
  /** Paths of keys that are in no table; they are ignored. */
  readonly unknownKeys: readonly string[];
}

/**
 * The API of a Classic definition.
 * @param document what `JSON.parse` made of it.
 * @param source its file, or where else it came from, for messages.
 */
export function parseClassic(document: unknown, source: string, options?: Partial<DefinitionOptions>): Parsed {
  const settled = { ...defaultDefinitionOptions, ...options };
  const report = new Report(source, settled.ignoreFeatures);
  if (!isObject(document)) {
    report.wrongType('', 'an object', document);
    return conclude(report, undefined, source, []);
  }
  if (isObject(document.api_definition) && document.proxy === undefined) {
    const cure = 'make what it holds the whole file';
    report.invalid('api_definition', 'holds the definition, as an export of the original’s dashboard does', cure);
    return conclude(report, undefined, source, []);
  }
  const filled = fillSecrets(document, source, settled, report);
  const unknownKeys = survey(filled, classicFields, report);
  return conclude(report, readClassic(filled, source, 'classic', report, settled), source, unknownKeys);
}

/** Refuse the features that a document switches on, and return the keys that nobody knows. */
export function survey(document: JsonObject, tree: FieldTree, report: Report, path = ''): readonly string[] {
  const unknownKeys: string[] = [];
  const visitor: Survey = {
    feature(at, field) {
      report.feature(at, field.feature as string, `asks for "${field.feature}", which is not built in`, field.note);
    },
    unknown(at, nearest) {
      unknownKeys.push(at);
      if (nearest !== undefined) report.warn(at, `is no field of a definition, and is ignored; "${nearest}" is one`);
    },
  };
  surveyFields(document, tree, visitor, path);
  return unknownKeys;
}

/** An API with no problems, or the refusal of it. */
export function conclude(report: Report, api: Api | undefined, source: string, unknownKeys: readonly string[]): Parsed {
  const { problems, warnings, kind } = report;
  if (kind === undefined && api !== undefined) return { api, warnings, unknownKeys };
  const refusal: Refusal = {
    source,
    kind: kind ?? 'unreadable',
    problems,
    id: api?.id ?? '',
    listenPath: api?.listen.path ?? '',
    domain: api?.listen.domain ?? '',
  };
  return { refusal, warnings, unknownKeys };
}

/** Whether a variable, or a condition of a rewrite, asks for form values. */
function readsForm(document: JsonObject): boolean {
  return /\$tyk_context\.request_data|"request_data/.test(JSON.stringify(document.version_data ?? {}));
}

/** The one way from a Classic structure to an API. Problems go to the report; the API counts only when there are none. */
export function readClassic(
  document: JsonObject,
  source: string,
  format: Api['format'],
  report: Report,
  options: DefinitionOptions,
  mocks: readonly MockRule[] = [],
): Api {
  const api = new Fields(document, '', report);
  const proxy = api.object('proxy');
  const contextVariables = api.boolean('enable_context_vars');
  const templates = new Templates(report, options, contextVariables);
  const hooks = new HookReader(api.object('custom_middleware'), options);
  const bundle = readBundle(api);
  hooks.readAll({ ...readAuthSwitches(api), bundled: bundle !== '' });
  const versions = readVersions(api, new EndpointReader(templates, hooks, options, mocks));
  const expires = readExpiry(api, 'expiration');
  const cors = readCors(api.object('CORS'));
  return {
    id: readId(api, source),
    orgId: api.string('org_id'),
    name: api.string('name'),
    source,
    format,
    active: !api.has('active') || api.boolean('active'),
    internal: api.boolean('internal'),
    ...(expires === undefined ? {} : { expires }),
    tags: api.boolean('tags_disabled') ? [] : api.strings('tags'),
    listen: readListen(api, proxy),
    target: readTarget(proxy),
    plugins: readPlugins(api, hooks, bundle),
    auth: readAuth(api, hooks.authHook),
    sessions: {
      lifetimeMs: Math.max(0, api.integer('session_lifetime')) * 1000,
      lifetimeRespectsExpiry: api.boolean('session_lifetime_respects_key_expiration'),
    },
    versions,
    ...(cors === undefined ? {} : { cors }),
    ipAccess: readIpAccess(api),
    limits: readLimits(api),
    tracking: readTracking(api),
    contextVariables,
    contextReadsForm: contextVariables && readsForm(document),
    responseProcessors: readResponseProcessors(api, templates),
    eventHandlers: readEventHandlers(api),
    detailedTracing: api.boolean('detailed_tracing'),
  };
}

/** Ids stand in URLs of the control API, in file names and in key names. */
function readId(api: Fields, source: string): string {
  const id = api.string('api_id');
  if (id === '') return basename(source).replace(/\.(?:json|ya?ml)$/, '');
  if (/[/\\\s]/.test(id) || id === '.' || id === '..') {
    api.report.invalid('api_id', `holds a slash or a space: "${id}"`, 'write letters, digits, dashes and dots');
  }
  return id;
}

function readPlugins(api: Fields, hooks: HookReader, bundle: string): PluginRule {
  const configDataDisabled = api.boolean('config_data_disabled');
  const configData = api.objectJson('config_data');
  return hooks.rule({
    bundle,
    bundleNamed: api.string('custom_middleware_bundle'),
    bundles: bundleNames(bundle),
    configDataDisabled,
    ...(configDataDisabled || configData === undefined ? {} : { configData }),
  });
}

/** The bundle that an API's hooks come from; empty without one. */
function readBundle(api: Fields): string {
  return api.boolean('custom_middleware_bundle_disabled') ? '' : api.string('custom_middleware_bundle');
}
