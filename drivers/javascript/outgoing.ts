import { type LookupAddress, lookup } from 'node:dns';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { canonicalName } from '../../contract/canonical.ts';
import { encodeQuery } from '../../contract/query.ts';
import { fromByteString, toByteString } from '../../contract/text.ts';
import { bytesText, textBytes } from './body-text.ts';
import { type Fields, fieldsOf, isText, isTextMap } from './go-fields.ts';

/** The HTTP requests of scripts: `TykMakeHttpRequest` and `TykBatchRequest` (spec/platform-contract §1.7). */
export class Outgoing {
  private readonly privateAddresses: boolean;

  constructor(privateAddresses: boolean) {
    this.privateAddresses = privateAddresses;
  }

  /** @returns JSON text, or undefined when there is no answer to be had. */
  async request(json: string, signal: AbortSignal): Promise<string | undefined> {
    const wanted = readFields(json);
    if (wanted === undefined) return undefined;
    const { method, body, headers, domain, resource, formdata } = wanted;
    if (![method, body, domain, resource].every(isText) || !isTextMap(headers) || !isTextMap(formdata))
      return undefined;
    const form = Object.entries((formdata as Record<string, string>) ?? {});
    const text = body || encodeQuery(new Map(form.map(([key, value]) => [toByteString(key), [toByteString(value)]])));
    try {
      const answer = await this.send(
        String(domain ?? '') + String(resource ?? ''),
        String(method || 'GET'),
        { ...(headers as object), Connection: 'close' },
        textBytes(String(text ?? '')),
        signal,
      );
      const { code, headers: answered, body: received } = answer;
      return JSON.stringify({
        Code: code,
        Body: received,
        Headers: answered,
        code,
        body: received,
        headers: answered,
      });
    } catch {
      return undefined;
    }
  }

  /** @returns the JSON text of a list: as they were asked for one by one, or else as they came. */
  async batch(json: string, signal: AbortSignal): Promise<string | undefined> {
    const wanted = readFields(json);
    if (wanted === undefined) return undefined;
    const { requests, suppress_parallel_execution: oneByOne } = wanted;
    const list = (requests ?? []) as unknown;
    if (!Array.isArray(list) || (oneByOne !== undefined && typeof oneByOne !== 'boolean')) return undefined;
    const entries = list.map((entry) => fieldsOf(entry));
    if (entries.some((entry) => entry === undefined || !isBatchEntry(entry))) return undefined;
    const replies: unknown[] = [];
    const one = async (entry: Fields): Promise<void> => {
      replies.push(await this.batched(entry, signal));
    };
    if (oneByOne === true) for (const entry of entries) await one(entry as Fields);
    else await Promise.all(entries.map((entry) => one(entry as Fields)));
    return JSON.stringify(replies);
  }

  private async batched({ method, headers, body, relative_url: url }: Fields, signal: AbortSignal): Promise<object> {
    try {
      const answer = await this.send(
        String(url ?? ''),
        String(method || 'GET'),
        (headers ?? {}) as Record<string, string>,
        textBytes(String(body ?? '')),
        signal,
      );
      return { relative_url: url, code: answer.code, headers: answer.headers, body: answer.body };
    } catch {
      return { relative_url: '', code: 0, headers: null, body: '' };
    }
  }

  /** Send, and follow redirects. */
  private async send(
    address: string,
    method: string,
    headers: Record<string, string>,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<{ code: number; headers: Record<string, string[]>; body: string }> {
    let [url, verb, content] = [new URL(address), method, body];
    for (let hops = 0; ; hops++) {
      const response = await this.exchange(url, verb, headers, content, signal);
      const { statusCode: code = 0, headers: answered } = response;
      const location = answered.location;
      if (location !== undefined && redirects.has(code) && hops < maxRedirects) {
        response.resume();
        url = new URL(location, url);
        if (code !== 307 && code !== 308) {
          if (verb !== 'HEAD') verb = 'GET';
          content = Buffer.alloc(0);
        }
        continue;
      }
      if (location !== undefined && redirects.has(code)) throw new Error('too many redirects');
      const bytes = await readAll(response);
      const zipped = answered['content-encoding'] === 'gzip' && !asksFor(headers);
      if (zipped) {
        delete answered['content-encoding'];
        delete answered['content-length'];
      }
      const received = zipped ? gunzipSync(bytes, { maxOutputLength: maxResponseBytes }) : bytes;
      return { code, headers: headersOf(answered, response), body: bytesText(received) };
    }
  }

  private exchange(
    url: URL,
    method: string,
    headers: Record<string, string>,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error(`${url.protocol} is not HTTP`);
    if (!this.privateAddresses && isIP(host) !== 0 && isPrivate(host)) throw new Error(`${host} is a private address`);
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const own: Record<string, string> = asksFor(headers) ? {} : { 'Accept-Encoding': 'gzip' };
    for (const [name, value] of Object.entries(headers)) own[name] = toByteString(value);
    if (body.length > 0) own['Content-Length'] = String(body.length);
    return new Promise((resolve, reject) => {
      const request = send(
        url,
        { method, headers: own, signal, agent: false, ...(!this.privateAddresses && { lookup: publicLookup }) },
        resolve,
      );
      request.on('error', reject);
      request.end(body);
    });
  }
}

const redirects = new Set([301, 302, 303, 307, 308]);
const maxRedirects = 10;
/** More than that no hook has a use for; it all has to fit into the memory of the script. */
const maxResponseBytes = 16 * 1024 * 1024;

function readFields(json: string): Fields | undefined {
  try {
    return fieldsOf(JSON.parse(json));
  } catch {
    return undefined;
  }
}

function isBatchEntry({ method, headers, body, relative_url: url }: Fields): boolean {
  return [method, body, url].every(isText) && isTextMap(headers);
}

function asksFor(headers: Record<string, string>): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'accept-encoding');
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > maxResponseBytes) throw new Error(`the response has more than ${maxResponseBytes} bytes`);
  }
  return Buffer.concat(chunks);
}

function headersOf(kept: IncomingHttpHeaders, response: IncomingMessage): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  const { rawHeaders: raw } = response;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (!(name.toLowerCase() in kept)) continue;
    const canonical = canonicalName(name);
    headers[canonical] ??= [];
    headers[canonical].push(fromByteString(raw[i + 1] as string));
  }
  return headers;
}

const privateRanges = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  privateRanges.addSubnet(net, bits, 'ipv4');
  privateRanges.addSubnet(`::ffff:${net}`, 96 + bits, 'ipv6');
}
for (const [net, bits] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  privateRanges.addSubnet(net, bits, 'ipv6');
}

function isPrivate(address: string): boolean {
  return privateRanges.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** Names that stand for private addresses are refused where they are looked up, so that no second look-up can say something else. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    const [first] = addresses ?? [];
    if (error !== null || first === undefined) return callback(error ?? new Error(`${hostname} has no address`), '', 0);
    const bad = addresses.find(({ address }) => isPrivate(address));
    if (bad !== undefined) return callback(new Error(`${hostname} is at ${bad.address}, a private address`), '', 0);
    if (options.all) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
