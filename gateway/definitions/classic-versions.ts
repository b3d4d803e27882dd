import { canonicalName } from '../../contract/canonical.ts';
import type { ChildVersions, VersionRule } from './api.ts';
import type { ApiVersion, HeaderSteps } from './api-version.ts';
import type { EndpointReader } from './classic-endpoints.ts';
import { readExpiry } from './classic-listen.ts';
import { readHeaderSteps } from './classic-steps.ts';
import { readTargetUrl } from './classic-target.ts';
import { parseDuration } from './duration.ts';
import type { Fields } from './fields.ts';
import { compilePattern } from './text-pattern.ts';

/** How requests find their version, and what each version does. */
export function readVersions(api: Fields, endpoints: EndpointReader): VersionRule {
  const definition = api.object('definition');
  const data = api.object('version_data');
  const byName = new Map<string, ApiVersion>();
  for (const [key, fields] of data.objectMap('versions')) byName.set(key, readVersion(key, fields, endpoints));
  const versioned = !data.boolean('not_versioned') && byName.size > 0;
  const single = versioned ? undefined : singleVersion(byName, data, endpoints);
  const children = readChildren(definition);
  const location = readLocation(definition, versioned || children !== undefined);
  const urlPattern = readUrlPattern(definition);
  const key = definition.string('key');
  return {
    byName,
    ...(single === undefined ? {} : { single }),
    defaultName: data.string('default_version'),
    location,
    key: location === 'header' ? canonicalName(key) : key,
    stripVersion:
      definition.boolean('strip_versioning_data') || (location === 'url' && definition.boolean('strip_path')),
    ...(urlPattern === undefined ? {} : { urlPattern }),
    ...(children === undefined ? {} : { children }),
  };
}

/** An API without versions at all has one without rules. */
function singleVersion(
  byName: ReadonlyMap<string, ApiVersion>,
  data: Fields,
  endpoints: EndpointReader,
): ApiVersion | undefined {
  const [first] = byName.values();
  const version =
    byName.get('Default') ?? byName.get('default') ?? byName.get('') ?? (byName.size === 1 ? first : undefined);
  if (version !== undefined) return version;
  if (byName.size > 0) {
    data.report.invalid(
      data.at('versions'),
      'holds several versions of an API that is not versioned, and none is "Default"',
      'name one of them "Default", or set not_versioned to false',
    );
    return undefined;
  }
  return { ...plainVersion, endpoints: endpoints.none };
}

const noHeaders: HeaderSteps = { delete: [], set: [] };

const plainVersion: Omit<ApiVersion, 'endpoints'> = {
  name: 'Default',
  requestHeaders: noHeaders,
  responseHeaders: noHeaders,
  maxBodyBytes: Number.POSITIVE_INFINITY,
  timeoutMs: Number.POSITIVE_INFINITY,
};

function readVersion(key: string, fields: Fields, endpoints: EndpointReader): ApiVersion {
  const expires = fields.string('expires') === '-1' ? undefined : readExpiry(fields, 'expires');
  const override = fields.string('override_target');
  const target = override === '' ? undefined : readTargetUrl(override, fields.at('override_target'), fields.report);
  const { templates } = endpoints;
  return {
    name: fields.string('name') || key,
    ...(expires === undefined ? {} : { expires }),
    ...(target === undefined ? {} : { target }),
    requestHeaders: fields.boolean('global_headers_disabled')
      ? noHeaders
      : readHeaderSteps(fields, 'global_headers_remove', 'global_headers', templates),
    responseHeaders: fields.boolean('global_response_headers_disabled')
      ? noHeaders
      : readHeaderSteps(fields, 'global_response_headers_remove', 'global_response_headers', templates),
    maxBodyBytes: fields.boolean('global_size_limit_disabled') ? Number.POSITIVE_INFINITY : readSizeLimit(fields),
    timeoutMs: readGlobalTimeout(fields),
    endpoints: endpoints.read(fields),
  };
}

function readSizeLimit(fields: Fields): number {
  const limit = fields.integer('global_size_limit');
  if (limit < 0) {
    fields.report.invalid(fields.at('global_size_limit'), `must not be negative, got ${limit}`, 'write 0 for no limit');
  }
  return limit > 0 ? limit : Number.POSITIVE_INFINITY;
}

function readGlobalTimeout(fields: Fields): number {
  const text = fields.string('global_enforce_timeout');
  if (text === '' || fields.boolean('global_enforce_timeout_disabled')) return Number.POSITIVE_INFINITY;
  const ms = parseDuration(text);
  if (ms === undefined) {
    fields.report.invalid(fields.at('global_enforce_timeout'), `is no duration: "${text}"`, 'write one, as 1m30s');
  }
  return ms || Number.POSITIVE_INFINITY;
}

function readLocation(definition: Fields, needed: boolean): VersionRule['location'] {
  const location = definition.string('location');
  if (location === 'url' || location === 'url-param' || location === 'header') {
    if (needed && location !== 'url' && definition.string('key') === '') {
      definition.report.invalid(definition.at('key'), 'is missing', `name the ${location} that carries the version`);
    }
    return location;
  }
  if (needed) {
    definition.report.invalid(
      definition.at('location'),
      `says "${location}" about where a request names its version`,
      'write "header", "url-param" or "url"',
    );
  }
  return 'header';
}

function readUrlPattern(definition: Fields): VersionRule['urlPattern'] {
  const text = definition.string('url_versioning_pattern');
  if (text === '') return undefined;
  try {
    return compilePattern(text);
  } catch (error) {
    const at = definition.at('url_versioning_pattern');
    definition.report.invalid(at, (error as Error).message, 'write an RE2 expression');
    return undefined;
  }
}

function readChildren(definition: Fields): ChildVersions | undefined {
  if (!definition.boolean('enabled')) return undefined;
  return {
    baseName: definition.string('name'),
    apiIds: new Map(definition.stringMap('versions')),
    defaultName: definition.string('default'),
    fallbackToDefault: definition.boolean('fallback_to_default'),
    stripVersion: definition.boolean('strip_versioning_data') || definition.boolean('strip_path'),
  };
}
