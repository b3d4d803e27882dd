/** Milliseconds of seconds. */
export function millis<Seconds extends number | undefined>(seconds: Seconds): Seconds {
  return (seconds === undefined ? undefined : Math.max(1, Math.round(seconds * 1000))) as Seconds;
}

/** The number, if it is one that says something: 0 and less are how a tyk.conf says "the default". */
export function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

/** A version as Go numbers it (769 is TLS 1.0, 772 is 1.3). We speak 1.2 and 1.3. */
export function tlsVersion(code: number | undefined, key: string, warnings: string[]): string | undefined {
  if (!code) return undefined;
  if (code < 771) warnings.push(`${key} asks for a version before TLS 1.2, which is not spoken any more; 1.2 is.`);
  return code >= 772 ? 'TLSv1.3' : 'TLSv1.2';
}

/**
 * Cipher suites as OpenSSL names them: `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is `ECDHE-RSA-AES128-GCM-SHA256`. Those of TLS 1.3 keep
 * their names.
 */
export function cipherList(names: readonly string[] | undefined): string | undefined {
  if (names === undefined || names.length === 0) return undefined;
  return names
    .map((name) => {
      const [, exchange, cipher] = /^TLS_(.+)_WITH_(.+)$/.exec(name) ?? [];
      if (exchange === undefined || cipher === undefined) return name;
      const key = exchange === 'RSA' ? '' : `${exchange.replaceAll('_', '-')}-`;
      return (
        key +
        cipher
          .replace(/^AES_(\d+)/, 'AES$1')
          .replace(/_CBC_/, '_')
          .replace(/^CHACHA20_POLY1305.*/, 'CHACHA20-POLY1305')
          .replaceAll('_', '-')
      );
    })
    .join(':');
}
