import { conclude, type Parsed, readClassic, survey } from './classic.ts';
import { classicFields } from './classic-fields.ts';
import { Fields, isObject, type JsonObject } from './fields.ts';
import { oasFields } from './oas-fields.ts';
import { readMocks } from './oas-mocks.ts';
import { readOperations } from './oas-operations.ts';
import { Compilation, extensionKey, originOf } from './oas-to-classic.ts';
import { type DefinitionOptions, defaultDefinitionOptions } from './options.ts';
import { Report } from './problem.ts';
import { fillSecrets } from './secrets.ts';

/**
 * The API of an OpenAPI document with the extension `x-tyk-api-gateway`.
 * @param document what a JSON or YAML parser made of it.
 * @param source its file, or where else it came from, for messages.
 */
export function parseOas(document: unknown, source: string, options?: Partial<DefinitionOptions>): Parsed {
  const settled = { ...defaultDefinitionOptions, ...options };
  const origins = new Map<string, string>();
  const report = new Report(source, settled.ignoreFeatures, (path) => originOf(path, origins));
  if (!isObject(document)) {
    report.wrongType('', 'an object', document);
    return conclude(report, undefined, source, []);
  }
  const json = fillSecrets(document, source, settled, report);
  checkRequired(new Fields(json, '', report), settled);
  if (report.kind !== undefined) return conclude(report, undefined, source, []);
  const extension = new Fields(json, '', report).object(extensionKey);
  const unknownKeys = survey(extension.json, oasFields, report, extensionKey);
  const classic = new Compilation(json, origins).compile(report);
  const mocks = mocksOf(json, report, settled);
  return conclude(report, readClassic(classic, source, 'oas', report, settled, mocks), source, unknownKeys);
}

/**
 * The API of twin files: the Classic one decides, the OpenAPI document only adds what the Classic structure has no place for: mock
 * responses (spec/platform-contract §4.1).
 */
export function parseTwins(
  classic: unknown,
  document: unknown,
  source: string,
  options?: Partial<DefinitionOptions>,
): Parsed {
  const settled = { ...defaultDefinitionOptions, ...options };
  const report = new Report(source, settled.ignoreFeatures);
  if (!isObject(classic)) report.wrongType('', 'an object', classic);
  if (!isObject(document)) report.wrongType('', 'an OpenAPI document beside it', document);
  if (!isObject(classic) || !isObject(document)) return conclude(report, undefined, source, []);
  const filled = fillSecrets(classic, source, settled, report);
  const extended = fillSecrets(document, source, settled, report);
  const unknownKeys = survey(filled, classicFields, report);
  refuseValidation(extended, report);
  const mocks = mocksOf(extended, report, settled);
  return conclude(report, readClassic(filled, source, 'oas', report, settled, mocks), source, unknownKeys);
}

/** What the contract demands of a document before anything else is looked at. */
function checkRequired(document: Fields, options: DefinitionOptions): void {
  const { report } = document;
  if (!document.has(extensionKey)) {
    report.invalid('', `the payload should contain ${extensionKey}`, 'add the extension, or remove the file');
    return;
  }
  const require = (fields: Fields, name: string, cure: string): void => {
    if (!fields.has(name)) report.invalid(fields.path, `${name} is required`, cure);
  };
  const extension = document.object(extensionKey);
  require(document, 'info', 'add "info": {"title": ..., "version": ...}');
  require(extension, 'info', 'add "info": {"name": ..., "state": {"active": true}}');
  require(extension, 'upstream', 'add "upstream": {"url": "http://127.0.0.1:3000/"}');
  require(extension, 'server', 'add "server": {"listenPath": {"value": "/orders/"}}');
  const info = extension.object('info');
  if (extension.has('info')) {
    require(info, 'name', 'add a name');
    require(info, 'state', 'add "state": {"active": true}');
    if (info.has('state')) require(info.object('state'), 'active', 'add "active": true');
  }
  const upstream = extension.object('upstream');
  if (extension.has('upstream') && !upstream.has('url') && !upstream.has('loadBalancing')) {
    report.invalid(upstream.path, 'url is required', 'add "url": "http://127.0.0.1:3000/"');
  }
  checkDriver(extension, options);
}

function checkDriver(extension: Fields, options: DefinitionOptions): void {
  const config = extension.object('middleware').object('global').object('pluginConfig');
  const driver = config.string('driver');
  if (driver === '' || driver === 'goplugin' || options.drivers.includes(driver)) return;
  const list = options.drivers.map((name) => `"${name}"`).join(', ');
  config.report.invalid(config.at('driver'), `"${driver}" must be one of the following: ${list}`, 'write one of them');
}

function mocksOf(json: JsonObject, report: Report, options: DefinitionOptions) {
  const document = new Fields(json, '', report);
  const extension = document.object(extensionKey);
  const ignoreCase = extension.object('middleware').object('global').object('ignoreCase').boolean('enabled');
  return readMocks(readOperations(document, extension), json, ignoreCase, options);
}

/** Request validation is in the OpenAPI document alone. */
function refuseValidation(json: JsonObject, report: Report): void {
  const operations = new Fields(json, '', report).object(extensionKey).object('middleware').object('operations');
  for (const id of Object.keys(operations.json)) {
    const validation = operations.object(id).object('validateRequest');
    if (!validation.boolean('enabled')) continue;
    const cure = 'check the request in a pre plugin';
    report.feature(validation.path, 'request-validation', 'asks for "request-validation", which is not built in', cure);
  }
}
