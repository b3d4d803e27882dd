import { unescapeBytes, urlText } from '../../contract/url.ts';
import type { Exchange } from '../exchange.ts';
import { ensureState } from './hooks.ts';

/** What is told of a refused request, beside what every event tells. */
export interface EventMeta {
  readonly Message: string;
  /** Address of the client. */
  readonly Origin: string;
  /** The credential that was presented. */
  readonly Key?: string;
  readonly Reason?: string;
}

/** What is told of a key that the control API has changed. */
export interface KeyEventMeta {
  readonly Message: string;
  /** Organisation of the key. */
  readonly Org: string;
  /** Its full name. */
  readonly Key: string;
}

/** An event as handlers get it (spec/coprocess-contract §9). */
export interface EventMessage {
  readonly Type: string;
  readonly Meta: Readonly<Record<string, string>>;
  readonly TimeStamp: string;
}

export function eventMessage(event: string, exchange: Exchange, meta: EventMeta): EventMessage {
  const Path = unescapeBytes(ensureState(exchange).url.path);
  const OriginatingRequest = wireForm(exchange).toString('base64');
  return { Type: event, Meta: { OriginatingRequest, Path, ...meta }, TimeStamp: goTime(new Date()) };
}

/** No request to the API led to it. */
export function keyEventMessage(event: string, meta: KeyEventMeta): EventMessage {
  return { Type: event, Meta: { OriginatingRequest: '', ...meta }, TimeStamp: goTime(new Date()) };
}

/** The request as HTTP/1.1, with the body if it was read. */
function wireForm(exchange: Exchange): Buffer {
  const { method, url, host, headers, body } = ensureState(exchange);
  const lines = [`${method} ${urlText({ ...url, prefix: '' })} HTTP/1.1`, `Host: ${host}`];
  for (let i = 0; i < headers.size; i++) lines.push(`${headers.nameAt(i)}: ${headers.valueAt(i)}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

/** As Go prints a time. */
function goTime(date: Date): string {
  return `${date.toISOString().replace('T', ' ').replace('Z', '')} +0000 UTC`;
}
