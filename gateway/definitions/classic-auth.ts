import { canonicalName } from '../../contract/canonical.ts';
import type { ApiHook, AuthRule, KeySource } from './api.ts';
import type { Fields } from './fields.ts';
import type { IdExtractor, IdFinder, IdSource } from './id-extractor.ts';
import { compilePattern } from './text-pattern.ts';

/** Whether callers are asked who they are, and whether the definition's own plugin is to decide it. */
export function readAuthSwitches(api: Fields): { readonly keyless: boolean; readonly customAuth: boolean } {
  const customAuth = [
    api.boolean('custom_plugin_auth_enabled'),
    api.boolean('enable_coprocess_auth'),
    api.boolean('use_go_plugin_auth'),
  ].includes(true);
  return { keyless: api.boolean('use_keyless'), customAuth };
}

/** @param authHook the custom auth plugin, when it can run. */
export function readAuth(api: Fields, authHook: ApiHook | undefined): AuthRule {
  const { keyless, customAuth } = readAuthSwitches(api);
  const standard = api.boolean('use_standard_auth');
  const configs = api.object('auth_configs');
  const older = api.object('auth');
  const extractor = authHook === undefined ? undefined : readIdExtractor(api.object('custom_middleware'), authHook);
  return {
    keyless,
    custom: customAuth,
    token: standard || authHook === undefined,
    standard,
    baseIdentity: api.string('base_identity_provided_by'),
    tokenSource: readKeySource(configs.has('authToken') ? configs.object('authToken') : older),
    customSource: readKeySource(configs.object('coprocess')),
    stripCredentials: api.boolean('strip_auth_data'),
    ...(extractor === undefined ? {} : { extractor }),
  };
}

/** Places that a credential is looked for in; the names of parameter and cookie are the header's when they are not given. */
function readKeySource(fields: Fields): KeySource {
  const header = fields.string('auth_header_name') || 'Authorization';
  return {
    ...(fields.boolean('disable_header') ? {} : { header: canonicalName(header) }),
    ...(fields.boolean('use_param') ? { param: fields.string('param_name') || header } : {}),
    ...(fields.boolean('use_cookie') ? { cookie: fields.string('cookie_name') || header } : {}),
  };
}

/** Drivers whose auth hooks have never known ID extractors. */
const scripts = ['otto', 'javascript'];

const finders = ['value', 'regex', 'xpath'];

/** The extractor of a definition or a manifest; undefined when it is disabled, or of no known kind (then there is none, as recorded). */
export function readIdExtractor(middleware: Fields, authHook: ApiHook): IdExtractor | undefined {
  const fields = middleware.object('id_extractor');
  const kind = fields.string('extract_with');
  if (fields.boolean('disabled') || fields.string('extract_from') === '') return undefined;
  if (scripts.includes(authHook.driver)) {
    fields.report.warn(fields.path, `does nothing for auth hooks of the driver "${authHook.driver}"`);
    return undefined;
  }
  if (!finders.includes(kind)) {
    fields.report.warn(fields.at('extract_with'), `is "${kind}", not ${finders.join(', ')}: there is no ID extractor`);
    return undefined;
  }
  const config = fields.object('extractor_config');
  const odd = wrongTyped(config);
  if (odd !== undefined) {
    fields.report.warn(
      config.at(odd),
      'has the wrong type: there is no ID extractor, and the plugin is asked each time',
    );
    return undefined;
  }
  const source = readSource(fields.string('extract_from'), config);
  const finder = source === undefined ? undefined : readFinder(kind, source, config);
  if (source !== undefined && finder?.kind !== 'none') return { from: source, with: finder as IdFinder };
  const reason = finder?.kind === 'none' ? finder.reason : 'it names no header or parameter to extract from';
  fields.report.warn(fields.path, `${reason}: every request will be answered 400`);
  return { from: source ?? { kind: 'body' }, with: { kind: 'none', reason } };
}

/** The first setting that cannot be read: the original then has no extractor at all. */
function wrongTyped(config: Fields): string | undefined {
  const fits = (name: string, type: string): boolean =>
    config.raw(name) === undefined || typeof config.raw(name) === type;
  const texts = ['header_name', 'param_name', 'regex_expression', 'xpath_expression'];
  return (
    texts.find((name) => !fits(name, 'string')) ??
    (fits('regex_match_index', 'number') ? undefined : 'regex_match_index')
  );
}

function readSource(from: string, config: Fields): IdSource | undefined {
  const header = config.string('header_name');
  const param = config.string('param_name');
  if (from === 'header') return header === '' ? undefined : { kind: 'header', name: canonicalName(header) };
  if (from === 'form') return param === '' ? undefined : { kind: 'form', name: param };
  return from === 'body' ? { kind: 'body' } : undefined;
}

function readFinder(kind: string, source: IdSource, config: Fields): IdFinder {
  if (kind === 'xpath') {
    const expression = config.string('xpath_expression');
    return expression === '' ? { kind: 'none', reason: 'it has no xpath_expression' } : { kind: 'xpath', expression };
  }
  if (kind === 'value') {
    return source.kind === 'body'
      ? { kind: 'none', reason: 'the value of a body would be one identity for all callers' }
      : { kind: 'value' };
  }
  try {
    const pattern = compilePattern(config.string('regex_expression'));
    return { kind: 'regex', pattern, index: Math.max(0, config.integer('regex_match_index')) };
  } catch (error) {
    return { kind: 'none', reason: `its regex_expression ${(error as Error).message}` };
  }
}
