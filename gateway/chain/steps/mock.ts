import { parseQuery } from '../../../contract/query.ts';
import type { FixedReply, MockRule } from '../../definitions/api-version.ts';
import { firstMatch } from '../../definitions/endpoint-path.ts';
import type { Exchange } from '../../exchange.ts';
import { endpointMethod, endpointPaths } from '../endpoint-paths.ts';
import { ensureState, type Step } from '../hooks.ts';
import { versionOf } from './request-rules.ts';

/** Answer in place of the upstream; response hooks run on the answer, as on the upstream's. */
export type AnswerAsUpstream = (exchange: Exchange, reply: FixedReply) => Promise<void>;

/** Mocks of OpenAPI operations, which answer after the request hooks. */
export function mockStep(answer: AnswerAsUpstream): Step {
  return async (exchange) => {
    const rule = firstMatch(versionOf(exchange).endpoints.mocks, endpointMethod(exchange), endpointPaths(exchange));
    if (rule === undefined) return false;
    await answer(exchange, chosenReply(rule, exchange));
    return true;
  };
}

/** Clients may ask for one of several examples, by header or by query (`accept-example-name`, `accept-example-code`). */
function chosenReply(rule: MockRule, exchange: Exchange): FixedReply {
  if (rule.examples === undefined) return rule.reply;
  const { headers, url } = ensureState(exchange);
  const query = parseQuery(url.query);
  const name = headers.get('X-Tyk-Accept-Example-Name') ?? query.get('accept-example-name')?.[0];
  const code = headers.get('X-Tyk-Accept-Example-Code') ?? query.get('accept-example-code')?.[0];
  const type = headers.get('Accept');
  if (name === undefined && code === undefined) return rule.reply;
  const found = rule.examples.find(
    (example) =>
      (name === undefined || example.name === name) &&
      (code === undefined || String(example.status) === code) &&
      (type === undefined || type === '*/*' || example.contentType === type),
  );
  return found?.reply ?? rule.reply;
}
