import type { Api, RateLimit } from '../definitions/api.ts';
import type { Admission, Awaitable, QuotaCount, RateCount, Store } from '../store/store.ts';
import { apiRateCount } from './api-limits.ts';
import { customCounters } from './custom-counters.ts';
import { type Refusal, refusals } from './refusal.ts';
import type { SessionCaller } from './session-caller.ts';
import type { SessionWriter } from './session-writer.ts';
import type { CountedRequest } from './sessions.ts';

/** Counts requests against limits (spec/platform-contract §6.5). A store that is down refuses: what cannot be counted is not let through. */
export class Counting {
  private readonly store: Store;
  private readonly writer: SessionWriter;
  /** By API, then by endpoint; the API as a whole is ''. */
  private readonly apiRates = new WeakMap<Api, Map<string, RateCount | undefined>>();

  constructor(store: Store, writer: SessionWriter) {
    this.store = store;
    this.writer = writer;
  }

  caller(caller: SessionCaller, api: Api, request: CountedRequest): Awaitable<Refusal | undefined> {
    const { skipRateLimit, skipQuota } = api.limits;
    let rate = skipRateLimit ? undefined : rateFor(caller, request);
    let quota = skipQuota ? undefined : caller.apiLimits.quota;
    if (rate === undefined && quota === undefined) return undefined;
    const custom = customCounters(caller.session, request);
    if (custom !== undefined) {
      if (rate !== undefined) rate = { ...rate, key: `rate-limit-${custom}` };
      if (quota !== undefined) quota = { ...quota, key: `quota-${custom}` };
    }
    return this.admit(rate, quota, (admission) => {
      caller.counted(admission);
      // A quota's new period is told to all who read the session.
      if (admission.quotaUsed === 1) this.writer.writeBack(caller.stored, caller.applied, api);
      if (admission.refusedBy === 'rate') return refusals.rate;
      return admission.refusedBy === 'quota' ? refusals.quota : undefined;
    });
  }

  api(api: Api, limit: RateLimit, endpoint: string | undefined): Awaitable<Refusal | undefined> {
    const rate = this.apiRate(api, limit, endpoint);
    if (rate === undefined) return undefined;
    return this.admit(rate, undefined, ({ refusedBy }) => (refusedBy === undefined ? undefined : refusals.apiRate));
  }

  private admit(
    rate: RateCount | undefined,
    quota: QuotaCount | undefined,
    decide: (admission: Admission) => Refusal | undefined,
  ): Awaitable<Refusal | undefined> {
    const admission = this.store.admit(rate, quota);
    return admission instanceof Promise ? admission.then(decide, () => refusals.storeDown) : decide(admission);
  }

  private apiRate(api: Api, limit: RateLimit, endpoint: string | undefined): RateCount | undefined {
    let rates = this.apiRates.get(api);
    if (rates === undefined) {
      rates = new Map();
      this.apiRates.set(api, rates);
    }
    const name = endpoint ?? '';
    if (!rates.has(name)) rates.set(name, apiRateCount(api, limit, endpoint));
    return rates.get(name);
  }
}

/** The rate of the endpoint, if the caller's right has one for it; else that of the caller for the API. */
function rateFor({ apiLimits }: SessionCaller, request: CountedRequest): RateCount | undefined {
  if (apiLimits.endpoints.length > 0) {
    const paths = request.paths();
    for (const { method, pattern, rate } of apiLimits.endpoints) {
      if (method === request.method && paths.some((path) => pattern.test(path))) return rate;
    }
  }
  return apiLimits.rate;
}
