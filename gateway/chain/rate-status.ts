import type { Api } from '../definitions/api.ts';
import type { Exchange } from '../exchange.ts';
import { withoutListenPath } from '../object/target.ts';
import { send } from '../replies.ts';
import { checkAccessRights, checkExpiry } from '../session/index.ts';
import { ensureState, refuse, type Step } from './hooks.ts';
import type { RequestStepParts } from './request-steps.ts';

/** Below the listen path of an API with keys: what the caller's limits are, and what is left of them. */
const statusPath = '/tyk/rate-limits/';

export function asksForRateStatus(api: Api, exchange: Exchange): boolean {
  const path = (exchange.request.url ?? '').split('?', 1)[0] as string;
  return path.endsWith(statusPath) && withoutListenPath(api, path) === statusPath;
}

/** Answer with the caller's limits; what comes before it has found out who calls. Nothing is counted. */
export function rateStatusStep(parts: RequestStepParts): Step {
  return async (exchange) => {
    const { caller } = exchange;
    if (caller === undefined) return true;
    const refusal = checkExpiry(caller) ?? checkAccessRights(caller);
    ensureState(exchange);
    if (refusal !== undefined) {
      refuse(exchange, refusal.status, refusal.message, parts);
      return true;
    }
    const session = await parts.sessions.records.withQuotaLeft(caller.storedName, caller.session);
    const body = {
      quota: {
        quota_max: session.quota_max ?? 0,
        quota_remaining: session.quota_remaining ?? 0,
        quota_renews: session.quota_renews ?? 0,
      },
      rate_limit: { requests: session.rate ?? 0, per_unit: session.per ?? 0 },
    };
    send(exchange.response, 200, [['Content-Type', 'application/json']], Buffer.from(`${JSON.stringify(body)}\n`));
    return true;
  };
}
