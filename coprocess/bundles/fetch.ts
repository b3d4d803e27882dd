import { createReadStream, createWriteStream } from 'node:fs';
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
}

const attempts = 5;
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
 * Write a bundle's archive to a file. What may pass is tried five times.
 * @throws {BundleError} that says what the last attempt met.
 */
export async function fetchBundle(name: string, to: string, options: FetchOptions, signal: AbortSignal): Promise<void> {
  const url = bundleUrl(options.baseUrl, name);
  let waitMs = options.firstRetryMs ?? 500;
  for (let attempt = 1; ; attempt++) {
    try {
      const time = AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]);
      if (url.protocol === 'file:') await save(createReadStream(fileURLToPath(url)), to, options.maxBytes, time);
      else await download(url, to, options, time);
      return;
    } catch (error) {
      const reason = reasonOf(error);
      if (error instanceof FinalError || attempt === attempts || signal.aborted) {
        throw new BundleError(`Couldn't fetch bundle: ${withoutSecrets(url)}: ${reason}`, { cause: error });
      }
    }
    await pause(waitMs * (0.5 + Math.random()), undefined, { signal });
    waitMs = Math.min(waitMs * 2, longestRetryMs);
  }
}

async function download(start: URL, to: string, options: FetchOptions, signal: AbortSignal): Promise<void> {
  let url = start;
  for (let hops = 0; hops <= maxRedirects; hops++) {
    const response = await get(url, url.host !== start.host, options, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) {
      const length = Number(headers['content-length'] ?? 0);
      if (length > options.maxBytes) {
        response.destroy();
        throw tooLarge(options.maxBytes);
      }
      return save(response, to, options.maxBytes, signal);
    }
    response.destroy();
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
    const options = { agent, signal, ...(elsewhere && { lookup: publicLookup }) };
    const request = (secure ? https : http).get(url, options, resolve);
    request.on('error', (error) => reject(signal.aborted ? new BundleError('it took too long') : error));
  });
}

async function save(from: Readable, to: string, maxBytes: number, signal: AbortSignal): Promise<void> {
  let bytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(tooLarge(maxBytes));
      else done(null, chunk);
    },
  });
  try {
    await pipeline(from, count, createWriteStream(to, { mode: 0o600 }), { signal });
  } catch (error) {
    throw signal.aborted ? new BundleError('it took too long') : error;
  }
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
