import { BlockList, isIP } from 'node:net';
import { canonicalName, isHeaderName } from '../../contract/canonical.ts';
import type { CorsRule, EventHandler, IpAccessRule, LimitRule, RateLimit, TrackingRule } from './api.ts';
import type { HeaderSteps } from './api-version.ts';
import type { Fields } from './fields.ts';
import type { Templates } from './templates.ts';

/** CORS of an API; undefined when it is off. Empty lists take the defaults of the original's library. */
export function readCors(cors: Fields): CorsRule | undefined {
  if (!cors.boolean('enable')) return undefined;
  return {
    allowedOrigins: orElse(cors.strings('allowed_origins'), ['*']),
    allowedMethods: orElse(cors.strings('allowed_methods'), ['GET', 'POST', 'HEAD']).map((name) => name.toUpperCase()),
    allowedHeaders: orElse(cors.strings('allowed_headers'), ['Origin', 'Accept', 'Content-Type', 'X-Requested-With']),
    exposedHeaders: cors.strings('exposed_headers').map(canonicalName),
    allowCredentials: cors.boolean('allow_credentials'),
    maxAgeSeconds: cors.integer('max_age'),
    optionsPassthrough: cors.boolean('options_passthrough'),
  };
}

function orElse(list: readonly string[], otherwise: readonly string[]): readonly string[] {
  return list.length === 0 ? otherwise : list;
}

export function readIpAccess(api: Fields): IpAccessRule {
  if (api.boolean('ip_access_control_disabled')) return {};
  const allow = api.boolean('enable_ip_whitelisting') ? readAddresses(api, 'allowed_ips') : undefined;
  const deny = api.boolean('enable_ip_blacklisting') ? readAddresses(api, 'blacklisted_ips') : undefined;
  return { ...(allow === undefined ? {} : { allow }), ...(deny === undefined ? {} : { deny }) };
}

/** A list without entries is no list: it lets all pass, as in the original. */
function readAddresses(api: Fields, name: string): BlockList | undefined {
  const entries = api.strings(name);
  if (entries.length === 0) {
    api.report.warn(api.at(name), 'is empty, so it keeps nobody out');
    return undefined;
  }
  const list = new BlockList();
  entries.forEach((entry, i) => {
    if (addAddress(list, entry)) return;
    api.report.invalid(
      `${api.at(name)}[${i}]`,
      `is no address: "${entry}"`,
      'write an IP address or a range, as 10.0.0.0/8',
    );
  });
  return list;
}

function addAddress(list: BlockList, entry: string): boolean {
  const [address = '', bits] = entry.split('/', 2);
  const version = isIP(address);
  if (version === 0) return false;
  const family = version === 6 ? 'ipv6' : 'ipv4';
  if (bits === undefined) {
    list.addAddress(address, family);
    return true;
  }
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > (version === 6 ? 128 : 32)) return false;
  list.addSubnet(address, Number(bits), family);
  return true;
}

export function readLimits(api: Fields): LimitRule {
  const global = api.object('global_rate_limit');
  const limit = global.boolean('disabled') ? undefined : readRateLimit(global);
  return {
    ...(limit === undefined ? {} : { api: limit }),
    skipRateLimit: api.boolean('disable_rate_limit'),
    skipQuota: api.boolean('disable_quota'),
    keepQuotaOnCreate: api.boolean('dont_set_quota_on_create'),
  };
}

/** `rate` requests `per` seconds; undefined when either is 0. */
export function readRateLimit(fields: Fields): RateLimit | undefined {
  const count = fields.number('rate');
  const seconds = fields.number('per');
  for (const [name, value] of [
    ['rate', count],
    ['per', seconds],
  ] as const) {
    if (value < 0) fields.report.invalid(fields.at(name), `must not be negative, got ${value}`, 'write 0 for no limit');
  }
  return count > 0 && seconds > 0 ? { count, seconds } : undefined;
}

export function readTracking(api: Fields): TrackingRule {
  return {
    off: api.boolean('do_not_track'),
    detailed: api.boolean('enable_detailed_recording'),
    tagHeaders: api.strings('tag_headers').map((name) => name.toLowerCase()),
    expireMs: api.integer('expire_analytics_after') * 1000,
  };
}

/** Header injectors. The other processors of the original act through fields of their own, or are hooks. */
export function readResponseProcessors(api: Fields, templates: Templates): readonly HeaderSteps[] {
  return api.objects('response_processors').flatMap((processor) => {
    const name = processor.string('name');
    if (name === 'header_injector') {
      const options = processor.object('options');
      return [readHeaderSteps(options, 'remove_headers', 'add_headers', templates)];
    }
    if (name === 'header_transform') {
      const cure = 'take it out and use transform_response_headers';
      processor.report.feature(processor.path, 'header-transform', 'asks for rewriting of Location headers', cure);
    } else if (!silentProcessors.includes(name)) {
      processor.report.warn(processor.at('name'), `no response processor has the name "${name}"`);
    }
    return [];
  });
}

/** Processors that do nothing without fields that are refused themselves, and those that stand for hooks. */
const silentProcessors = [
  'response_body_transform',
  'response_body_transform_jq',
  'custom_mw_res_hook',
  'goplugin_res_hook',
];

/** Header edits: a list of names to take off, and a map of names and values to set. */
export function readHeaderSteps(fields: Fields, remove: string, add: string, templates: Templates): HeaderSteps {
  return {
    delete: fields.strings(remove).map((name) => canonicalName(name)),
    set: fields.stringMap(add).map(([name, value]) => {
      const at = `${fields.at(add)}.${name}`;
      if (!isHeaderName(name))
        fields.report.invalid(at, `is no header name: "${name}"`, 'write letters, digits and dashes');
      return [canonicalName(name), templates.parse(value, at)];
    }),
  };
}

export function readEventHandlers(api: Fields): readonly EventHandler[] {
  const events = api.object('event_handlers').object('events');
  return Object.keys(events.json).flatMap((event) =>
    events.objects(event).flatMap((entry) => {
      const handler = readEventHandler(event, entry);
      return handler === undefined ? [] : [handler];
    }),
  );
}

function readEventHandler(event: string, entry: Fields): EventHandler | undefined {
  const meta = entry.object('handler_meta');
  if (meta.has('disabled') && meta.boolean('disabled')) return undefined;
  const kind = entry.string('handler_name');
  const { report } = entry;
  if (kind === 'eh_log_handler') return { kind: 'log', event, prefix: meta.string('prefix') };
  if (kind === 'eh_web_hook_handler') {
    report.feature(entry.path, 'webhooks', 'asks for a web hook', 'use an eh_dynamic_handler that calls it');
    return undefined;
  }
  if (kind !== 'eh_dynamic_handler' && kind !== 'cp_dynamic_handler') {
    const cure = 'write eh_dynamic_handler, cp_dynamic_handler or eh_log_handler';
    report.invalid(entry.at('handler_name'), `no event handler has the name "${kind}"`, cure);
    return undefined;
  }
  const name = meta.string('name');
  if (name === '') report.invalid(meta.at('name'), 'is missing', 'name the handler');
  if (kind === 'cp_dynamic_handler') return { kind: 'coprocess', event, name };
  const path = meta.string('path');
  if (path === '') report.invalid(meta.at('path'), 'is missing', 'name the file that defines the handler');
  return { kind: 'javascript', event, name, path, id: meta.string('id') };
}
