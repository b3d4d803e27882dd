import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { ClientTls, KeyPair, ListenerTls, TlsVersion } from '../configuration.ts';
import type { Path } from '../problem.ts';
import type { CheckedConfiguration } from '../schema/index.ts';
import type { ClientTlsSection } from '../schema/parts.ts';
import { absolute, type Context, refuse } from './context.ts';

type ListenerSection = CheckedConfiguration['listeners'][number];

/** The PEM text that a key names a file of, or is itself; for one that cannot be read, a problem. */
export function readPem<Text extends string | undefined>(context: Context, path: Path, value: Text): Text {
  if (value === undefined || value.includes('-----BEGIN ')) return value;
  const file = absolute(context, value as string);
  try {
    const text = readFileSync(file, 'utf8');
    if (text.includes('-----BEGIN ')) return text as Text;
    refuse(
      context,
      path,
      `names ${file}, which is no PEM file`,
      'PEM files begin with "-----BEGIN". Convert it with openssl.',
    );
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    refuse(
      context,
      path,
      `names ${file}, which ${reason}`,
      `Check path and rights; relative paths start from ${context.folder}.`,
    );
  }
  return value;
}

export function resolveListenerTls(context: Context, path: Path, tls: ListenerSection['tls']): ListenerTls | undefined {
  if (tls === undefined) return undefined;
  const pair = readPair(context, path, tls);
  const serverNames = Object.entries(tls.serverNames).map(([name, named]) => ({
    name,
    ...readPair(context, [...path, 'serverNames', name], named),
  }));
  checkVersions(context, path, tls);
  return {
    ...pair,
    serverNames,
    ca: readPem(context, [...path, 'ca'], tls.ca),
    requestClientCertificate: tls.requestClientCertificate || tls.ca !== undefined,
    minVersion: tls.minVersion,
    maxVersion: tls.maxVersion,
    ciphers: tls.ciphers,
  };
}

export function resolveClientTls(
  context: Context,
  path: Path,
  tls: ClientTlsSection | undefined,
): ClientTls | undefined {
  if (tls === undefined) return undefined;
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    const [given, missing] = tls.cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
    refuse(
      context,
      path,
      `has "${given}" and no "${missing}"`,
      'A certificate and its private key go together: give both, or none.',
    );
  }
  const pair =
    tls.cert !== undefined && tls.key !== undefined
      ? readPair(context, path, { cert: tls.cert, key: tls.key })
      : { cert: undefined, key: undefined };
  const { serverName, insecureSkipVerify } = tls;
  return { ...pair, ca: readPem(context, [...path, 'ca'], tls.ca), serverName, insecureSkipVerify };
}

/** Newest below oldest is a problem. */
export function checkVersions(
  context: Context,
  path: Path,
  tls: { minVersion: TlsVersion; maxVersion: TlsVersion },
): void {
  if (tls.minVersion <= tls.maxVersion) return;
  refuse(
    context,
    [...path, 'maxVersion'],
    `is older than "minVersion" (${tls.minVersion})`,
    `For example: maxVersion: ${tls.minVersion}`,
  );
}

/** Certificate and key; a pair that does not fit together is a problem now and not at the first connection. */
function readPair(context: Context, path: Path, pair: KeyPair): KeyPair {
  const before = context.problems.length;
  const cert = readPem(context, [...path, 'cert'], pair.cert);
  const key = readPem(context, [...path, 'key'], pair.key);
  if (context.problems.length > before) return { cert, key };
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const reason = (error as Error).message.replace(/^.*::?/, '');
    refuse(
      context,
      path,
      `has a certificate and a key that cannot be used: ${reason}`,
      'Check that both are whole and belong together, and that the key has no passphrase.',
    );
  }
  return { cert, key };
}
