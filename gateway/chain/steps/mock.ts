import { parseQuery } from '../../../contract/query.ts';
import type { FixedReply, MockRule } from '../../definitions/api-version.ts';
import { firstMatch } from '../../definitions/endpoint-path.ts';
import { findExample } from '../../definitions/oas-mocks.ts';
import type { Exchange } from '../../exchange.ts';
import { endpointMethod, endpointPaths } from '../endpoint-paths.ts';
import { type ChainParts, ensureState, refuse, type Step } from '../hooks.ts';
import { versionOf } from './request-rules.ts';

/** Answer in place of the upstream; response hooks run on the answer, as on the upstream's. */
export type AnswerAsUpstream = (exchange: Exchange, reply: FixedReply) => Promise<void>;

/** Mocks of OpenAPI operations, which answer after the request hooks. */
export function mockStep(answer: AnswerAsUpstream, parts: ChainParts): Step {
  return async (exchange) => {
    const rule = firstMatch(versionOf(exchange).endpoints.mocks, endpointMethod(exchange), endpointPaths(exchange));
    if (rule === undefined) return false;
    const reply = chosenReply(rule, exchange);
    if (typeof reply === 'string') refuse(exchange, 500, `failed to mock response: mock: ${reply}`, parts);
    else await answer(exchange, reply);
    return true;
  };
}

/** Clients may ask for one of several examples, by header or by query (`accept-example-name`, `accept-example-code`). */
function chosenReply({ reply, examples, wanted }: MockRule, exchange: Exchange): FixedReply | string {
  if (examples === undefined || wanted === undefined) return reply;
  const { headers, url } = ensureState(exchange);
  const query = parseQuery(url.query);
  const name = headers.get('X-Tyk-Accept-Example-Name') || query.get('accept-example-name')?.[0];
  const code = headers.get('X-Tyk-Accept-Example-Code') || query.get('accept-example-code')?.[0];
  const accept = headers.get('Accept') || '*/*';
  if (!name && !code && accept === '*/*') return reply;
  if (code && !/^[+-]?\d+$/.test(code)) return `given code ${code} is not a valid integer value`;
  return findExample(examples, {
    status: code ? Number(code) : wanted.status,
    contentType: accept === '*/*' ? wanted.contentType : accept,
    name: name || wanted.name,
  });
}
