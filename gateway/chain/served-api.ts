import { isLoaded, type SetReport } from '../../contract/plugin-set.ts';
import type { UrlParts } from '../../contract/url.ts';
import { parseTarget } from '../../contract/url.ts';
import type { Api, TargetBase } from '../definitions/api.ts';
import type { Exchange } from '../exchange.ts';
import type { ResponseHead } from '../upstream/upstream.ts';
import { readsResponseBody, requestPhases, runOf } from './chain.ts';
import { type AcceptSession, ensureBody, ensureState, hookStep, refuse, type Step } from './hooks.ts';
import { type ProxyParts, proxy } from './proxy.ts';

/** One revision of an API, ready to serve. */
export interface ServedApi {
  readonly api: Api;
  readonly report: SetReport;
  /** Requests in flight. */
  readonly inFlight: number;
  /** Serve a request to its end. Never rejects. */
  handle(exchange: Exchange): Promise<void>;
  /** Resolves when the last request in flight has ended. */
  drained(): Promise<void>;
}

export interface ServedApiParts
  extends Omit<
    ProxyParts,
    'response' | 'brokenResponseHook' | 'readsResponse' | 'beforeResponseHooks' | 'afterResponseHooks'
  > {
  /** Find the API that a `tyk://` URL names. */
  readonly resolve: (name: string) => ServedApi | undefined;
  readonly acceptSession: AcceptSession | undefined;
  /** How an API whose plugins are not loaded answers. */
  readonly notLoaded: FixedError;
  /** The API's driver is unknown, or switched off: how request hooks answer. Response hooks fail after the upstream was asked. */
  readonly driverProblem: FixedError | undefined;
}

export interface FixedError {
  readonly status: number;
  readonly message: string;
}

/** Requests may be sent on by `tyk://` this often, as in the original. */
const maxLoops = 5;

export function serveApi(api: Api, report: SetReport, parts: ServedApiParts): ServedApi {
  const usable = parts.driverProblem === undefined && isLoaded(report);
  const response = usable ? runOf(api, report, ['response']) : undefined;
  const proxyParts: ProxyParts = {
    ...parts,
    response,
    brokenResponseHook:
      parts.driverProblem === undefined ? undefined : api.plugins.hooks.find((hook) => hook.type === 'response'),
    readsResponse: response !== undefined && readsResponseBody(response, report),
    beforeResponseHooks: undefined,
    afterResponseHooks: rateHeaders,
  };
  const steps = requestSteps(api, report, parts);
  const nextTarget = targetPicker(api);
  let inFlight = 0;
  let onDrained: (() => void) | undefined;

  async function run(exchange: Exchange): Promise<void> {
    for (const step of steps) {
      const ended = step(exchange);
      if (ended === true || (ended !== false && (await ended))) return;
    }
    await leave(exchange);
  }

  /** Where the chain ends: another API of this gateway, or the upstream. */
  async function leave(exchange: Exchange): Promise<void> {
    const url = urlOf(exchange);
    if (url.prefix.startsWith('tyk://')) return loop(exchange, url);
    if (response?.readsBody && !(await ensureBody(exchange, ensureState(exchange), parts))) return;
    await proxy(exchange, url, nextTarget(), proxyParts);
  }

  async function loop(exchange: Exchange, url: UrlParts): Promise<void> {
    const name = url.prefix.slice('tyk://'.length);
    const target = name === 'self' ? served : parts.resolve(name);
    if (target === undefined) return refuse(exchange, 500, "Can't detect loop target", parts);
    if (exchange.loops > maxLoops) {
      return refuse(exchange, 500, `Loop level too deep. Found more than ${maxLoops} loops in single request`, parts);
    }
    exchange.loops++;
    const state = ensureState(exchange);
    state.url = { ...url, prefix: `http://${name}` };
    state.rewrite = undefined;
    if (state.parkedMethod !== undefined && state.parkedMethod !== '') state.method = state.parkedMethod;
    state.parkedMethod = '';
    exchange.api = target.api;
    await target.handle(exchange);
  }

  const served: ServedApi = {
    api,
    report,
    get inFlight() {
      return inFlight;
    },
    async handle(exchange) {
      inFlight++;
      try {
        await run(exchange);
      } catch (error) {
        parts.observer.problem(exchange, 'the request could not be served', error as Error);
        refuse(exchange, 500, 'There was a problem proxying the request', parts);
      } finally {
        if (--inFlight === 0) onDrained?.();
      }
    },
    drained: () => (inFlight === 0 ? Promise.resolve() : new Promise((resolve) => (onDrained = resolve))),
  };
  return served;
}

function requestSteps(api: Api, report: SetReport, parts: ServedApiParts): Step[] {
  const { driverProblem } = parts;
  if (driverProblem !== undefined) {
    return api.plugins.hooks.some((hook) => hook.type !== 'response') ? [refusal(driverProblem, parts)] : [];
  }
  if (!isLoaded(report)) return [refusal(parts.notLoaded, parts)];
  // A keyless API has no step of ours between its phases, so all its hooks are one run: one call.
  const phases = api.auth.keyless ? [['pre', 'post'] as const] : requestPhases.map((phase) => [phase] as const);
  return phases.flatMap((run) => {
    const hooks = runOf(api, report, run);
    return hooks === undefined ? [] : [hookStep(hooks, parts, parts.acceptSession)];
  });
}

function refusal(error: FixedError, parts: ServedApiParts): Step {
  return (exchange) => {
    refuse(exchange, error.status, error.message, parts);
    return true;
  };
}

function urlOf(exchange: Exchange): UrlParts {
  const { state } = exchange;
  return state === undefined ? parseTarget(exchange.request.url ?? '/') : (state.rewrite ?? state.url);
}

function targetPicker(api: Api): () => TargetBase {
  const { bases } = api.target;
  const [only] = bases;
  if (bases.length === 1) return () => only as TargetBase;
  let next = 0;
  return () => bases[next++ % bases.length] as TargetBase;
}

/** Every proxied response tells what is left of the quota; without a quota that is 0 (recorded). */
function rateHeaders(_exchange: Exchange, response: ResponseHead): void {
  response.headers.set('X-Ratelimit-Limit', '0');
  response.headers.set('X-Ratelimit-Remaining', '0');
  response.headers.set('X-Ratelimit-Reset', '0');
}
