import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import * as http from 'node:http';
import * as https from 'node:https';
import { isIP } from 'node:net';
import { posix } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isPrivateAddress, publicLookup } from './addresses.ts';
import { BundleError, reasonOf } from './problem.ts';

export interface FetchOptions {
  /** http, https or file URL that bundle names are joined to; its query stays. */
  readonly baseUrl: string;
  /** Believe any certificate of the server. */
  readonly insecureSkipVerify: boolean;
  /** Largest archive, in bytes. */
  readonly maxBytes: number;
  /** Longest wait for one attempt, body included. */
  readonly timeoutMs: number;
  /** Wait after the first failed attempt, give or take half; each further one is twice as long. @default 500 */
  readonly firstRetryMs?: number;
  /** How often what may pass is tried. @default 5 */
  readonly attempts?: number;
}

/** An archive as it was got, by which its server can tell whether it has another one now. */
export interface Seen {
  /** Hex SHA-256 of its URL: another server knows nothing of these validators. */
  readonly source: string;
  readonly etag?: string;
  readonly lastModified?: string;
  /** Of a file: changes whenever it is written. */
  readonly stamp?: string;
  /** Hex SHA-256 of the archive. */
  readonly sha256: string;
}

const longestRetryMs = 5000;
const maxRedirects = 5;

/** Trying again would give the same. */
class FinalError extends BundleError {}

/** Where a bundle is: its name joined to the path of the base URL (spec/platform-contract §3.2). @throws {BundleError} */
function bundleUrl(baseUrl: string, name: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !['http:', 'https:', 'file:'].includes(url.protocol)) {
    throw new FinalError(`Unknown URL scheme: bundles.baseUrl must be an http, https or file URL, got ${baseUrl}`);
  }
  url.pathname = posix.join('/', url.pathname, name.split('/').map(encodeURIComponent).join('/'));
  return url;
}

/**
 * Write a bundle's archive to a file. What may pass is tried again.
 * @throws {BundleError} that says what the last attempt met.
 */
export async function fetchBundle(name: string, to: string, options: FetchOptions, signal: AbortSignal): Promise<Seen> {
  const url = bundleUrl(options.baseUrl, name);
  const { attempts = 5, firstRetryMs = 500 } = options;
  let waitMs = firstRetryMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return (await attemptToFetch(url, to, options, signal, undefined)) as Seen;
    } catch (error) {
      if (error instanceof FinalError || attempt === attempts || signal.aborted) throw notFetched(url, error);
    }
    await pause(waitMs * (0.5 + Math.random()), undefined, { signal });
    waitMs = Math.min(waitMs * 2, longestRetryMs);
  }
}

/**
 * Ask once whether there is another archive than the one that was seen, and write that one to a file.
 * @returns undefined when there is none.
 * @throws {BundleError} that says what the attempt met.
 */
export async function askForBundle(
  name: string,
  to: string,
  options: FetchOptions,
  signal: AbortSignal,
  seen: Seen | undefined,
): Promise<Seen | undefined> {
  const url = bundleUrl(options.baseUrl, name);
  try {
    return await attemptToFetch(url, to, options, signal, seen?.source === sourceOf(url) ? seen : undefined);
  } catch (error) {
    throw notFetched(url, error);
  }
}

async function attemptToFetch(
  url: URL,
  to: string,
  options: FetchOptions,
  signal: AbortSignal,
  seen: Seen | undefined,
): Promise<Seen | undefined> {
  const time = AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]);
  if (url.protocol !== 'file:') return download(url, to, options, time, seen);
  const path = fileURLToPath(url);
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  const stamp = `${ino} ${size} ${mtimeNs}`;
  if (stamp === seen?.stamp) return undefined;
  return { source: sourceOf(url), stamp, sha256: await save(createReadStream(path), to, options.maxBytes, time) };
}

