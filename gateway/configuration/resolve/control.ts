import { addressText, isLoopback } from '../address.ts';
import type { Address, Control } from '../configuration.ts';
import type { CheckedConfiguration } from '../schema/index.ts';
import { address, type Context, refuse } from './context.ts';
import { resolveListenerTls } from './tls.ts';

/** The secret of the original's sample configuration, which everybody knows. */
export const sampleSecret = '352d20ee67be67f6340b4c0605b044b7';
const minSecretLength = 16;

export function resolveControl(
  context: Context,
  { control }: CheckedConfiguration,
  listeners: readonly Address[],
): Control {
  const own = control.address === 'listeners' ? undefined : address(context, ['control', 'address'], control.address);
  const reachable = own === undefined ? listeners : [own];
  if (control.enabled) checkSecret(context, control.secret, reachable);
  const { enabled, hostname, healthPath, readyPath } = control;
  return {
    enabled,
    address: own,
    tls: resolveListenerTls(context, ['control', 'tls'], control.tls),
    secret: control.secret || undefined,
    hostname,
    healthPath,
    readyPath,
  };
}

/** A weak secret is refused where others than this machine can try it, and warned of elsewhere. No secret is safe: `/tyk/*` is not there. */
function checkSecret(context: Context, secret: string | undefined, addresses: readonly Address[]): void {
  if (secret === undefined) return;
  const weakness =
    secret === ''
      ? 'is empty'
      : secret === sampleSecret
        ? 'is the one of the sample configuration, which everybody knows'
        : secret.length < minSecretLength
          ? `has ${secret.length} characters, of at least ${minSecretLength}`
          : undefined;
  if (weakness === undefined) return;
  const open = addresses.find((one) => !isLoopback(one));
  if (open === undefined) {
    const effect = secret === '' ? '; the control API is not served' : '; this is accepted on loopback only';
    context.warnings.push(`The secret of the control API ${weakness}${effect}.`);
    return;
  }
  refuse(
    context,
    ['control', 'secret'],
    `${weakness}, and ${addressText(open)} can be reached from elsewhere`,
    'Make one with "openssl rand -hex 24" and give it as env://NAME, or listen on 127.0.0.1.',
  );
}
