import { STATUS_CODES } from 'node:http';
import { canonicalName } from '../../contract/canonical.ts';
import { visibleMethod } from '../../contract/request-state.ts';
import type { Exchange } from '../exchange.ts';
import { hostOf } from '../object/client-request.ts';
import type { Copies } from './copies.ts';

/** Raw requests and responses of detailed records: HTTP/1.1 as it would stand on the wire, in base64. */

/** The request as hooks have left it. @param target path and query, the listen path taken off; byte string */
export function rawRequest(exchange: Exchange, target: string, copies: Copies): string {
  const { request, state } = exchange;
  const method = state === undefined ? (request.method ?? 'GET') : visibleMethod(state);
  const host = state?.host ?? hostOf(request);
  const lines = state?.headers.raw() ?? request.rawHeaders;
  const body =
    state !== undefined && exchange.bodyRead ? state.body.subarray(0, copies.maxBytes) : copies.requestBody();
  return wire(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n`, lines, body);
}

/** The response as the client got it; empty when it got none that was copied. */
export function rawResponse(copies: Copies): string {
  const { status, lines } = copies;
  if (status === 0) return '';
  return wire(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`, lines, copies.responseBody());
}

function wire(start: string, lines: readonly string[], body: Buffer): string {
  let head = start;
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const name = lines[i] as string;
    if (name.charCodeAt(0) === colon || (name.length === 4 && name.toLowerCase() === 'host')) continue;
    head += `${canonicalName(name)}: ${lines[i + 1]}\r\n`;
  }
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]).toString('base64');
}

const colon = 58;
