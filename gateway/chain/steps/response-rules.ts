import type { Api } from '../../definitions/api.ts';
import { firstMatch } from '../../definitions/endpoint-path.ts';
import type { Exchange } from '../../exchange.ts';
import type { ResponseHead } from '../../upstream/upstream.ts';
import { endpointMethod, endpointPaths } from '../endpoint-paths.ts';
import { versions } from '../versions.ts';
import { applyHeaderSteps, versionOf } from './request-rules.ts';

/** Edits of a response's head before response hooks see it. */
export type HeadStep = (exchange: Exchange, response: ResponseHead) => void;

/** Header edits of the version, of the endpoint, and of `response_processors`, in this order; undefined when there are none. */
export function responseHeadersStep(api: Api): HeadStep | undefined {
  const some = versions(api).some(
    ({ responseHeaders, endpoints }) =>
      responseHeaders.set.length + responseHeaders.delete.length + endpoints.responseHeaders.length > 0,
  );
  if (!some && api.responseProcessors.length === 0) return undefined;
  return (exchange, response) => {
    const version = versionOf(exchange);
    applyHeaderSteps(version.responseHeaders, response.headers, exchange);
    const { responseHeaders } = version.endpoints;
    if (responseHeaders.length > 0) {
      const rule = firstMatch(responseHeaders, endpointMethod(exchange), endpointPaths(exchange));
      if (rule !== undefined) applyHeaderSteps(rule.headers, response.headers, exchange);
    }
    for (const steps of api.responseProcessors) applyHeaderSteps(steps, response.headers, exchange);
  };
}

/**
 * What every proxied response gets after its hooks: what is left of the caller's quota (0 without one: recorded), and the headers that
 * steps of the request have asked for. They replace the upstream's own.
 */
export function closingHeaders(exchange: Exchange, response: ResponseHead): void {
  const { headers } = response;
  const limits = exchange.caller?.limits;
  headers.set('X-Ratelimit-Limit', limits === undefined ? '0' : String(limits.quotaMax));
  headers.set('X-Ratelimit-Remaining', limits === undefined ? '0' : String(limits.quotaRemaining));
  headers.set('X-Ratelimit-Reset', limits === undefined ? '0' : String(limits.quotaRenews));
  for (const [name, value] of exchange.responseHeaders ?? []) headers.set(name, value);
}
