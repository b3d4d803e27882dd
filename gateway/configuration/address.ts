import { isAbsolute, resolve } from 'node:path';
import type { Address } from './configuration.ts';

/**
 * `host:port`, `[::1]:port`, `:port` (all interfaces), `unix:PATH`, `unix://PATH`; undefined when the text is none of these. A relative
 * socket path starts from `folder`.
 */
export function parseAddress(text: string, folder: string): Address | undefined {
  const unix = /^unix:(?:\/\/(?=\/))?(.+)$/.exec(text)?.[1];
  if (unix !== undefined) return { kind: 'unix', path: isAbsolute(unix) ? unix : resolve(folder, unix) };
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port > 65_535) return undefined;
  return { kind: 'tcp', host: match[1] ?? (match[2] || '::'), port };
}

/** The address as users write it. */
export function addressText(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Whether only this machine can reach it. */
export function isLoopback(address: Address): boolean {
  if (address.kind === 'unix') return true;
  return address.host === 'localhost' || address.host === '::1' || /^127(\.\d{1,3}){3}$/.test(address.host);
}
