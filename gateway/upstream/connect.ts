import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { UpstreamTls } from '../definitions/api.ts';

/** Where an origin is, in parts. */
export interface Address {
  readonly scheme: 'http' | 'https' | 'h2c';
  readonly host: string;
  readonly port: number;
}

/**
 * Parse `scheme://host:port`.
 * @throws {TypeError} when it is no origin of a scheme that can be proxied to.
 */
export function parseOrigin(origin: string): Address {
  const match = /^(https?|h2c):\/\/(\[[0-9A-Fa-f:.]+\]|[^/:?#@\s]+)(?::(\d{1,5}))?\/?$/.exec(origin);
  if (match === null)
    throw new TypeError(
      `${JSON.stringify(origin)} is no origin such as http://host:80, https://host or h2c://host:50051`,
    );
  const scheme = match[1] as Address['scheme'];
  const host = (match[2] as string).replace(/^\[|\]$/g, '');
  return { scheme, host, port: match[3] === undefined ? (scheme === 'https' ? 443 : 80) : Number(match[3]) };
}

interface TlsChecks extends Omit<UpstreamTls, 'insecureSkipVerify'> {
  readonly rejectUnauthorized: boolean;
}

/** What TLS asks of an upstream. `ca`: PEM text, in place of the certificates that Node trusts. */
export function tlsChecks({ insecureSkipVerify, ...rest }: UpstreamTls): TlsChecks {
  return { ...rest, rejectUnauthorized: !insecureSkipVerify };
}

/** The name that TLS asks for: the target's, whatever `Host` says; an address is no name. */
export function serverName(host: string): string | undefined {
  return isIP(host) === 0 ? host : undefined;
}

/** An open connection for HTTP/2; over TLS its `alpnProtocol` tells whether the upstream speaks that, or only HTTP/1.1. */
export interface OpenSocket {
  readonly socket: Socket;
  readonly http2: boolean;
}

/**
 * Connect for HTTP/2: with TLS offering both protocols, without it knowing that the upstream speaks HTTP/2. Rejects when that takes
 * longer than `timeoutMs`.
 */
export function openSocket(address: Address, tls: UpstreamTls, timeoutMs: number): Promise<OpenSocket> {
  return new Promise((resolve, reject) => {
    const { host, port } = address;
    const secure = address.scheme === 'https';
    const name = serverName(host);
    const offered = { ALPNProtocols: ['h2', 'http/1.1'], ...(name === undefined ? {} : { servername: name }) };
    const socket = secure ? connectTls({ host, port, ...offered, ...tlsChecks(tls) }) : connectTcp({ host, port });
    const timer = setTimeout(() => socket.destroy(connectTimeout(host, port, timeoutMs)), timeoutMs);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      socket.off('error', failed);
      resolve({ socket, http2: !('alpnProtocol' in socket) || socket.alpnProtocol === 'h2' });
    });
    socket.on('error', failed);
    function failed(error: Error): void {
      clearTimeout(timer);
      reject(error);
    }
  });
}

function connectTimeout(host: string, port: number, timeoutMs: number): Error {
  return Object.assign(new Error(`${host}:${port} did not answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
}