function sourceOf(url: URL): string {
  return createHash('sha256').update(url.href).digest('hex');
}

function notFetched(url: URL, error: unknown): BundleError {
  return new BundleError(`Couldn't fetch bundle: ${withoutSecrets(url)}: ${reasonOf(error)}`, { cause: error });
}

async function download(
  start: URL,
  to: string,
  options: FetchOptions,
  signal: AbortSignal,
  seen: Seen | undefined,
): Promise<Seen | undefined> {
  let url = start;
  const condition = {
    ...(seen?.etag !== undefined && { 'if-none-match': seen.etag }),
    ...(seen?.lastModified !== undefined && { 'if-modified-since': seen.lastModified }),
  };
  for (let hops = 0; hops <= maxRedirects; hops++) {
    const response = await get(url, url.host !== start.host, condition, options, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) {
      const length = Number(headers['content-length'] ?? 0);
      if (length > options.maxBytes) {
        response.destroy();
        throw tooLarge(options.maxBytes);
      }
      const { etag, 'last-modified': lastModified } = headers;
      // What ends with its connection may have been cut off: then its validators are those of another archive.
      const isWhole = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
      return {
        source: sourceOf(start),
        ...(isWhole && etag !== undefined && { etag }),
        ...(isWhole && lastModified !== undefined && { lastModified }),
        sha256: await save(response, to, options.maxBytes, signal),
      };
    }
    response.destroy();
    if (statusCode === 304 && Object.keys(condition).length > 0) return undefined;
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) throw httpError(statusCode);
    url = redirected(url, headers.location);
  }
  throw new FinalError(`more than ${maxRedirects} redirects`);
}

function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to === undefined || !['http:', 'https:'].includes(to.protocol))
    throw new FinalError('it redirects to no web address');
  if (from.protocol === 'https:' && to.protocol === 'http:') throw new FinalError('it redirects from https to http');
  return to;
}

function get(
  url: URL,
  elsewhere: boolean,
  headers: Readonly<Record<string, string>>,
  { insecureSkipVerify }: FetchOptions,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (elsewhere && isIP(host) !== 0 && isPrivateAddress(host)) {
    return Promise.reject(new FinalError(`a redirect leads to the private address ${host}`));
  }
  // `proxyEnv` newer than the types.
  const agentOptions = { proxyEnv: process.env } as http.AgentOptions;
  const secure = url.protocol === 'https:';
  const agent = secure
    ? new https.Agent({ ...agentOptions, rejectUnauthorized: !insecureSkipVerify })
    : new http.Agent(agentOptions);
  return new Promise((resolve, reject) => {
    const options = { agent, signal, headers, ...(elsewhere && { lookup: publicLookup }) };
    const request = (secure ? https : http).get(url, options, resolve);
    request.on('error', (error) => reject(signal.aborted ? new BundleError('it took too long') : error));
  });
}

/** @returns the hex SHA-256 of what was written. */
async function save(from: Readable, to: string, maxBytes: number, signal: AbortSignal): Promise<string> {
  let bytes = 0;
  const hash = createHash('sha256');
  const count = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      hash.update(chunk);
      if (bytes > maxBytes) done(tooLarge(maxBytes));
      else done(null, chunk);
    },
  });
  try {
    await pipeline(from, count, createWriteStream(to, { mode: 0o600 }), { signal });
  } catch (error) {
    throw signal.aborted ? new BundleError('it took too long') : error;
  }
  return hash.digest('hex');
}

function tooLarge(maxBytes: number): BundleError {
  return new FinalError(`the archive has more than ${maxBytes} bytes (bundles.maxBytes)`);
}

function httpError(status: number): BundleError {
  const message = `HTTP Error, got status code ${status}`;
  const final = status >= 300 && status < 500 && status !== 408 && status !== 429;
  return final ? new FinalError(message) : new BundleError(message);
}

/** A URL as it may stand in a log. */
function withoutSecrets(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}
