import type { Api } from '../../definitions/api.ts';
import type { ClientRequest, ClientResponse } from '../../exchange.ts';
import { Exchange } from '../../exchange.ts';

/** A request that nobody sends. */
export interface SampleRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly host: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** The sample on its way through an API. What asks for its connection gets none. */
export function sampleExchange(sample: SampleRequest, api: Api): Exchange {
  const rawHeaders = [['Host', sample.host] as const, ...sample.headers].flat();
  const headers = Object.fromEntries(sample.headers.map(([name, value]) => [name.toLowerCase(), value]));
  const request = {
    method: sample.method,
    url: sample.target,
    httpVersionMajor: 1,
    rawHeaders,
    headers: { ...headers, host: sample.host },
    socket: null,
  };
  return new Exchange(request as unknown as ClientRequest, {} as ClientResponse, api, 0, undefined);
}
