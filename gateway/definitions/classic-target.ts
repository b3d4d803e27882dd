import { getCiphers } from 'node:tls';
import type { TargetBase, TargetRule, UpstreamTls } from './api.ts';
import type { Fields } from './fields.ts';
import type { Report } from './problem.ts';

/** Where requests go: `proxy` without its listen path. */
export function readTarget(proxy: Fields): TargetRule {
  const { report } = proxy;
  const balanced = proxy.boolean('enable_load_balancing');
  const list = balanced ? proxy.strings('target_list') : [];
  const entries =
    list.length > 0
      ? list.map((url, i) => ({ url, path: `${proxy.at('target_list')}[${i}]` }))
      : [{ url: proxy.string('target_url'), path: proxy.at('target_url') }];
  const bases: TargetBase[] = [];
  const urls: string[] = [];
  for (const { url, path } of entries) {
    const base = readTargetUrl(url, path, report);
    if (base === undefined) continue;
    urls.push(url);
    bases.push(base);
  }
  return {
    urls,
    bases,
    preserveHost: proxy.boolean('preserve_host_header'),
    keepTrailingSlash: proxy.boolean('disable_strip_slash'),
    tls: readUpstreamTls(proxy.object('transport')),
  };
}

const cure = 'write the URL of your service, as http://127.0.0.1:3000/';

/** Schemes of targets, and what stands for them in `origin`. */
const schemes: Readonly<Record<string, string>> = {
  http: 'http',
  https: 'https',
  h2c: 'h2c',
  ws: 'http',
  wss: 'https',
  tyk: 'tyk',
};

export function readTargetUrl(url: string, path: string, report: Report): TargetBase | undefined {
  if (url === '') {
    report.invalid(path, 'is missing', cure);
    return undefined;
  }
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#@]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?$/.exec(url);
  if (parts === null) {
    report.invalid(path, `is no URL: "${url}"`, cure);
    return undefined;
  }
  const [, scheme = '', credentials, host = '', urlPath = '', query] = parts;
  const kind = schemes[scheme.toLowerCase()];
  if (scheme === 'tcp' || scheme === 'tls') {
    report.feature(path, 'tcp', `asks for raw ${scheme.toUpperCase()}`, 'write an http, https or h2c URL');
    return undefined;
  }
  if (kind === undefined || host === '' || (kind !== 'tyk' && !URL.canParse(`http://${host}/`))) {
    report.invalid(path, `is no URL that can be called: "${url}"`, cure);
    return undefined;
  }
  if (credentials !== undefined) report.warn(path, 'credentials in a URL are not sent; set them with a header edit');
  return { origin: `${kind}://${host}`, host, path: encodedPath(urlPath), ...(query === undefined ? {} : { query }) };
}

/** What a URL's path cannot hold as it is, percent-encoded. */
function encodedPath(path: string): string {
  return path.replace(/[^!-~]|["<>\\^`{|}]/gu, encodeURIComponent);
}

const tlsVersions: Readonly<Record<number, NonNullable<UpstreamTls['minVersion']>>> = {
  769: 'TLSv1',
  770: 'TLSv1.1',
  771: 'TLSv1.2',
  772: 'TLSv1.3',
};

function readUpstreamTls(transport: Fields): UpstreamTls {
  const minVersion = readTlsVersion(transport, 'ssl_min_version');
  const maxVersion = readTlsVersion(transport, 'ssl_max_version');
  const ciphers = readCiphers(transport);
  if (minVersion !== undefined && maxVersion !== undefined && minVersion > maxVersion) {
    transport.report.invalid(transport.at('ssl_max_version'), 'is below ssl_min_version', 'raise it, or take it out');
  }
  return {
    insecureSkipVerify: transport.boolean('ssl_insecure_skip_verify'),
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(maxVersion === undefined ? {} : { maxVersion }),
    ...(ciphers.length === 0 ? {} : { ciphers: ciphers.join(':') }),
  };
}

function readTlsVersion(transport: Fields, name: string): UpstreamTls['minVersion'] {
  const code = transport.integer(name);
  if (code === 0) return undefined;
  const version = tlsVersions[code];
  if (version === undefined) {
    transport.report.invalid(
      transport.at(name),
      `is no TLS version: ${code}`,
      'write 771 for TLS 1.2 or 772 for TLS 1.3',
    );
  }
  return version;
}

/** OpenSSL names of those ciphers that this machine has. */
function readCiphers(transport: Fields): readonly string[] {
  const at = transport.at('ssl_ciphers');
  const asked = transport.strings('ssl_ciphers');
  if (asked.length === 0) return [];
  const supported = new Set(getCiphers());
  const ciphers = asked.map(openSslName).filter((name, i) => {
    const known = supported.has(name.toLowerCase());
    if (!known) transport.report.warn(`${at}[${i}]`, `the cipher "${asked[i]}" is not supported, and left out`);
    return known;
  });
  if (ciphers.length === 0) transport.report.invalid(at, 'none of these ciphers is supported', 'take ssl_ciphers out');
  return ciphers;
}

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is `ECDHE-RSA-AES128-GCM-SHA256` to OpenSSL; TLS 1.3 names are the same. */
function openSslName(name: string): string {
  const parts = /^TLS_(.+)_WITH_(.+)$/.exec(name);
  if (parts === null) return name;
  const [, exchange = '', cipher = ''] = parts;
  const keyExchange = exchange === 'RSA' ? '' : `${exchange.replaceAll('_', '-')}-`;
  const algorithm = cipher
    .replace('CHACHA20_POLY1305_SHA256', 'CHACHA20_POLY1305')
    .replace(/AES_(\d+)/, 'AES$1')
    .replace('_CBC', '')
    .replace('3DES_EDE', 'DES-CBC3')
    .replace('RC4_128', 'RC4')
    .replaceAll('_', '-');
  return keyExchange + algorithm;
}
