import type { Expiry, ListenRule } from './api.ts';
import { hostPattern, listenPattern } from './endpoint-path.ts';
import type { Fields } from './fields.ts';
import type { TextPattern } from './text-pattern.ts';

/** Where an API answers. */
export function readListen(api: Fields, proxy: Fields): ListenRule {
  const path = proxy.string('listen_path');
  checkListenPath(path, proxy);
  const pathPattern = patternOr(() => listenPattern(path), proxy, 'listen_path');
  const domain = api.boolean('domain_disabled') ? '' : api.string('domain');
  const domainPattern = patternOr(() => hostPattern(domain), api, 'domain');
  return {
    path,
    strip: proxy.boolean('strip_listen_path'),
    ...(pathPattern === undefined ? {} : { pathPattern }),
    ...(domain === '' ? {} : { domain }),
    ...(domainPattern === undefined ? {} : { domainPattern }),
  };
}

function checkListenPath(path: string, proxy: Fields): void {
  const at = proxy.at('listen_path');
  if (path === '') proxy.report.invalid(at, 'is missing', 'write the path that the API answers, as /orders/');
  else if (!path.startsWith('/'))
    proxy.report.invalid(at, `does not begin with a slash: "${path}"`, `write "/${path}"`);
  else if (/[\s?#]/.test(path)) {
    proxy.report.invalid(at, `holds a space, "?" or "#": "${path}"`, 'write a path without them');
  }
}

function patternOr(compile: () => TextPattern | undefined, fields: Fields, name: string): TextPattern | undefined {
  try {
    return compile();
  } catch (error) {
    fields.report.invalid(
      fields.at(name),
      (error as Error).message,
      'write an RE2 expression after the colon of {name:expression}',
    );
    return undefined;
  }
}

/** `YYYY-MM-DD HH:MM`, UTC. */
export function readExpiry(fields: Fields, name: string): Expiry | undefined {
  const text = fields.string(name);
  if (text === '') return undefined;
  const parts = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d)$/.exec(text);
  const time = parts === null ? Number.NaN : Date.parse(`${text.replace(' ', 'T')}:00Z`);
  if (Number.isFinite(time)) return time;
  fields.report.warn(fields.at(name), `"${text}" cannot be read as YYYY-MM-DD HH:MM, and counts as past`);
  return Number.NEGATIVE_INFINITY;
}
